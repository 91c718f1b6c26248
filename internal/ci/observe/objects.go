package observe

import (
	"github.com/fairlead-cd/fairlead/internal/deploy"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// object is what became of one object of a run.
type object struct {
	key             model.ObjectKey
	action          string
	health, message string
	skipped         bool
	err             error
	cause           *model.Cause
}

// unhealthy reports whether the object was seen, and was not well.
func (o *object) unhealthy() bool {
	switch model.HealthStatus(o.health) {
	case model.Progressing, model.Missing, model.Degraded, model.Unknown:
		return true
	}
	return false
}

// objects are all objects of a run, in the order of its plan.
func objects(r *deploy.Result) []object {
	health := map[model.ObjectKey]model.Health{}
	for _, h := range r.Outcome.Verdict.Objects {
		health[h.Key] = h.Health
	}
	results := map[model.ObjectKey]*model.Result{}
	for i := range r.Outcome.Results {
		results[r.Outcome.Results[i].Change.Key] = &r.Outcome.Results[i]
	}
	causes := map[model.ObjectKey]*model.Cause{}
	for i := range r.Outcome.Verdict.Causes {
		causes[r.Outcome.Verdict.Causes[i].Object] = &r.Outcome.Verdict.Causes[i]
	}
	var out []object
	for _, c := range r.Outcome.Plan.Changes() {
		o := object{key: c.Key, action: string(c.Action), cause: causes[c.Key]}
		if h, ok := health[c.Key]; ok {
			o.health, o.message = string(h.Status), h.Message
		}
		if res := results[c.Key]; res != nil {
			o.skipped, o.err = res.Skipped, res.Err
		}
		switch {
		case o.err != nil:
			o.health, o.message = "failed", o.err.Error()
		case o.skipped:
			o.health, o.message = "not started", ""
		}
		delete(causes, c.Key)
		out = append(out, o)
	}
	for _, c := range r.Outcome.Verdict.Causes { // of a hook, which is in no plan
		if causes[c.Object] != nil {
			out = append(out, object{key: c.Object, health: "failed", message: c.Summary, cause: &c})
		}
	}
	return out
}
