package apply

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// Options of an Applier. The zero value is good.
type Options struct {
	PerRelease int // requests of one plan at a time; 0 is 16
	Global     int // requests of all plans at a time; 0 is 64
}

// Applier executes plans with the rights of its client. It is safe for any number of plans at a
// time.
type Applier struct {
	client     *kube.Client
	own        *kube.Client // with Fairlead's own rights, for watching
	perRelease int
	slots      chan struct{} // one for each request in flight, over all plans
	claims     *claims
}

// New makes an applier.
func New(c *kube.Client, o Options) *Applier {
	if o.PerRelease <= 0 {
		o.PerRelease = 16
	}
	if o.Global <= 0 {
		o.Global = 64
	}
	return &Applier{client: c, own: c, perRelease: o.PerRelease, slots: make(chan struct{}, o.Global), claims: &claims{}}
}

// As is an applier with the rights of a service account ("namespace/name"), sharing limits and
// connections. Empty is the applier itself.
func (a *Applier) As(serviceAccount string) (*Applier, error) {
	if serviceAccount == "" {
		return a, nil
	}
	c, err := a.client.As(serviceAccount)
	if err != nil {
		return nil, err
	}
	return &Applier{client: c, own: a.own, perRelease: a.perRelease, slots: a.slots, claims: a.claims}, nil
}

// Execute runs the phases of a plan one after another and the changes of a phase side by side.
// progress, when not nil, is called for every result as it comes, one at a time.
//
// The results have one entry for every change of the plan, in its order, whatever happens: after a
// failure the later phases are Skipped. A plan with a conflict is refused and changes nothing. The
// error is the first failure and names the object; the others are in the results.
func (a *Applier) Execute(ctx context.Context, p model.Plan, progress func(model.Result)) ([]model.Result, error) {
	r := &run{applier: a, ctx: ctx, label: p.Release.Label(), progress: progress}
	p = a.claim(p)
	refused := refuse(p)
	for _, phase := range p.Phases {
		if refused || r.failed() || ctx.Err() != nil {
			r.skip(phase, refused)
			continue
		}
		r.phase(phase)
	}
	return r.results, r.err(p)
}

// claim claims what a plan makes. What another release has claimed becomes a conflict.
func (a *Applier) claim(p model.Plan) model.Plan {
	label := p.Release.Label()
	phases := make([][]model.Change, len(p.Phases))
	for i := range p.Phases {
		phases[i] = slices.Clone(p.Phases[i])
		for j := range phases[i] {
			c := &phases[i][j]
			if c.Unowned || c.Action != model.ActionCreate && c.Action != model.ActionAdopt {
				continue
			}
			if holder, ok := a.claims.take(c.Key, label); !ok {
				c.Action, c.Reason = model.ActionConflict, "belongs to release "+model.ReleaseOf(holder)
			}
		}
	}
	p.Phases = phases
	return p
}

// run is the execution of one plan.
type run struct {
	applier  *Applier
	ctx      context.Context
	label    string
	progress func(model.Result)

	mu      sync.Mutex // guards progress
	results []model.Result
}

// phase executes changes side by side and appends their results in order.
func (r *run) phase(changes []model.Change) {
	at := len(r.results)
	r.results = append(r.results, make([]model.Result, len(changes))...)
	results := r.results[at:]
	slots := make(chan struct{}, r.applier.perRelease)
	var wg sync.WaitGroup
	for i := range changes {
		if changes[i].Action == model.ActionUnchanged {
			results[i] = model.Result{Change: changes[i], UID: changes[i].UID}
			r.tell(results[i])
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			results[i] = r.applier.change(r.ctx, r.label, changes[i])
			r.tell(results[i])
		})
	}
	wg.Wait()
}

// skip appends results for changes that are not started; conflicts are what a plan is refused for.
func (r *run) skip(changes []model.Change, refused bool) {
	for _, c := range changes {
		res := model.Result{Change: c, Skipped: true}
		switch {
		case c.Action == model.ActionConflict:
			res.Skipped, res.Err = false, conflict(c)
		case c.Action == model.ActionUnchanged && !refused:
			res.Skipped = false // there was nothing to start
		}
		r.results = append(r.results, res)
		r.tell(res)
	}
}

func (r *run) tell(res model.Result) {
	if r.progress == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress(res)
}

func (r *run) failed() bool {
	for i := range r.results {
		if r.results[i].Err != nil {
			return true
		}
	}
	return false
}

func (r *run) err(p model.Plan) error {
	for i := range r.results {
		if err := r.results[i].Err; err != nil {
			return fmt.Errorf("applying %s: %w", p.Release, err)
		}
	}
	for i := range r.results {
		if r.results[i].Skipped {
			return fmt.Errorf("applying %s: %w", p.Release, context.Cause(r.ctx))
		}
	}
	return nil
}

// refuse reports whether a plan has a conflict.
func refuse(p model.Plan) bool {
	for _, phase := range p.Phases {
		for i := range phase {
			if phase[i].Action == model.ActionConflict {
				return true
			}
		}
	}
	return false
}

func conflict(c model.Change) error {
	e := &model.Error{
		Kind: model.ErrConflict, Reason: "ObjectClaimed", Object: c.Key, Msg: c.Reason,
		Next: "remove the object from one of the two releases, or, where that one is gone: " + c.Disown(),
	}
	if c.Desired != nil {
		e.File, e.Line = c.Desired.Origin.File, c.Desired.Origin.Line
	}
	return e
}
