package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// compare fills in what the plan changes, field by field, by dry runs of what it will send. Objects
// that stay as they are or go cost no request.
func (j *job) compare(ctx context.Context, p model.Plan) error {
	if err := j.markRecreated(ctx, &p); err != nil {
		return err
	}
	j.plan = p
	if j.req.Verb == VerbUninstall {
		return j.keptRelease(ctx, p)
	}
	creates, err := j.lacksNamespace(ctx)
	if err != nil {
		return err
	}
	if creates {
		j.plan.Phases = append([][]model.Change{{namespaceChange(j.req.Release.Namespace)}}, j.plan.Phases...)
	}
	asked := model.Plan{Release: p.Release}
	for _, phase := range j.plan.Phases {
		asked.Phases = append(asked.Phases, slices.DeleteFunc(slices.Clone(phase), func(c model.Change) bool { return !sent(c) }))
	}
	told, err := j.d.Line.Compare(ctx, j.req.Release, asked)
	if err != nil {
		return j.refusal(err)
	}
	known := map[model.ObjectKey]model.Change{}
	for _, c := range told.Changes() {
		known[c.Key] = c
	}
	for i, phase := range j.plan.Phases {
		phase = slices.Clone(phase)
		for k := range phase {
			if c, ok := known[phase[k].Key]; ok && sent(phase[k]) {
				phase[k] = c
			}
		}
		j.plan.Phases[i] = phase
	}
	return j.owners(ctx)
}

// owners looks whose the objects are that would be taken over. Those of another release are conflicts.
func (j *job) owners(ctx context.Context) error {
	j.ours = map[model.ObjectKey]bool{}
	id := j.req.Release.ID
	for _, phase := range j.plan.Phases {
		for k := range phase {
			c := &phase[k]
			if c.Action != model.ActionAdopt && c.Reason != reasonRecreate {
				continue
			}
			m, err := j.meta(ctx, *c)
			if err != nil {
				return err
			}
			if m == nil {
				continue
			}
			if why := anothers(id, m); why != "" {
				c.Action, c.Reason = model.ActionConflict, why
			} else if err := j.kept(ctx, m); err != nil {
				return err
			}
			j.ours[c.Key] = m.Annotations[helmName] != "" || c.Action == model.ActionUpdate && m.Labels[model.LabelRelease] == id.Label()
		}
	}
	return nil
}

// sent reports whether a change is an apply that a dry run can tell of.
func sent(c model.Change) bool {
	if c.Reason == reasonRecreate {
		return false
	}
	switch c.Action {
	case model.ActionCreate, model.ActionUpdate, model.ActionRepair, model.ActionAdopt:
		return true
	}
	return false
}

// refusal tells the refusals of dry runs once where they all have one reason.
func (j *job) refusal(err error) error {
	rel := j.req.Release
	if model.ReasonOf(err, "") == kube.ReasonNamespaceNotFound {
		return noNamespace(rel.Namespace)
	}
	return denied(immutable(err), rel)
}

func noNamespace(name string) error {
	return &model.Error{
		Kind: model.ErrNotFound, Reason: kube.ReasonNamespaceNotFound, Msg: fmt.Sprintf("namespace %q does not exist", name),
		Next: "check -n, or add --create-namespace",
	}
}

// immutable offers the way out that this command has.
func immutable(err error) error {
	var e *model.Error
	if !errors.As(err, &e) || e.Reason != kube.ReasonImmutableField {
		return err
	}
	told := *e
	told.Next = fmt.Sprintf("--recreate %s deletes the object and creates it again (it is gone for a moment)", e.Object.Short())
	told.Err = nil
	return &told
}

// denied says how to come by the rights that are missing.
func denied(err error, rel model.Release) error {
	var e *model.Error
	if !errors.As(err, &e) || e.Kind != model.ErrDenied || e.Reason == kube.ReasonAdmissionDenied {
		if errors.As(err, &e) && e.Reason == "RecordNotFound" {
			return noNamespace(rel.Namespace)
		}
		return err
	}
	told := *e
	told.Next = fmt.Sprintf("fairlead chart rbac CHART -n %s prints the Role that a deployment needs; somebody who may has to apply it", rel.Namespace)
	return &told
}

// refused is the error of a plan with conflicts.
func refused(p model.Plan) error {
	var errs []error
	for _, c := range p.Changes() {
		if c.Action != model.ActionConflict {
			continue
		}
		e := &model.Error{
			Kind: model.ErrConflict, Reason: "ObjectClaimed", Object: c.Key, Msg: c.Reason,
			Next: "remove the object from one of the two, or give this one another name; where the other is gone: " + c.Disown(),
		}
		if c.Desired != nil {
			e.File, e.Line = c.Desired.Origin.File, c.Desired.Origin.Line
		}
		errs = append(errs, e)
	}
	return errors.Join(errs...)
}

// Annotations by which Helm knows its own objects.
const (
	helmName      = "meta.helm.sh/release-name"
	helmNamespace = "meta.helm.sh/release-namespace"
)

// anothers says which other release an object belongs to that this one would take over; empty for none.
// Helm refuses that as well. Plain manifests take nothing from a chart's release, whatever its name.
func anothers(id model.ReleaseID, m *metav1.ObjectMeta) string {
	if l := m.Labels[model.LabelRelease]; l != "" && l != id.Label() {
		return "belongs to release " + model.ReleaseOf(l)
	}
	name, namespace := m.Annotations[helmName], m.Annotations[helmNamespace]
	switch {
	case name == "":
		return ""
	case namespace != "" && namespace != id.Namespace:
		return fmt.Sprintf("belongs to Helm release %s in namespace %s", name, namespace)
	case name != id.Name || id.Kind == model.KindManifests:
		return "belongs to Helm release " + name
	}
	return ""
}

var namespaceGVK = schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}

// lacksNamespace reports whether the namespace is to be made. Who may not look, and may not make one
// either, deploys into one that is there.
func (j *job) lacksNamespace(ctx context.Context) (bool, error) {
	if !j.req.CreateNamespace || j.res.Before > 0 {
		return false, nil
	}
	_, err := j.d.Cluster.GetMeta(ctx, namespaceGVK, "", j.req.Release.Namespace)
	switch model.KindOf(err) {
	case model.ErrNotFound:
		return true, nil
	case model.ErrDenied:
		return false, nil
	}
	return false, err
}

func namespaceChange(name string) model.Change {
	key := model.ObjectKey{Kind: "Namespace", Name: name}
	body := fmt.Appendf(nil, `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q}}`, name)
	return model.Change{
		Action: model.ActionCreate, Key: key, Version: "v1", Unowned: true, Reason: "--create-namespace",
		Desired: &model.Object{Key: key, Version: "v1", Body: body, Digest: model.Digest(body)},
	}
}

// makeNamespace makes the namespace that the plan begins with: everything else, the lock too, is in it.
func (j *job) makeNamespace(ctx context.Context) error {
	if len(j.plan.Phases) == 0 || len(j.plan.Phases[0]) == 0 {
		return nil
	}
	first := j.plan.Phases[0][0]
	if !first.Unowned || first.Key.Kind != "Namespace" || first.Action != model.ActionCreate {
		return nil
	}
	p := model.Plan{Release: j.plan.Release, Phases: [][]model.Change{{first}}}
	if err := j.d.Line.Execute(ctx, j.req.Release, p, nil); err != nil {
		return denied(err, j.req.Release)
	}
	j.o.Progress(model.ObjectHealth{Key: first.Key, Health: model.Health{Status: model.Healthy, Message: "created"}})
	return nil
}
