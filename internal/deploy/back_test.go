package deploy

import (
	"errors"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pipeline"
)

var pod = model.ObjectKey{Kind: "Pod", Namespace: "shop", Name: "web"}

func TestGoesBack(t *testing.T) {
	written := &model.Record{Revision: 2}
	bad, healthy := model.Verdict{Status: model.Degraded}, model.Verdict{Status: model.Healthy}
	failed := errors.New("no")
	for name, tt := range map[string]struct {
		out     pipeline.Outcome
		mode    pipeline.Mode
		atomic  bool
		deleted []model.ObjectKey
		want    bool
	}{
		"not healthy":                  {pipeline.Outcome{Record: written, Verdict: bad}, pipeline.ModeUpgrade, true, nil, true},
		"not asked to":                 {pipeline.Outcome{Record: written, Verdict: bad}, pipeline.ModeUpgrade, false, nil, false},
		"refused":                      {pipeline.Outcome{Record: written, Stage: pipeline.StageApply, Err: failed}, pipeline.ModeUpgrade, true, nil, true},
		"nothing was changed":          {pipeline.Outcome{Stage: pipeline.StageApply, Err: failed}, pipeline.ModeUpgrade, true, nil, false},
		"only tidying failed":          {pipeline.Outcome{Record: written, Stage: pipeline.StageRecord, Err: failed, Verdict: healthy}, pipeline.ModeUpgrade, true, nil, false},
		"not healthy, nor tidied":      {pipeline.Outcome{Record: written, Stage: pipeline.StageRecord, Err: failed, Verdict: bad}, pipeline.ModeUpgrade, true, nil, true},
		"deleted, and not made":        {pipeline.Outcome{Stage: pipeline.StageApply, Err: failed}, pipeline.ModeUpgrade, true, []model.ObjectKey{pod}, true},
		"deleted by a repair":          {pipeline.Outcome{Stage: pipeline.StageApply, Err: failed}, pipeline.ModeRepair, true, []model.ObjectKey{pod}, true},
		"deleted, and not asked to":    {pipeline.Outcome{Stage: pipeline.StageApply, Err: failed}, pipeline.ModeUpgrade, false, []model.ObjectKey{pod}, false},
		"what was drifted is repaired": {pipeline.Outcome{Record: written, Verdict: bad}, pipeline.ModeRepair, true, nil, false},
	} {
		j := job{req: Request{Atomic: tt.atomic}, deleted: tt.deleted}
		if got := j.goesBack(pipeline.Request{Mode: tt.mode}, &tt.out); got != tt.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

func TestGood(t *testing.T) {
	for name, tt := range map[string]struct {
		history []model.Record
		want    int
	}{
		"none":                  {nil, 0},
		"never":                 {[]model.Record{rec(1, model.RecordFailed, chart)}, 0},
		"once":                  {[]model.Record{rec(1, model.RecordSuperseded, chart), rec(2, model.RecordFailed, chart)}, 1},
		"before it was removed": {[]model.Record{rec(1, model.RecordSuperseded, ""), rec(2, model.RecordUninstalled, "")}, 0},
	} {
		if got := good(tt.history); got != tt.want {
			t.Errorf("%s: got %d, want %d", name, got, tt.want)
		}
	}
}

// TestNote is about what the report says runs now.
func TestNote(t *testing.T) {
	failed := errors.New("no")
	for name, tt := range map[string]struct {
		j    job
		want string
	}{
		"deleted, and not made": {
			job{deleted: []model.ObjectKey{pod}, res: Result{Err: failed, Before: 1, Outcome: pipeline.Outcome{Stage: pipeline.StageApply, Err: failed}}},
			"what was applied stays; deleted, and not made again: Pod/web",
		},
		"nothing": {
			job{res: Result{Err: failed, Before: 1, Outcome: pipeline.Outcome{Stage: pipeline.StageApply, Err: failed}}},
			"nothing was changed: revision 1 still runs",
		},
		"healthy, and not tidied": {
			job{res: Result{Err: failed, Before: 1, Outcome: pipeline.Outcome{
				Stage: pipeline.StageRecord, Err: failed, Verdict: model.Verdict{Status: model.Healthy}, Record: &model.Record{Revision: 2},
			}}},
			"revision 2 is deployed and healthy: only its history is not in order",
		},
	} {
		if got := tt.j.failure().Note; !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

func TestAnothers(t *testing.T) {
	helm := func(name, namespace string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Annotations: map[string]string{helmName: name, helmNamespace: namespace}}
	}
	other := ID(model.KindHelm, "shop", "other").Label()
	for name, tt := range map[string]struct {
		kind model.Kind
		meta metav1.ObjectMeta
		want string
	}{
		"nobody's":              {model.KindManifests, metav1.ObjectMeta{}, ""},
		"of the release":        {model.KindHelm, helm("web", "shop"), ""},
		"of another":            {model.KindHelm, helm("theirs", "shop"), "belongs to Helm release theirs"},
		"of the same elsewhere": {model.KindHelm, helm("web", "prod"), "belongs to Helm release web in namespace prod"},
		"for manifests":         {model.KindManifests, helm("theirs", "shop"), "belongs to Helm release theirs"},
		"of a chart's namesake": {model.KindManifests, helm("web", "shop"), "belongs to Helm release web"},
		"labelled":              {model.KindHelm, metav1.ObjectMeta{Labels: map[string]string{model.LabelRelease: other}}, "belongs to release Helm/shop/other"},
	} {
		if got := anothers(ID(tt.kind, "shop", "web"), &tt.meta); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

// TestRecordedHistory says that going back keeps what there is of a history.
func TestRecordedHistory(t *testing.T) {
	if got := Recorded("shop", "web", slices.Repeat([]model.Record{rec(1, model.RecordSuperseded, chart)}, 30)).MaxHistory; got != 31 {
		t.Errorf("of 30 revisions and a new one %d are kept", got)
	}
}
