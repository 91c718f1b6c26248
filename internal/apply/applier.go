package apply

import (
	"context"

	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// Options of an Applier. The zero value is good.
type Options struct {
	PerRelease int // requests of one plan at a time; 0 is 16
	Global     int // requests of all plans at a time; 0 is 64
}

// Applier executes plans with the rights of its client.
type Applier struct{}

// New makes an applier; it is safe for any number of plans at a time.
func New(c *kube.Client, o Options) *Applier { panic("coming") }

// As is an applier with the rights of a service account ("namespace/name"), sharing limits and
// connections. Empty is the applier itself.
func (a *Applier) As(serviceAccount string) (*Applier, error) { panic("coming") }

// Execute runs the phases of a plan one after another and the changes of a phase side by side.
// progress, when not nil, is called for every result as it comes, one at a time.
//
// The results have one entry for every change of the plan, in its order, whatever happens: after a
// failure the later phases are Skipped. A plan with a conflict is refused and changes nothing. The
// error is the first failure and names the object; the others are in the results.
func (a *Applier) Execute(ctx context.Context, p model.Plan, progress func(model.Result)) ([]model.Result, error) {
	panic("coming")
}

// Preview fills in what every change of a plan would change, field by field, by a dry run on the
// server. Unchanged objects are compared with the cluster as well. It writes nothing.
func (a *Applier) Preview(ctx context.Context, p model.Plan) (model.Plan, error) { panic("coming") }
