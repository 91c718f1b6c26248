package deploy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// reasonRecreate is why a change deletes first.
const reasonRecreate = "deleted first, then created again"

// markRecreated notes in the plan which objects are deleted first: those that are there, by name, and
// would change. A name that fits none is a mistake.
func (j *job) markRecreated(ctx context.Context, p *model.Plan) error {
	for _, name := range j.req.Recreate {
		found := false
		for i, phase := range p.Phases {
			phase = slices.Clone(phase)
			for k := range phase {
				if !strings.EqualFold(phase[k].Key.Short(), name) && !strings.EqualFold(phase[k].Key.String(), name) {
					continue
				}
				found = true
				if err := j.markOne(ctx, &phase[k]); err != nil {
					return err
				}
			}
			p.Phases[i] = phase
		}
		if !found {
			return &model.Error{
				Kind: model.ErrNotFound, Reason: "NoSuchObject", Msg: fmt.Sprintf("--recreate %s: the release has no such object", name),
				Next: "write it as the plan does, Kind/name: --dry-run shows it",
			}
		}
	}
	return nil
}

func (j *job) markOne(ctx context.Context, c *model.Change) error {
	if !applied(*c) {
		return nil
	}
	m, err := j.meta(ctx, *c)
	if m == nil || err != nil {
		return err
	}
	if why := anothers(j.req.Release.ID, m); why != "" {
		c.Action, c.Reason = model.ActionConflict, why
		return nil
	}
	c.Action, c.Reason, c.UID = model.ActionUpdate, reasonRecreate, string(m.UID)
	return nil
}

// applied reports whether a change writes its object: one that stays as it is is not deleted either.
func applied(c model.Change) bool {
	switch c.Action {
	case model.ActionCreate, model.ActionUpdate, model.ActionRepair, model.ActionAdopt:
		return c.Desired != nil && !c.Unowned
	}
	return false
}

// meta is an object's metadata, by its name; nil when it does not exist.
func (j *job) meta(ctx context.Context, c model.Change) (*metav1.ObjectMeta, error) {
	m, err := j.d.Cluster.GetMeta(ctx, kindOfChange(c), c.Key.Namespace, c.Key.Name)
	if model.KindOf(err) == model.ErrNotFound || model.ReasonOf(err, "") == kube.ReasonUnknownKind {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking at %s: %w", c.Key.Short(), err)
	}
	return m, nil
}

func kindOfChange(c model.Change) schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: c.Key.Group, Version: c.Version, Kind: c.Key.Kind}
}

// recreate deletes the objects that are to be made anew, where the plan makes them, and returns when
// they are gone. The line calls it when the hooks before are done: a hook that fails leaves them alone.
func (j *job) recreate(ctx context.Context, p model.Plan) error {
	marked := map[model.ObjectKey]bool{}
	for _, c := range j.plan.Changes() {
		marked[c.Key] = marked[c.Key] || c.Reason == reasonRecreate
	}
	var doomed []model.Change
	for _, c := range p.Changes() {
		if !marked[c.Key] || !applied(c) {
			continue
		}
		m, err := j.meta(ctx, c)
		if err != nil {
			return err
		}
		if m != nil {
			doomed = append(doomed, model.Change{Action: model.ActionPrune, Key: c.Key, Version: c.Version, UID: string(m.UID), Reason: reasonRecreate})
		}
	}
	if len(doomed) == 0 {
		return nil
	}
	err := j.d.Line.Execute(ctx, j.req.Release, model.Plan{Release: p.Release, Phases: [][]model.Change{doomed}}, func(h model.ObjectHealth) {
		if h.Health.Reason == string(model.ActionPrune) {
			j.deleted = append(j.deleted, h.Key)
		}
	})
	if err != nil {
		return err
	}
	for _, c := range doomed {
		if err := j.gone(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// gone returns when an object does not exist any more. It asks by name: no watch shows what another
// tool made.
func (j *job) gone(ctx context.Context, c model.Change) error {
	timeout := cmp.Or(j.req.Release.Timeout, health.DefaultTimeout)
	err := wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, timeout, true, func(ctx context.Context) (bool, error) {
		m, err := j.meta(ctx, c)
		if model.KindOf(err) == model.ErrTransient {
			return false, nil
		}
		return err == nil && (m == nil || string(m.UID) != c.UID), err
	})
	if err == nil || !wait.Interrupted(err) || ctx.Err() != nil {
		return err
	}
	return &model.Error{
		Reason: health.VerdictTimeout, Object: c.Key, Err: context.DeadlineExceeded,
		Msg:  fmt.Sprintf("still being deleted after %s", timeout),
		Next: "kubectl get " + c.Key.Kind + " " + c.Key.Name + " -n " + c.Key.Namespace + " -o jsonpath={.metadata.finalizers} says what holds it",
	}
}

// lost are the objects that the run deleted to make them anew, and did not make.
func (j *job) lost() []string {
	made := map[model.ObjectKey]bool{}
	note := func(results []model.Result) {
		for i := range results {
			if r := &results[i]; r.Err == nil && !r.Skipped && applied(r.Change) {
				made[r.Change.Key] = true
			}
		}
	}
	note(j.res.Outcome.Results)
	if back := j.res.Outcome.RolledBack; back != nil {
		note(back.Results)
	}
	var names []string
	for _, key := range j.deleted {
		if name := key.Short(); !made[key] && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
