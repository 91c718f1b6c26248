package pipeline

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// TestFailedTakeOver: a first run over another tool's revision that fails before it prunes remembers
// what that revision consisted of, for the next run to prune.
func TestFailedTakeOver(t *testing.T) {
	w := newWorld(t)
	w.desired.Objects = []model.Object{w.configMap("kept", ""), w.configMap("refused", "not_a_finalizer")}
	w.records.owned = model.Inventory{
		{Key: model.ObjectKey{Kind: "ConfigMap", Name: "dropped"}, Version: "v1"},
		{Key: model.ObjectKey{Kind: "ConfigMap", Name: "kept"}, Version: "v1"},
	}
	req := w.request(ModeUpgrade)
	req.History = []model.Record{{Revision: 1, Status: model.RecordDeployed}}
	if out := w.line.Run(t.Context(), req); out.Err == nil || len(w.records.written) != 1 {
		t.Fatalf("the run ended with %v, and %d records", out.Err, len(w.records.written))
	}
	var names []string
	for _, o := range w.records.written[0].Record.Inventory {
		names = append(names, o.Key.Namespace+"/"+o.Key.Name)
	}
	if diff := cmp.Diff([]string{w.ns + "/dropped", w.ns + "/kept"}, names); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
}

// kinds tells of one kind that nobody can ask for now.
type kinds struct{ err error }

func (kinds) Capabilities(context.Context) (model.Capabilities, error) {
	return model.Capabilities{}, nil
}

func (k kinds) Scope(context.Context, schema.GroupVersionKind) (bool, error) { return true, k.err }

func (kinds) GetMeta(context.Context, schema.GroupVersionKind, string, string) (*metav1.ObjectMeta, error) {
	return nil, nil
}

// TestLocated: only a kind that the cluster does not know has no objects; that it cannot be asked says
// nothing.
func TestLocated(t *testing.T) {
	inv := model.Inventory{{Key: model.ObjectKey{Group: "example.com", Kind: "Widget", Name: "one"}, Version: "v1"}}
	for name, test := range map[string]struct {
		err  error
		at   string
		fail bool
	}{
		"known":       {nil, "shop", false},
		"unknown":     {&model.Error{Kind: model.ErrInvalid, Reason: kube.ReasonUnknownKind}, "", false},
		"unreachable": {&model.Error{Kind: model.ErrTransient, Reason: "Unreachable"}, "", true},
		"denied":      {&model.Error{Kind: model.ErrDenied}, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			l := &Line{Cluster: kinds{test.err}}
			got, err := l.located(t.Context(), model.Release{Namespace: "shop"}, inv)
			if (err != nil) != test.fail {
				t.Fatalf("got %v", err)
			}
			if err == nil && got[0].Key.Namespace != test.at {
				t.Errorf("it is in %q, want %q", got[0].Key.Namespace, test.at)
			}
		})
	}
}
