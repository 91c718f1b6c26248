package template

import (
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
)

func checkName(name string) error {
	if err := chartutil.ValidateReleaseName(name); err != nil {
		return fmt.Errorf("%q is no name of a release: want lower case letters, digits and -, at most 53", name)
	}
	return nil
}

// hooks are those to print, in the order Helm found them.
func (o *Options) hooks(c *model.ChartInfo) ([]*release.Hook, error) {
	if o.NoHooks || len(c.HookManifests) == 0 {
		return nil, nil
	}
	var hooks []*release.Hook
	if err := json.Unmarshal(c.HookManifests, &hooks); err != nil {
		return nil, fmt.Errorf("reading hooks of chart %q: %w", c.Name, err)
	}
	if o.SkipTests {
		hooks = slices.DeleteFunc(hooks, func(h *release.Hook) bool { return slices.Contains(h.Events, release.HookTest) })
	}
	return hooks, nil
}

// text is what Helm prints (helm.sh/helm/v4/pkg/cmd/template.go).
func (o *Options) text(c *model.ChartInfo, hooks []*release.Hook) string {
	var b strings.Builder
	fmt.Fprintln(&b, strings.TrimSpace(c.CRDs+c.Manifest))
	for _, h := range hooks {
		fmt.Fprintf(&b, "---\n# Source: %s\n%s\n", h.Path, h.Manifest)
	}
	return b.String()
}

var source = pattern.New(`# Source: [^/]+/(.+)`)

// only keeps what comes from the given templates, each of which may be a pattern, in their order.
func only(text string, patterns []string) (string, error) {
	split := releaseutil.SplitManifests(text)
	keys := make([]string, 0, len(split))
	for k := range split {
		keys = append(keys, k)
	}
	sort.Sort(releaseutil.BySplitManifestsOrder(keys))
	var b strings.Builder
	for _, p := range patterns {
		p = filepath.ToSlash(p)
		found := false
		for _, k := range keys {
			m := source.FindStringSubmatch(split[k])
			if m == nil {
				continue
			}
			matched, err := path.Match(p, m[1])
			if err != nil {
				return "", invalidPattern(p)
			}
			if matched {
				found = true
				fmt.Fprintf(&b, "---\n%s\n", split[k])
			}
		}
		if !found {
			return "", notShown(p, split)
		}
	}
	return b.String(), nil
}

func invalidPattern(p string) error {
	return &model.Error{Kind: model.ErrInvalid, Reason: "InvalidPath", Msg: fmt.Sprintf("--show-only %q is no pattern of file names", p)}
}

// notShown tells which templates gave something, since one can be there and render to nothing.
func notShown(p string, split map[string]string) error {
	var names []string
	for _, text := range split {
		if m := source.FindStringSubmatch(text); m != nil && !slices.Contains(names, m[1]) {
			names = append(names, m[1])
		}
	}
	slices.Sort(names)
	e := &model.Error{
		Kind: model.ErrNotFound, Reason: "TemplateNotFound", Msg: fmt.Sprintf("nothing came from %s: there is no such template, or it renders to nothing with these values", p),
	}
	const most = 12
	switch {
	case len(names) > most:
		e.Next = fmt.Sprintf("something came from %s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	case len(names) > 0:
		e.Next = "something came from " + strings.Join(names, ", ")
	}
	return e
}
