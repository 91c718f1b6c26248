package apply

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// Differ compares two JSON objects field by field; plan.Diff is one.
type Differ func(live, desired []byte, secret bool) ([]model.FieldDiff, error)

// Preview fills in what every change of a plan would change, field by field, by a dry run on the
// server. Unchanged objects are compared as well: one that would change becomes a repair. An object
// that exists and was to be created becomes an adoption. It writes nothing and costs two requests
// an object. A refusal of the dry run is an error, as it would be one of the real run; all are told.
func (a *Applier) Preview(ctx context.Context, p model.Plan, diff Differ) (model.Plan, error) {
	out := model.Plan{Release: p.Release, Phases: make([][]model.Change, len(p.Phases))}
	coming := comingWith(p)
	slots := make(chan struct{}, a.perRelease)
	var mu sync.Mutex
	var failed []error
	var wg sync.WaitGroup
	for i, phase := range p.Phases {
		out.Phases[i] = slices.Clone(phase)
		for j := range out.Phases[i] {
			c := &out.Phases[i][j]
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				if err := a.preview(ctx, c, diff, coming); err != nil {
					mu.Lock()
					failed = append(failed, origin(err, *c))
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	return out, errors.Join(failed...)
}

func (a *Applier) preview(ctx context.Context, c *model.Change, diff Differ, coming comers) error {
	if c.Action == model.ActionConflict {
		return nil
	}
	secret := c.Key.Group == "" && c.Key.Kind == "Secret"
	live, err := a.current(ctx, *c)
	if err != nil {
		return err
	}
	var desired []byte
	switch {
	case c.Desired == nil && c.Action == model.ActionPrune && !c.Unowned:
	case c.Desired == nil:
		return nil // kept
	default:
		if desired, err = a.dryRun(ctx, *c, coming); err != nil {
			return err
		}
	}
	if c.Diffs, err = diff(live, desired, secret); err != nil {
		return err
	}
	switch {
	case c.Action == model.ActionCreate && live != nil:
		c.Action = model.ActionAdopt
	case c.Action == model.ActionUnchanged && len(c.Diffs) > 0:
		c.Action, c.Reason = model.ActionRepair, "differs from the cluster"
	}
	return nil
}

// current is the live object as JSON, nil when there is none.
func (a *Applier) current(ctx context.Context, c model.Change) (body []byte, err error) {
	err = a.retry(ctx, func(ctx context.Context) error {
		body, err = a.client.Get(ctx, gvkOf(c), c.Key.Namespace, c.Key.Name)
		return err
	})
	if model.KindOf(err) == model.ErrNotFound || model.ReasonOf(err, "") == kube.ReasonUnknownKind {
		return nil, nil
	}
	return body, err
}

// dryRun is the object as it would be after the apply. Where the server cannot tell, because the
// object's namespace or kind comes with the same plan, it is the object as it is desired.
func (a *Applier) dryRun(ctx context.Context, c model.Change, coming comers) (body []byte, err error) {
	err = a.retry(ctx, func(ctx context.Context) error {
		body, err = a.client.ApplyRaw(ctx, gvkOf(c), c.Key.Namespace, c.Key.Name, c.Desired.Body, kube.ApplyOptions{
			Manager: model.FieldManager, Force: true, DryRun: true,
		})
		return err
	})
	if err != nil && cannotTell(err, c, coming) {
		return c.Desired.Body, nil
	}
	switch model.ReasonOf(err, "") {
	case kube.ReasonNamespaceNotFound:
		if coming.namespaces[c.Key.Namespace] {
			return c.Desired.Body, nil
		}
	case kube.ReasonUnknownKind:
		if coming.kinds {
			return c.Desired.Body, nil
		}
	}
	return body, err
}

// cannotTell recognizes refusals of a dry run that the real run will not meet: a pod's service account
// that comes with the same plan, and a webhook that knows no dry runs.
func cannotTell(err error, c model.Change, coming comers) bool {
	text := err.Error()
	if strings.Contains(text, "does not support dry run") {
		return true
	}
	// The message is ServiceAccount admission's: plugin/pkg/admission/serviceaccount in Kubernetes.
	return c.Key.Kind == "Pod" && coming.accounts[c.Key.Namespace] && strings.Contains(text, "error looking up service account")
}

// comers are what a plan brings that its other objects need.
type comers struct {
	namespaces map[string]bool
	accounts   map[string]bool // namespaces that get a service account
	kinds      bool
}

func comingWith(p model.Plan) comers {
	c := comers{namespaces: map[string]bool{}, accounts: map[string]bool{}}
	for _, change := range p.Changes() {
		switch {
		case change.Key.Kind == "Namespace" && change.Key.Group == "":
			c.namespaces[change.Key.Name] = true
		case change.Key.Kind == "ServiceAccount" && change.Key.Group == "" && change.Action == model.ActionCreate:
			c.accounts[change.Key.Namespace] = true
		case change.Key.Kind == kindCRD && change.Key.Group == groupCRD:
			c.kinds = true
		}
	}
	return c
}
