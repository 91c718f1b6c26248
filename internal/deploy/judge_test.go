package deploy

import (
	"strings"
	"testing"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// rec is a revision, made by its owner a minute ago.
func rec(revision int, status model.RecordStatus, owner string) model.Record {
	return model.Record{Revision: revision, Status: status, Owner: owner, Time: now.Add(-time.Minute), Inputs: "inputs"}
}

const (
	chart     = "Helm/shop/web"
	manifests = "Manifests/shop/web"
	request   = "HelmRelease/shop/web"
)

func TestJudge(t *testing.T) {
	dead := rec(2, model.RecordPendingUpgrade, "")
	dead.Time = now.Add(-time.Hour)
	for name, tt := range map[string]struct {
		kind    model.Kind
		history []model.Record
		want    string // in the error; empty is none
	}{
		"new":                     {model.KindHelm, nil, ""},
		"ours":                    {model.KindHelm, []model.Record{rec(1, model.RecordDeployed, chart)}, ""},
		"helm's":                  {model.KindHelm, []model.Record{rec(1, model.RecordDeployed, "")}, ""},
		"ours, changed by helm":   {model.KindHelm, []model.Record{rec(1, model.RecordSuperseded, chart), rec(2, model.RecordDeployed, "")}, ""},
		"a controller's":          {model.KindHelm, []model.Record{rec(1, model.RecordDeployed, request)}, "belongs to HelmRelease/shop/web"},
		"a controller's, by helm": {model.KindHelm, []model.Record{rec(1, model.RecordSuperseded, request), rec(2, model.RecordDeployed, "")}, "belongs to HelmRelease/shop/web"},
		"was a controller's":      {model.KindHelm, []model.Record{rec(1, model.RecordUninstalled, request)}, ""},
		"manifests":               {model.KindHelm, []model.Record{rec(1, model.RecordDeployed, manifests)}, "plain manifests"},
		"a chart's":               {model.KindManifests, []model.Record{rec(1, model.RecordDeployed, chart)}, "is a chart's"},
		"helm's, for manifests":   {model.KindManifests, []model.Record{rec(1, model.RecordDeployed, "")}, "is a chart's, made by helm"},
		"manifests, by helm":      {model.KindManifests, []model.Record{rec(1, model.RecordSuperseded, manifests), rec(2, model.RecordDeployed, "")}, ""},
		"helm at work":            {model.KindHelm, []model.Record{rec(1, model.RecordDeployed, chart), rec(2, model.RecordPendingUpgrade, "")}, "revision 2 is pending-upgrade since 2026-01-02T03:03:05Z"},
		"helm died":               {model.KindHelm, []model.Record{rec(1, model.RecordDeployed, chart), dead}, ""},
	} {
		err := judge(ID(tt.kind, "shop", "web"), tt.history, now)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
		if err != nil && model.KindOf(err) != model.ErrConflict {
			t.Errorf("%s: %v is no conflict", name, err)
		}
	}
}

func TestTarget(t *testing.T) {
	history := []model.Record{
		rec(3, model.RecordSuperseded, chart), rec(4, model.RecordFailed, chart), rec(5, model.RecordSuperseded, chart),
		rec(6, model.RecordFailed, chart), rec(7, model.RecordDeployed, chart),
	}
	for name, tt := range map[string]struct {
		history []model.Record
		asked   int
		want    int // 0 is an error
	}{
		"the last good one":            {history, 0, 5},
		"from a failed one":            {history[:4], 0, 5},
		"asked for":                    {history, 3, 3},
		"a failed one, when asked for": {history, 4, 4},
		"the current one again":        {history, 7, 7},
		"one that is gone":             {history, 2, 0},
		"nothing good before":          {history[:1], 0, 0},
		"no release":                   {nil, 0, 0},
	} {
		got, err := target(ID(model.KindHelm, "shop", "web"), tt.history, tt.asked)
		if got != tt.want || (err == nil) != (tt.want > 0) {
			t.Errorf("%s: got %d, %v, want %d", name, got, err, tt.want)
		}
	}
}

func TestSettled(t *testing.T) {
	held, partial := rec(1, model.RecordDeployed, chart), rec(1, model.RecordDeployed, chart)
	held.HoldBy, partial.Partial = "fairlead rollback", true
	good, failed, helms := rec(1, model.RecordDeployed, chart), rec(1, model.RecordFailed, chart), rec(1, model.RecordDeployed, "")
	for name, tt := range map[string]struct {
		last   *model.Record
		inputs string
		want   bool
	}{
		"what was asked for": {&good, "inputs", true},
		"other inputs":       {&good, "others", false},
		"failed":             {&failed, "inputs", false},
		"rolled back":        {&held, "inputs", false},
		"half applied":       {&partial, "inputs", false},
		"made by helm":       {&helms, "inputs", false},
		"never deployed":     {nil, "inputs", false},
	} {
		if got := settled(tt.last, ID(model.KindHelm, "shop", "web"), tt.inputs); got != tt.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestRepairs(t *testing.T) {
	key := func(name string) model.ObjectKey {
		return model.ObjectKey{Kind: "ConfigMap", Namespace: "shop", Name: name}
	}
	change := func(a model.Action, name, digest string) model.Change {
		c := model.Change{Action: a, Key: key(name)}
		if digest != "" {
			c.Desired = &model.Object{Key: c.Key, Digest: digest}
		}
		return c
	}
	namespace := change(model.ActionCreate, "shop", "other")
	namespace.Unowned = true
	last := rec(1, model.RecordDeployed, chart)
	last.Inventory = model.Inventory{{Key: key("a"), Digest: "1"}, {Key: key("b"), Digest: "2"}}
	a := change(model.ActionUnchanged, "a", "1")
	for name, tt := range map[string]struct {
		kind   model.Kind
		change model.Change
		want   bool
	}{
		"nothing":                        {model.KindHelm, change(model.ActionUnchanged, "b", "2"), true},
		"drift":                          {model.KindHelm, change(model.ActionRepair, "b", "2"), true},
		"the namespace":                  {model.KindHelm, namespace, true},
		"what a dead run left":           {model.KindHelm, change(model.ActionPrune, "left", ""), true},
		"another text":                   {model.KindHelm, change(model.ActionUpdate, "b", "3"), false},
		"another text, of what is gone":  {model.KindHelm, change(model.ActionRepair, "b", "3"), false},
		"one more object":                {model.KindHelm, change(model.ActionCreate, "c", "1"), false},
		"one object less":                {model.KindHelm, change(model.ActionPrune, "b", ""), false},
		"what was left before is pruned": {model.KindManifests, change(model.ActionPrune, "b", ""), true},
	} {
		p := model.Plan{Phases: [][]model.Change{{a}, {tt.change}}}
		if got := repairs(&last, ID(tt.kind, "shop", "web"), p); got != tt.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestRecorded(t *testing.T) {
	for owner, want := range map[string]model.Kind{chart: model.KindHelm, manifests: model.KindManifests, "": model.KindHelm, request: model.KindHelm} {
		rel := Recorded("shop", "web", []model.Record{rec(1, model.RecordDeployed, owner)})
		if rel.ID.Kind != want {
			t.Errorf("of %q: got %s, want %s", owner, rel.ID.Kind, want)
		}
		if plain := rel.Renderer == model.RenderPlain; plain != (want == model.KindManifests) {
			t.Errorf("of %q: renderer %s", owner, rel.Renderer)
		}
	}
}
