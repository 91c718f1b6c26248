package get

import (
	"context"
	"reflect"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/releases"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// watchEvent is what --watch -o json prints: one line for each change.
type watchEvent struct {
	cli.Header
	Type    string        `json:"type"`
	Release releases.View `json:"release"`
}

// The types of events; the words are those of Kubernetes' watches.
const (
	added    = "ADDED"
	modified = "MODIFIED"
	deleted  = "DELETED"
)

// watchRun prints all releases and then each that changed, until it is interrupted. A table grows by
// a row for each change; nothing that was printed is taken back, so that it can be piped.
func watchRun(ctx context.Context, o *Options, r *releases.Reader) error {
	known := map[model.ReleaseID]releases.View{}
	t := o.table()
	first := true
	return r.Watch(ctx, func(all []releases.View) error {
		views, err := o.choose(all)
		if err != nil {
			if first || model.KindOf(err) != model.ErrNotFound {
				return err
			}
			views = nil // it was there and is gone now
		}
		if first && len(views) == 0 {
			o.IO.Say("no releases yet")
		}
		first = false
		return o.printEvents(t, changes(known, views))
	})
}

// changes tells what is new since known, and brings known up to date.
func changes(known map[model.ReleaseID]releases.View, views []releases.View) []watchEvent {
	var events []watchEvent
	add := func(typ string, v releases.View) {
		events = append(events, watchEvent{cli.NewHeader("ReleaseEvent"), typ, v})
	}
	here := map[model.ReleaseID]bool{}
	for _, v := range views {
		id := v.ID()
		here[id] = true
		old, ok := known[id]
		switch {
		case !ok:
			add(added, v)
		case !same(old, v):
			add(modified, v)
		}
		known[id] = v
	}
	for id, v := range known {
		if !here[id] {
			add(deleted, v)
			delete(known, id)
		}
	}
	return events
}

// same reports whether two views of a release say the same: not that it grew older, nor that it was
// looked at again.
func same(a, b releases.View) bool {
	a.Age, a.ObservedAt, a.Handled = b.Age, b.ObservedAt, b.Handled
	return reflect.DeepEqual(a, b)
}

func (o *Options) printEvents(t *output.Table, events []watchEvent) error {
	var rows [][]string
	for _, e := range events {
		var err error
		switch {
		case o.Format.Structured():
			err = o.Format.WriteEvent(o.IO.Out, e)
		case o.Format.Is(output.FormatName):
			err = printNames(o.IO, []releases.View{e.Release})
		default:
			if e.Type == deleted {
				e.Release.Status, e.Release.Message = "Deleted", "no longer asked for"
			}
			rows = append(rows, row(&e.Release))
		}
		if err != nil {
			return err
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return t.Write(o.IO.Out, rows...)
}
