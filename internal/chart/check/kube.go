package check

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/fairlead-cd/fairlead/internal/chart/kubeschema"
)

// kube judges an object by the schemas of each version of Kubernetes that is asked about.
func (j *judge) kube(o *Object) error {
	end, ends, err := kubeschema.Ends(o.APIVersion(), o.Key.Kind)
	if err != nil {
		return err
	}
	for _, s := range j.schemas {
		if !slices.Contains(o.Versions, s.Version()) {
			continue
		}
		if ends && end.Gone(s) {
			j.gone(o, end, s)
			continue
		}
		kind, ok := s.Kind(o.APIVersion(), o.Key.Kind)
		if !ok {
			j.unknownKind(o, s)
			continue
		}
		if ends && end.Going(s) {
			j.going(o, end)
		} else if s.Own(o.APIVersion()) && !kubeschema.Served(o.APIVersion()) {
			j.report(o, "api-not-served", fields("apiVersion"), "%s is off in a cluster that was not told otherwise", o.APIVersion())
		}
		for _, v := range kind.Validate(o.Body) {
			j.add(o, v.Path, Finding{Rule: "kube-schema", Message: fmt.Sprintf("%s: %s%s", v.Path, v.Msg, j.in(s)), Fix: cmp.Or(v.Hint, fixes[v.Reason])})
		}
	}
	return nil
}

var fixes = map[kubeschema.Reason]string{
	kubeschema.Unknown:   "remove it: the API server refuses or drops it",
	kubeschema.WrongType: "look at what the value is and at its indentation",
	kubeschema.Missing:   "add it",
	kubeschema.NotOneOf:  "use a value that is allowed",
	kubeschema.Twice:     "remove one of the two",
}

// in names a version where several are asked about.
func (j *judge) in(s *kubeschema.Schemas) string {
	if len(j.schemas) < 2 {
		return ""
	}
	return " (Kubernetes " + s.Version() + ")"
}

func (j *judge) gone(o *Object, end kubeschema.Lifecycle, s *kubeschema.Schemas) {
	f := Finding{Rule: "removed-api", Message: fmt.Sprintf("%s %s was removed in Kubernetes 1.%d%s", o.APIVersion(), o.Key.Kind, end.Removed, j.in(s))}
	if end.Replacement != "" {
		f.Fix = "use " + end.Replacement
	}
	j.add(o, fields("apiVersion"), f)
}

func (j *judge) going(o *Object, end kubeschema.Lifecycle) {
	f := Finding{Rule: "deprecated-api", Message: fmt.Sprintf("%s %s is deprecated since Kubernetes 1.%d", o.APIVersion(), o.Key.Kind, end.Deprecated)}
	if end.Removed > 0 {
		f.Message += fmt.Sprintf(" and goes in 1.%d", end.Removed)
	}
	if end.Replacement != "" {
		f.Fix = "use " + end.Replacement
	}
	j.add(o, fields("apiVersion"), f)
}

// unknownKind is a mistake in a group of Kubernetes' own, or where a definition is nearly of that name.
// Of others nothing is known without their definition.
func (j *judge) unknownKind(o *Object, s *kubeschema.Schemas) {
	near := s.Near(o.APIVersion(), o.Key.Kind)
	if !s.Own(o.APIVersion()) {
		if near = s.Misspelt(o.APIVersion(), o.Key.Kind); near == "" {
			j.skipped[o.APIVersion()+" "+o.Key.Kind] = true
			return
		}
	}
	f := Finding{Rule: "unknown-kind", Message: fmt.Sprintf("there is no %s %s%s", o.APIVersion(), o.Key.Kind, j.in(s))}
	if near != "" {
		f.Fix = "use " + near
	}
	j.add(o, fields("apiVersion"), f)
}
