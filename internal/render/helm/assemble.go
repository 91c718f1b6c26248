package helm

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/manifest"
)

// assemble sorts rendered files into objects, hooks and what Helm's storage keeps.
func assemble(req Request, c *chart.Chart, values map[string]any, files map[string]string) (model.Rendered, error) {
	r := model.Rendered{Notes: takeNotes(files, c.Name())}
	hooks, manifests, err := sortManifests(files, c.Name())
	if err != nil {
		return model.Rendered{}, err
	}
	if r.Objects, err = crds(c); err != nil {
		return model.Rendered{}, err
	}
	for _, m := range manifests {
		objects, err := decode(m, c.Name(), files[m.Name], owned(req.Name, req.Namespace))
		if err != nil {
			return model.Rendered{}, err
		}
		r.Objects = append(r.Objects, objects...)
	}
	if err := manifest.Unique(r.Objects, req.Namespace); err != nil {
		return model.Rendered{}, err
	}
	if r.Hooks, err = hookObjects(hooks, c.Name(), files); err != nil {
		return model.Rendered{}, err
	}
	if r.Chart, err = chartInfo(c, values, manifests, hooks); err == nil && req.CRDText {
		r.Chart.CRDs = crdText(c)
	}
	return r, err
}

// takeNotes removes every NOTES.txt from files and gives the chart's own.
func takeNotes(files map[string]string, chartName string) string {
	notes := files[path.Join(chartName, "templates", notesFile)]
	for name := range files {
		if strings.HasSuffix(name, notesFile) {
			delete(files, name)
		}
	}
	return notes
}

// sortManifests lets Helm split and sort. Helm parses each document's head meanwhile; what it says
// of one that does not parse is replaced by something with a line.
func sortManifests(files map[string]string, chartName string) ([]*release.Hook, []releaseutil.Manifest, error) {
	hooks, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err == nil {
		return hooks, manifests, nil
	}
	for _, name := range sortedNames(files) {
		if strings.HasPrefix(path.Base(name), "_") {
			continue
		}
		for _, doc := range manifest.Split([]byte(files[name])) {
			if _, derr := manifest.Decode(doc.Text, nil); derr != nil {
				return nil, nil, renderedError(derr, below(name, chartName), doc.Line, doc.FirstLine())
			}
		}
	}
	return nil, nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidYAML", Msg: manifest.OneLine(err.Error())}
}

func sortedNames(files map[string]string) []string {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// decode reads the objects of one document. whole is the rendered file it was cut from.
func decode(m releaseutil.Manifest, chartName, whole string, mark manifest.Mark) ([]model.Object, error) {
	file := below(m.Name, chartName)
	objects, err := manifest.Decode([]byte(m.Content), mark)
	if err != nil {
		first := 1
		if i := strings.Index(whole, m.Content); i >= 0 {
			first += strings.Count(whole[:i], "\n")
		}
		return nil, renderedError(err, file, first, first)
	}
	for i := range objects {
		objects[i].Origin = model.Origin{File: file}
	}
	return objects, nil
}

// renderedError says that the line is one of the output: the template's lines are others.
func renderedError(err error, file string, first, otherwise int) error {
	err = manifest.At(err, file, first, otherwise)
	e, ok := err.(*model.Error)
	if !ok {
		return err
	}
	if e.Line > 0 {
		e.Msg = fmt.Sprintf("line %d of the rendered file: %s", e.Line, e.Msg)
		e.Line = 0
	}
	return e
}

// crds are the objects of the crds/ folders. Helm makes them before all others and does not mark
// them as its own. One that several files bring (a chart and its subchart) is the first of them: Helm
// passes over what exists (helm.sh/helm/v4/pkg/action, installCRDs).
func crds(c *chart.Chart) ([]model.Object, error) {
	var all []model.Object
	seen := map[model.ObjectKey]bool{}
	for _, crd := range c.CRDObjects() {
		file := below(crd.Filename, c.Name())
		for _, doc := range manifest.Split(crd.File.Data) {
			objects, err := manifest.Decode(doc.Text, nil)
			if err != nil {
				return nil, manifest.At(err, file, doc.Line, doc.FirstLine())
			}
			for i := range objects {
				objects[i].Origin = model.Origin{File: file, Line: doc.FirstLine()}
				objects[i].Lasting = true
				if !seen[objects[i].Key] {
					seen[objects[i].Key] = true
					all = append(all, objects[i])
				}
			}
		}
	}
	return all, nil
}

// crdText is what Helm prints of the crds/ folders: each file as it is.
func crdText(c *chart.Chart) string {
	var text strings.Builder
	for _, crd := range c.CRDObjects() {
		fmt.Fprintf(&text, "---\n# Source: %s\n%s\n", crd.Filename, crd.File.Data)
	}
	return text.String()
}

// owned marks an object as Helm's, so that `helm upgrade` and `helm rollback` accept it later
// (helm.sh/helm/v4/pkg/action, setMetadataVisitor).
func owned(name, namespace string) manifest.Mark {
	return func(object map[string]any) {
		md, _ := object["metadata"].(map[string]any)
		put := func(field, key, value string) {
			m, _ := md[field].(map[string]any)
			if m == nil {
				m = map[string]any{}
				md[field] = m
			}
			m[key] = value
		}
		put("labels", "app.kubernetes.io/managed-by", "Helm")
		put("annotations", "meta.helm.sh/release-name", name)
		put("annotations", "meta.helm.sh/release-namespace", namespace)
	}
}

// hookObjects are the hooks in the order Helm runs those of one event: by weight, then by name.
func hookObjects(hooks []*release.Hook, chartName string, files map[string]string) ([]model.Object, error) {
	sorted := slices.Clone(hooks)
	slices.SortStableFunc(sorted, func(a, b *release.Hook) int {
		if a.Weight != b.Weight {
			return a.Weight - b.Weight
		}
		return strings.Compare(a.Name, b.Name)
	})
	var all []model.Object
	for _, h := range sorted {
		objects, err := decode(releaseutil.Manifest{Name: h.Path, Content: h.Manifest}, chartName, files[h.Path], nil)
		if err != nil {
			return nil, err
		}
		for i := range objects {
			objects[i].Hook = hook(h)
		}
		all = append(all, objects...)
	}
	return all, nil
}

func hook(h *release.Hook) *model.Hook {
	m := &model.Hook{Weight: h.Weight}
	for _, e := range h.Events {
		m.Events = append(m.Events, string(e))
	}
	for _, p := range h.DeletePolicies {
		m.DeletePolicies = append(m.DeletePolicies, string(p))
	}
	if len(m.DeletePolicies) == 0 {
		// Helm's default: a hook left over from the last run makes room for the next.
		m.DeletePolicies = []string{string(release.HookBeforeHookCreation)}
	}
	return m
}

func chartInfo(c *chart.Chart, values map[string]any, manifests []releaseutil.Manifest, hooks []*release.Hook) (*model.ChartInfo, error) {
	var text strings.Builder
	for _, m := range manifests {
		fmt.Fprintf(&text, "---\n# Source: %s\n%s\n", m.Name, m.Content)
	}
	info := &model.ChartInfo{Name: c.Name(), Version: c.Metadata.Version, AppVersion: c.Metadata.AppVersion, Manifest: text.String()}
	var err error
	if info.Stored, err = json.Marshal(c); err != nil {
		return nil, fmt.Errorf("encoding chart %q: %w", c.Name(), err)
	}
	if info.Config, err = json.Marshal(values); err != nil {
		return nil, fmt.Errorf("encoding values of chart %q: %w", c.Name(), err)
	}
	if len(hooks) > 0 {
		if info.HookManifests, err = json.Marshal(hooks); err != nil {
			return nil, fmt.Errorf("encoding hooks of chart %q: %w", c.Name(), err)
		}
	}
	return info, nil
}
