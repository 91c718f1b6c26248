package rollback

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-cd/fairlead/internal/cli/clitest"
	"github.com/fairlead-cd/fairlead/internal/model"
)

func history(statuses ...model.RecordStatus) []model.Record {
	var records []model.Record
	for i, s := range statuses {
		records = append(records, model.Record{Revision: i + 1, Status: s})
	}
	return records
}

func TestChoose(t *testing.T) {
	const deployed, superseded, failed = model.RecordDeployed, model.RecordSuperseded, model.RecordFailed
	for name, tt := range map[string]struct {
		history []model.Record
		asked   int
		running bool
		want    int
		err     string
	}{
		"the one before":          {history(superseded, deployed), 0, false, 1, ""},
		"a failed one is no goal": {history(superseded, failed, deployed), 0, false, 1, ""},
		"away from a failed one":  {history(superseded, deployed, failed), 0, false, 2, ""},
		"the one asked for":       {history(superseded, superseded, deployed), 1, false, 1, ""},
		"also a failed one":       {history(superseded, failed, deployed), 2, false, 2, ""},
		"one that does not exist": {history(superseded, failed, deployed), 7, false, 0, "has no revision 7; there are 1, 2 (failed), 3"},
		"nothing before":          {history(deployed), 0, false, 0, "has no good revision before the current one, 1"},
		"never deployed":          {nil, 0, false, 0, "has no revisions to go back to"},
		"a first upgrade waits":   {history(deployed), 0, true, 1, ""},
		"an upgrade waits":        {history(superseded, deployed), 0, true, 2, ""},
		"one after a failure":     {history(deployed, failed), 0, true, 1, ""},
		"the first one waits":     {history(failed), 0, true, 0, "has no good revision before the current one, 1"},
	} {
		got, err := choose(tt.history, tt.asked, "dev/web", tt.running)
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %d, %v; want %d, %q", name, got, err, tt.want, tt.err)
		}
	}
}

func TestFlags(t *testing.T) {
	run := func(args ...string) (*Options, error) {
		var got *Options
		cmd := NewCmdRollback(clitest.Keep().Factory(), func(_ context.Context, o *Options) error { got = o; return nil })
		cmd.SetArgs(args)
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		return got, cmd.ExecuteContext(t.Context())
	}
	o, err := run("dev/web", "3", "--timeout", "2m", "--wait=false")
	if err != nil || o.Revision != 3 || o.Timeout != 2*time.Minute || o.Wait {
		t.Errorf("got %+v, %v", o, err)
	}
	if o, err = run("dev/web"); err != nil || o.Revision != 0 || !o.Wait {
		t.Errorf("got %+v, %v", o, err)
	}
	for _, args := range [][]string{{}, {"web", "zero"}, {"web", "0"}, {"web", "-1"}, {"web", "1", "2"}} {
		if _, err := run(args...); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
}
