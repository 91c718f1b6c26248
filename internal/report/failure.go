package report

import (
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Style is how text is drawn. The zero value is 100 columns, Unicode lines, no emphasis.
type Style struct {
	Width int  // columns; 0 is 100, negative never wraps or cuts
	ASCII bool // draw with ASCII characters only
	// Each wraps a text in its emphasis; nil leaves it as it is.
	Bad, Good, Warn, Dim, Bold func(string) string
}

// Failure is one failed run of a release, as it is told.
type Failure struct {
	Release  string        // "shop/api"
	After    time.Duration // from the start of the run to its failure
	From, To int           // revisions; 0 is left out
	Commit   string        // full or short; cut to seven
	Causes   []model.Cause
	Err      error // why, where no object is the cause: a template error, a denied read
	Counts   Counts
	Rollback *Rollback
	Next     string // what to do; empty is "fairlead why RELEASE"
}

// Counts says how far the run came.
type Counts struct {
	Done, Failed, NotStarted int
}

// Rollback is what became of going back.
type Rollback struct {
	Revision int
	Status   model.HealthStatus
	After    time.Duration
	Err      error
}

// CountsOf counts the results of a run: unchanged and written objects are done.
func CountsOf(results []model.Result) Counts {
	return Counts{}
}

// Text is the whole report, several lines, ending with a newline.
func (f *Failure) Text(s Style) string {
	return ""
}

// Line is the report in one line, for a status condition or an event.
func (f *Failure) Line() string {
	return ""
}
