package worker

import (
	"errors"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
)

// version of the protocol. Both ends are the same binary, except when it was replaced on disk
// while the controller ran.
const version = 4

// hello is the first message to a worker.
type hello struct {
	Version int
	Confine bool     // give up rights before the first job
	Roots   []string // all that may be read; empty is everything
	Memory  int64    // bytes beyond what the process takes when it starts
	Brief   bool     // the worker does a few jobs and ends: memory is not worth giving back
}

// ready is its answer.
type ready struct {
	Version  int
	Enforced []string // for people: "memory", "files", "network"
	Missing  []string // limits that this system does not offer, and why
}

// job is one render.
type job struct {
	Request helm.Request
}

// reply is what came of it: exactly one of its parts is set.
type reply struct {
	Rendered *model.Rendered
	Invalid  *failure
	Need     []helm.Dependency
	Look     []helm.Lookup
	Failed   string
}

// failure is a model.Error whose cause has become text.
type failure struct {
	Kind      model.ErrorKind
	Reason    string
	Object    model.ObjectKey
	File      string
	Line      int
	Msg, Next string
	Cause     string
}

func replyOf(r model.Rendered, err error) reply {
	var need *helm.NeedDependencies
	var look *helm.NeedLookups
	var e *model.Error
	switch {
	case err == nil:
		return reply{Rendered: &r}
	case errors.As(err, &need):
		return reply{Need: need.Missing}
	case errors.As(err, &look):
		return reply{Look: look.Missing}
	case !errors.As(err, &e):
		return reply{Failed: err.Error()}
	}
	f := &failure{Kind: e.Kind, Reason: e.Reason, Object: e.Object, File: e.File, Line: e.Line, Msg: e.Msg, Next: e.Next}
	if e.Err != nil {
		f.Cause = e.Err.Error()
	}
	return reply{Invalid: f}
}

func (r reply) result() (model.Rendered, error) {
	switch {
	case r.Rendered != nil:
		return *r.Rendered, nil
	case len(r.Need) > 0:
		return model.Rendered{}, &helm.NeedDependencies{Missing: r.Need}
	case len(r.Look) > 0:
		return model.Rendered{}, &helm.NeedLookups{Missing: r.Look}
	case r.Invalid == nil:
		return model.Rendered{}, errors.New(r.Failed)
	}
	f := r.Invalid
	e := &model.Error{Kind: f.Kind, Reason: f.Reason, Object: f.Object, File: f.File, Line: f.Line, Msg: f.Msg, Next: f.Next}
	if f.Cause != "" {
		e.Err = errors.New(f.Cause)
	}
	return model.Rendered{}, e
}
