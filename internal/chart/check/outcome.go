package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
)

// judge turns what came of the cases into findings.
func (r *run) judge(ctx context.Context) error {
	j := &judge{subject: r.subject, found: r.found, cases: map[string]Case{}, schemas: r.schemas, skipped: map[string]bool{}, known: map[string]bool{}}
	for _, c := range r.cases {
		j.cases[c.Name] = c
	}
	for _, res := range r.results {
		r.outcome(res)
	}
	for _, key := range sortedKeys(r.pool) {
		j.remember(r.pool[key])
	}
	for _, key := range sortedKeys(r.pool) {
		o := r.pool[key]
		if r.onlyLong(o) {
			j.names(o)
			continue
		}
		if err := j.object(o); err != nil {
			return err
		}
	}
	for _, c := range r.cases {
		if set, ok := r.sets[c.Name]; ok && c.Kind != CaseLongName {
			j.whole(c.Name, set)
		}
	}
	r.report.Skipped = sortedKeys(j.skipped)
	r.idle()
	return r.try(ctx, j)
}

// onlyLong reports whether an object differs from others by its long name alone.
func (r *run) onlyLong(o *Object) bool {
	return !slices.ContainsFunc(o.Cases, func(name string) bool {
		i := slices.IndexFunc(r.cases, func(c Case) bool { return c.Name == name })
		return i < 0 || r.cases[i].Kind != CaseLongName
	})
}

// outcome tells of a case that was not rendered, and counts it.
func (r *run) outcome(res result) {
	c := CaseResult{Name: res.of.Name, Kind: res.of.Kind, Status: StatusRendered, Objects: len(res.rendered.Objects) + len(res.rendered.Hooks)}
	defer func() {
		// Of further versions of Kubernetes a case counts where it fares otherwise than with the first.
		same := func(o CaseResult) bool { return o.Name == c.Name && o.Status == c.Status }
		if res.schema == 0 || c.Status != StatusRendered && !slices.ContainsFunc(r.report.Cases, same) {
			r.report.Cases = append(r.report.Cases, c)
		}
	}()
	if res.err == nil {
		return
	}
	c.Status = StatusFailed
	var e *model.Error
	if !errors.As(res.err, &e) {
		return // renderAll has ended with these
	}
	c.Message = messageOf(e)
	f := Finding{Rule: "render", File: e.File, Line: e.Line, Message: c.Message, Fix: e.Next, Cases: []string{res.of.Name}}
	if e.Object.Kind != "" {
		f.Object = e.Object.Short()
	}
	switch {
	case e.Reason == "DuplicateObject":
		f.Rule = "duplicate-object"
		if at := r.subject.find(e.File, &Object{Object: model.Object{Key: e.Object}}, fields("metadata", "name")); f.Line == 0 && at.line > 0 {
			f.Line, f.Near = at.line, at.near
		}
	case helm.Refused(e), e.Reason == "SchemaViolation" && res.of.Kind != CaseDefaults && res.of.Kind != CaseValues:
		c.Status = StatusRefused
		f = r.refusal(res, e, f)
	case e.Reason == "SchemaViolation":
		r.violations(res, e)
		return
	}
	r.found.add(f)
}

// refusal is a chart's own no. To flipped values it is as it should be; values that belong to the
// chart it has to take, unless they are the defaults and a values file completes them.
func (r *run) refusal(res result, e *model.Error, f Finding) Finding {
	f.Rule = "refused"
	switch res.of.Kind {
	case CaseDefaults:
		f.Message = "the defaults are refused: " + messageOf(e)
		if !slices.ContainsFunc(r.results, func(o result) bool { return o.err == nil }) {
			f.Severity, f.Fix = Error, "give values that the chart takes with -f, or keep some in ci/NAME-values.yaml"
		}
	case CaseValues:
		f.Severity, f.Message, f.Fix = Error, res.of.Name+" is refused: "+messageOf(e), "change the values"
	default:
		f.Message, f.Fix = "flipped values are refused: "+messageOf(e), ""
	}
	return f
}

// violations tells of each value that the schema refuses, where it is set.
func (r *run) violations(res result, e *model.Error) {
	for v := range strings.SplitSeq(e.Msg, "; ") {
		path, what, ok := strings.Cut(v, ": ")
		if !ok {
			path, what = "", v
		}
		f := Finding{Rule: "schema", Message: v, Field: path, File: e.File, Cases: []string{res.of.Name}}
		steps := strings.Split(path, ".")
		if names := additional(what); names != "" { // at the unknown key, not at the map that holds it
			if path == "values" {
				steps = nil
			}
			steps = append(steps, names)
		}
		for _, file := range []string{res.of.Name, "values.yaml"} {
			if line := r.subject.valueLine(file, steps); line > 0 {
				f.File, f.Line = file, line
				break
			}
		}
		r.found.add(f)
	}
}

// additional is the key in "additional properties 'key' not allowed".
func additional(what string) string {
	rest, ok := strings.CutPrefix(what, "additional properties '")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "'")
	return name
}

// messageOf is what an error says without its place, which findings have apart.
func messageOf(e *model.Error) string {
	msg := e.Msg
	if e.Err != nil {
		msg += ": " + e.Err.Error()
	}
	return msg
}

// idle tells of toggles whose flipping changes nothing anywhere, not even on top of a values file. One
// that had to be tried with another on that it hangs below cannot be told from that one.
func (r *run) idle() {
	effect := map[string]bool{}
	var order []string
	for _, res := range r.results {
		if res.of.Kind != CaseToggle || res.schema != 0 {
			continue
		}
		if _, ok := effect[res.of.Toggle]; !ok {
			effect[res.of.Toggle] = false
			order = append(order, res.of.Toggle)
		}
		if res.err != nil || res.of.above || !r.sameAsBelow(res) {
			effect[res.of.Toggle] = true
		}
	}
	for _, t := range order {
		line := r.subject.valueLine("values.yaml", strings.Split(t, "."))
		if !effect[t] && line > 0 {
			r.found.add(Finding{Rule: "no-effect", File: "values.yaml", Line: line, Field: t, Message: "flipping " + t + " on its own changes nothing"})
		}
	}
}

// sameAsBelow reports whether a case renders what the values below its flip render.
func (r *run) sameAsBelow(res result) bool {
	for _, o := range r.results {
		if o.err == nil && o.of.flip == nil && o.of.name == "" && o.of.apis == nil && o.schema == res.schema && len(o.of.Layers) == len(res.of.Layers)-1 &&
			(len(o.of.Layers) == 0 || o.of.Layers[0].Origin == res.of.Layers[0].Origin) {
			return sameObjects(o.rendered, res.rendered) && o.rendered.Notes == res.rendered.Notes
		}
	}
	return false
}

// empty is an API server's word on a value that nobody has given.
var empty = pattern.New(`^Required value|^Invalid value: ""`)

// try asks the API server, once for each object that is its own.
func (r *run) try(ctx context.Context, j *judge) error {
	if r.Server == nil {
		return nil
	}
	var asked []*Object
	var objects []model.Object
	for _, key := range sortedKeys(r.pool) {
		o := r.pool[key]
		if !r.onlyLong(o) && slices.Contains(o.Versions, r.schemas[0].Version()) {
			asked, objects = append(asked, o), append(objects, o.Object)
		}
	}
	verdicts, err := r.Server.Try(ctx, objects)
	if err != nil {
		return fmt.Errorf("asking %s: %w", r.Server, err)
	}
	r.report.Server = r.Server.String()
	told, known := map[string]bool{}, r.foundIn()
	for i, v := range verdicts {
		o := asked[i]
		if v.Skipped != "" {
			told[o.APIVersion()+" "+o.Key.Kind+": "+v.Skipped] = true
			continue
		}
		r.report.Tried++
		for _, p := range v.Faults {
			p.Message = firstSentence(p.Message)
			place := o.Origin.File + " " + o.Key.Short() + " "
			if known[place+parsePath(p.Field).String()] || p.Field == "" && known[place] {
				continue // told already, and better
			}
			f := Finding{Rule: "server", Message: p.Message, Fix: "the server's message says what it wants"}
			if p.Field != "" {
				f.Message = p.Field + ": " + p.Message
			}
			if o.toggleOnly && empty.MatchString(p.Message) {
				// Flipping alone leaves out what goes with it.
				f.Severity, f.Fix = Warning, "let the chart say so itself: {{ required \"NAME is needed\" .Values.NAME }}"
			}
			j.add(o, parsePath(p.Field), f)
		}
	}
	r.report.NotTried = sortedKeys(told)
	return nil
}

// foundIn are the fields that the schemas and names have been found wrong in, as "file object field",
// and with an empty field the objects.
func (r *run) foundIn() map[string]bool {
	all := map[string]bool{}
	for _, f := range r.found.byKey {
		switch f.Rule {
		case "kube-schema", "name-length", "name-invalid", "label-invalid", "selector-mismatch", "volume-missing", "unknown-kind":
			all[f.File+" "+f.Object+" "+f.Field] = true
			all[f.File+" "+f.Object+" "] = true
		}
	}
	return all
}
