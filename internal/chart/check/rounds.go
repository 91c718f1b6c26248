package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
)

// renderAll renders the defaults and values files; flipped values on top of the first of them that
// the chart takes; and those that were refused, or changed nothing, on top of one after the other of
// the rest, where what they need may be there. lint runs beside that, once a first round has shown
// that the chart's templates end: it executes them where nothing can stop them.
func (r *run) renderAll(ctx context.Context, lint func()) error {
	if err := r.render(ctx, r.cases, 0); err != nil {
		return err
	}
	if r.stuck.Load() == 0 {
		go lint()
	}
	bases := slices.DeleteFunc(slices.Clone(r.results), func(res result) bool { return res.err != nil })
	if len(bases) > 0 {
		if err := r.renderOn(ctx, bases); err != nil {
			return err
		}
		if err := r.render(ctx, r.withAPIs(), 0); err != nil {
			return err
		}
	}
	r.cases = nil
	for i, res := range r.results {
		r.cases = append(r.cases, res.of)
		r.found.ranks[res.of.Name] = i
	}
	if r.asks() {
		cases := r.cases
		for i := 1; i < len(r.schemas); i++ {
			if err := r.render(ctx, cases, i); err != nil {
				return err
			}
		}
	}
	return r.gather()
}

// renderOn renders flipped values on top of others.
func (r *run) renderOn(ctx context.Context, bases []result) error {
	cases, err := r.flips(bases[0].of)
	if err != nil {
		return err
	}
	for i, below := range bases {
		before := len(r.results)
		if err := r.render(ctx, cases, 0); err != nil {
			return err
		}
		if i+1 < len(bases) {
			cases = r.elsewhere(r.results[before:], below, bases[i+1].of)
		}
	}
	return nil
}

// flips are the cases that flip values, on top of the first values that the chart takes.
func (r *run) flips(base Case) ([]Case, error) {
	if r.SkipToggle {
		return []Case{longNamed(base)}, nil
	}
	l := &caseList{limit: r.Options.Cases, base: base.Layers, on: base.Name}
	for _, t := range findToggles(r.subject.chart) {
		if !slices.Contains(r.config.SkipToggles, t.String()) {
			l.toggles = append(l.toggles, t)
		}
	}
	if err := l.flips(); err != nil {
		return nil, err
	}
	r.report.Toggles = len(l.toggles) - len(l.left)
	for _, t := range l.left {
		r.report.Left = append(r.report.Left, t.String())
	}
	return append(l.cases, longNamed(base)), nil
}

// elsewhere are further tries on top of other values.
func (r *run) elsewhere(tried []result, below result, next Case) []Case {
	var cases []Case
	for _, res := range tried {
		if res.of.flip == nil || len(r.results)+len(cases) >= 2*r.Options.Cases || !r.again(res, below.rendered) {
			continue
		}
		c := res.of
		c.Name, c.Layers = next.Name+", "+c.label, append(slices.Clone(next.Layers), *c.flip)
		cases = append(cases, c)
	}
	return append(cases, longNamed(next))
}

// longNamed is a case under a name as long as Helm allows.
func longNamed(c Case) Case {
	c.Kind, c.name = CaseLongName, longName
	c.Name = fmt.Sprintf("%s, a release name of %d characters", c.Name, longestRelease)
	return c
}

// again reports whether a flip says nothing where it was tried: the chart refused it, or it changed
// nothing.
func (r *run) again(res result, base model.Rendered) bool {
	if res.err == nil {
		return sameObjects(res.rendered, base)
	}
	return refusedBy(res.err)
}

func refusedBy(err error) bool {
	e, ok := err.(*model.Error)
	return ok && (helm.Refused(e) || e.Reason == "SchemaViolation")
}

var asksAPI = pattern.New(`APIVersions\.Has\s+"([^"]+)"`)

// withAPIs are the given values, and those with all toggles on, in a cluster that has the APIs which
// templates ask for: what is guarded by them is rendered nowhere else.
func (r *run) withAPIs() []Case {
	var apis []string
	served := r.schemas[0].APIVersions()
	for _, file := range sortedKeys(r.subject.texts) {
		for _, line := range r.subject.texts[file] {
			for _, m := range asksAPI.FindAllStringSubmatch(line, -1) {
				group := strings.Join(strings.Split(m[1], "/")[:min(2, strings.Count(m[1], "/")+1)], "/")
				// Versions of Kubernetes' own are there or not: that is what templates ask for.
				if !r.schemas[0].Own(group) && !slices.Contains(served, m[1]) && !slices.Contains(apis, m[1]) {
					apis = append(apis, m[1], group)
				}
			}
		}
	}
	if len(apis) == 0 {
		return nil
	}
	slices.Sort(apis)
	apis = slices.Compact(apis)
	var cases []Case
	for _, res := range r.results {
		if res.err != nil || !res.of.given() && res.of.Kind != CaseAll {
			continue
		}
		c := res.of
		c.Kind, c.apis = CaseAPIs, apis
		c.Name += ", with " + strings.Join(apis, ", ")
		cases = append(cases, c)
	}
	return cases
}
