package record

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Observed is what one look at a release found, and what came of the run that followed, if any:
// all that a status tells. Kinds of requests turn it into their own words.
type Observed struct {
	At      time.Time
	Release model.Release
	Last    *model.Record // newest record; nil when there is none
	// Attempted is the revision the last look was made against; zero when the source could not
	// be read.
	Attempted model.Revision

	// Err is why the look or the run ended early, and Stage where: "source", "render", "plan",
	// "apply", "health" or "record". Before "apply" nothing was changed in the cluster.
	Err   error
	Stage string

	Running bool   // the rollout is still under way
	Hook    string // what it waits for, if it is a hook: "pre-install hook Job/migrate"
	Install bool   // it is, or was, one of a release that never became what it should
	Repair  bool   // it puts back what others changed, and makes no revision

	// Health is the worst of Objects; Causes say why it is not good.
	Health  model.Health
	Objects []model.ObjectHealth
	Causes  []model.Cause

	Drift   []model.ObjectKey // objects that others changed and that were not put back
	Pending []model.Change    // differences nobody allowed Fairlead to apply
	Results []model.Result    // what the run changed; empty when nothing was run
	Started time.Time         // of the run
	Ended   time.Time         // zero while it runs
	ByHand  string            // who asked for the run; empty when nobody did

	Held    bool   // a rollback keeps the release where it is
	HeldWhy string // one line
	// RolledBack is the revision that was gone back to after the run failed, 0 for none;
	// RollbackErr is why that did not succeed.
	RolledBack  int
	RollbackErr error

	Unsupported []string // paths in the spec that are not acted upon
	Images      []string // of the release's containers, sorted
	Refreshed   bool     // someone asked for the look: its time is worth writing even if nothing changed
}

// changed reports whether the error, if any, came after the cluster was changed.
func (o *Observed) changed() bool {
	return o.Stage == "apply" || o.Stage == "health" || o.Stage == "record"
}

// failed reports whether the revision that was last recorded did not become what it should.
func (o *Observed) failed() bool {
	return o.Last != nil && o.Last.Status == model.RecordFailed
}

// unclear reports whether the error says nothing about the request: the source, the registry or
// the API server could not be asked.
func (o *Observed) unclear() bool {
	kind := model.KindOf(o.Err)
	return o.Err != nil && (kind == model.ErrTransient || kind == "")
}

// maxMessage bounds what a status says; the whole story is in events and "fairlead why".
const maxMessage = 1024

// failure is why the release is not as it should be, in one line, and its CamelCase reason.
func (o *Observed) failure(fallback string) (reason, message string) {
	switch {
	case o.Err != nil:
		message = o.Err.Error()
		if e := (*model.Error)(nil); errors.As(o.Err, &e) && e.Next != "" {
			message += " (" + e.Next + ")"
		}
		return model.ReasonOf(o.Err, fallback), shorten(message, maxMessage)
	case len(o.Causes) > 0:
		c := &o.Causes[0]
		if o.failed() && o.Last.HookFailed { // which hook it was, the record says
			message = o.Last.Description
			if c.Next != "" {
				message += " (" + c.Next + ")"
			}
			return c.Reason, shorten(message, maxMessage)
		}
		message = c.Root()
		if name := c.Object.Short() + ": "; !strings.HasPrefix(message, name) {
			message = name + message
		}
		if c.Next != "" {
			message += " (" + c.Next + ")"
		}
		if n := len(o.Causes); n > 1 {
			message += fmt.Sprintf("; and %d more", n-1)
		}
		return c.Reason, shorten(message, maxMessage)
	case o.failed() && o.Last.Description != "":
		return fallback, shorten(o.Last.Description, maxMessage)
	}
	reason = o.Health.Reason
	if reason == "" {
		reason = fallback
	}
	return reason, shorten(o.Health.Message, maxMessage)
}

// revisionText is a revision as statuses write it: the full commit, or the version.
func revisionText(r model.Revision) string {
	switch {
	case r.Commit != "":
		return r.Commit
	case r.Version != "":
		return r.Version
	case r.Digest != "":
		return r.Digest
	}
	return r.Ref
}
