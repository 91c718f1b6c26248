package helm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"

	"github.com/fairlead-cd/fairlead/internal/model"
)

const (
	defaultMaxOutput = 32 << 20
	notesFile        = "NOTES.txt"
)

// Render renders a chart. charts may be nil. The error is a *model.Error when the input is wrong,
// a *NeedDependencies or a *NeedLookups; no sensitive value appears in it. Rendered.Digest is left to the caller.
//
// A template that never ends makes Render never return, whatever ctx says.
func Render(ctx context.Context, req Request, charts *Recent) (model.Rendered, error) {
	hide := &mask{}
	r, err := render(ctx, req, charts, hide)
	if need := (*NeedDependencies)(nil); errors.As(err, &need) {
		return model.Rendered{}, err
	}
	if need := (*NeedLookups)(nil); errors.As(err, &need) {
		return model.Rendered{}, err
	}
	if err != nil {
		return model.Rendered{}, hide.err(err)
	}
	return r, nil
}

func render(ctx context.Context, req Request, charts *Recent, hide *mask) (model.Rendered, error) {
	root, err := os.OpenRoot(req.Dir)
	if err != nil {
		return model.Rendered{}, fmt.Errorf("opening artifact: %w", err)
	}
	defer root.Close()
	files := valuesFiles{root, nil}
	if req.Beside != "" {
		if files.beside, err = os.OpenRoot(req.Beside); err != nil {
			return model.Rendered{}, fmt.Errorf("opening values files: %w", err)
		}
		defer files.beside.Close()
	}
	values, err := mergeValues(files, req.Path, req.Values, hide)
	if err != nil {
		return model.Rendered{}, err
	}
	c, err := loaded(root, req, charts)
	if err != nil {
		return model.Rendered{}, err
	}
	hide.chart = c
	caps, err := capabilities(req.Capabilities)
	if err != nil {
		return model.Rendered{}, err
	}
	if err := checkKube(c, caps); err != nil {
		return model.Rendered{}, err
	}
	if err := chartutil.ProcessDependencies(c, values); err != nil {
		return model.Rendered{}, valuesError(err)
	}
	top, err := util.ToRenderValuesWithSchemaValidation(c, values, common.ReleaseOptions{
		Name: req.Name, Namespace: req.Namespace, Revision: max(req.Revision, 1), IsUpgrade: req.IsUpgrade, IsInstall: !req.IsUpgrade,
	}, caps, true)
	if err != nil {
		return model.Rendered{}, valuesError(err)
	}
	if err := validate(c, top["Values"].(common.Values), charts); err != nil {
		return model.Rendered{}, err
	}
	hideFound(hide, req.Found)
	made, err := execute(ctx, c, top, req)
	if err != nil {
		return model.Rendered{}, err
	}
	return assemble(req, c, values, made)
}

// loaded is a copy of the request's chart, dependencies included, that may be changed.
func loaded(root *os.Root, req Request, charts *Recent) (*chart.Chart, error) {
	key := chartKey(req)
	if c := charts.get(key); c != nil {
		return copyChart(c), nil
	}
	c, err := load(root, req.Path)
	if err != nil {
		return nil, err
	}
	if err := complete(root, req.Path, c, req.Dependencies); err != nil {
		return nil, err
	}
	if charts == nil {
		return c, nil
	}
	charts.put(key, c)
	return copyChart(c), nil
}

func chartKey(req Request) string {
	parts := [][]byte{[]byte(req.Digest), []byte(req.Path), []byte(req.Dir)}
	for _, d := range req.Dependencies {
		parts = append(parts, []byte(d.Dir), []byte(d.Path))
	}
	return model.Digest(parts...)
}

// capabilities are what templates see as .Capabilities; without any it is what `helm template`
// assumes.
func capabilities(c model.Capabilities) (*common.Capabilities, error) {
	caps := common.DefaultCapabilities.Copy()
	if len(c.APIVersions) > 0 {
		caps.APIVersions = c.APIVersions
	}
	if c.KubeVersion == "" {
		return caps, nil
	}
	v, err := common.ParseKubeVersion(c.KubeVersion)
	if err != nil {
		return nil, fmt.Errorf("parsing Kubernetes version %q: %w", c.KubeVersion, err)
	}
	caps.KubeVersion = *v
	return caps, nil
}

func checkKube(c *chart.Chart, caps *common.Capabilities) error {
	want := c.Metadata.KubeVersion
	if want == "" || chartutil.IsCompatibleRange(want, caps.KubeVersion.String()) {
		return nil
	}
	return &model.Error{
		Kind: model.ErrInvalid, Reason: "KubeVersionMismatch", File: "Chart.yaml",
		Msg:  fmt.Sprintf("the chart wants Kubernetes %s, the cluster is %s", want, caps.KubeVersion.Version),
		Next: "use a version of the chart made for this cluster",
	}
}

func valuesError(err error) error {
	return &model.Error{Kind: model.ErrInvalid, Reason: "InvalidValues", Msg: "values do not fit the chart", Err: err}
}

// execute runs all templates. The result maps "chart/templates/name" to text.
func execute(ctx context.Context, c *chart.Chart, top common.Values, req Request) (map[string]string, error) {
	draw := func() (map[string]string, error) { return engine.Engine{}.RenderWithContext(ctx, c, top) }
	if req.Looks {
		draw = func() (map[string]string, error) {
			ask := newLookups(req.Found)
			files, err := ask.render(c, top)
			if len(ask.missing) > 0 && !ask.failed { // an error may well be for want of what is there
				return nil, &NeedLookups{Missing: ask.missing}
			}
			return files, err
		}
	}
	files, err := draw()
	if err != nil && brokenNotes(err, c) {
		// Notes are talk for people; a chart is not refused because they are broken. When they call
		// fail, the chart refuses its values, and that stands. They may have failed before any other
		// template ran, and so before the chart asked for anything.
		dropNotes(c)
		files, err = draw()
	}
	if need := (*NeedLookups)(nil); errors.As(err, &need) {
		return nil, err
	}
	if err != nil {
		return nil, templateError(err, c.Name())
	}
	limit := cmp.Or(req.MaxOutput, defaultMaxOutput)
	var total int64
	for _, text := range files {
		total += int64(len(text))
	}
	if total > limit {
		return nil, &model.Error{
			Kind: model.ErrInvalid, Reason: "OutputTooLarge",
			Msg: fmt.Sprintf("the chart renders %d MiB, more than %d MiB", total>>20, limit>>20),
		}
	}
	return files, nil
}

func brokenNotes(err error, c *chart.Chart) bool {
	at := parseTemplateError(err)
	return path.Base(at.outer) == notesFile && strings.HasPrefix(at.outer, c.Name()+"/") && !at.refusal
}

func dropNotes(c *chart.Chart) {
	kept := c.Templates[:0:0]
	for _, t := range c.Templates {
		if path.Base(t.Name) != notesFile {
			kept = append(kept, t)
		}
	}
	c.Templates = kept
	for _, d := range c.Dependencies() {
		dropNotes(d)
	}
}
