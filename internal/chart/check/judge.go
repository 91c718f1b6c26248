package check

import (
	"fmt"
	"slices"

	"github.com/fairlead-cd/fairlead/internal/chart/kubeschema"
)

// judge applies rules to what was rendered.
type judge struct {
	subject *subject
	found   *findings
	cases   map[string]Case
	schemas []*kubeschema.Schemas // one for each version of Kubernetes
	skipped map[string]bool       // kinds that nothing is known of

	// known are the containers that the defaults or a values file render.
	known map[string]bool
}

// report adds a finding about a field of an object.
func (j *judge) report(o *Object, rule string, path kubeschema.Path, format string, args ...any) {
	j.add(o, path, Finding{Rule: rule, Message: fmt.Sprintf(format, args...)})
}

func (j *judge) add(o *Object, path kubeschema.Path, f Finding) {
	f.File, f.Object, f.Field = o.Origin.File, o.Key.Short(), path.String()
	if p := j.subject.find(f.File, o, path); p.line > 0 {
		f.Line, f.Near, f.Value = p.line, p.near, p.value
	} else {
		f.Line, f.Near = o.Origin.Line, len(path) > 0
	}
	if f.Cases == nil {
		f.Cases = o.Cases
	}
	if f.Severity == "" && o.isTest() && baseline[f.Rule] && f.Rule != "plaintext-secret" {
		f.Severity = Warning // a pod that runs for a moment, when someone asks
	}
	j.found.add(f)
}

// object applies every rule that needs one object alone.
func (j *judge) object(o *Object) error {
	if err := j.kube(o); err != nil {
		return err
	}
	j.names(o)
	j.secrets(o)
	j.roles(o)
	if p, ok := podOf(o); ok {
		j.pod(p)
	}
	return nil
}

// meant reports whether all cases of an object are toggles that set how safe pods are.
func (j *judge) meant(o *Object) bool {
	return !slices.ContainsFunc(o.Cases, func(name string) bool {
		c := j.cases[name]
		return c.Kind != CaseToggle || !toggleOf(c).setting()
	})
}

func toggleOf(c Case) Toggle { return Toggle{Path: []string{c.Toggle}} }

// secure adds a finding of the baseline about a container. Where only flipped values lead to it, and
// the container is safe without them, it is what those values are for.
func (j *judge) secure(p pod, c *container, rule string, path kubeschema.Path, format string, args ...any) {
	o := p.owner
	f := Finding{Rule: rule, Message: fmt.Sprintf(format, args...)}
	if o.toggleOnly {
		if j.meant(o) {
			return
		}
		if j.known[containerKey(o, c)] {
			f.Severity = Warning
		}
	}
	j.add(o, path, f)
}

// containerKey names a container, or the pod where c is nil, across cases.
func containerKey(o *Object, c *container) string {
	key := o.Origin.File + " " + o.Key.Kind
	if c != nil {
		key += " " + c.name()
	}
	return key
}

func (j *judge) remember(o *Object) {
	p, ok := podOf(o)
	if !ok || o.toggleOnly {
		return
	}
	j.known[containerKey(o, nil)] = true
	for _, c := range p.containers() {
		j.known[containerKey(o, &c)] = true
	}
}

// unusual is a severity, or one less where nothing but a release name of the greatest length leads to
// an object.
func (j *judge) unusual(o *Object, s Severity) Severity {
	if slices.ContainsFunc(o.Cases, func(name string) bool { return j.cases[name].Kind != CaseLongName }) {
		return s
	}
	return s.less()
}
