package pipeline

import (
	"errors"
	"testing"

	"github.com/fairlead-cd/fairlead/internal/live"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// TestDescription says what is recorded of a run, once.
func TestDescription(t *testing.T) {
	l := &Line{Live: live.New(t.Context(), nil, live.Options{})}
	failed := []model.Record{{Revision: 2, Status: model.RecordFailed, Description: "Upgrade failed: no image"}}
	for name, c := range map[string]struct {
		mode    Mode
		history []model.Record
		err     error
		want    string
	}{
		"install":                     {ModeUpgrade, nil, nil, "Install complete"},
		"failed install":              {ModeUpgrade, nil, errors.New("no image"), "Install failed: no image"},
		"rollback":                    {ModeRollback, failed, nil, "Rollback to 1 after: Upgrade failed: no image"},
		"rollback, failed alike":      {ModeRollback, failed, errors.New("no image"), "Rollback to 1 failed: no image"},
		"rollback, failed in its way": {ModeRollback, failed, errors.New("no node"), "Rollback to 1 failed: no node (after: Upgrade failed: no image)"},
	} {
		out := Outcome{Request: Request{Mode: c.mode, Target: 1, History: c.history}, Verdict: model.Verdict{Status: model.Healthy}, Err: c.err}
		if got := l.newRecord(&out, Desired{}).Description; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
