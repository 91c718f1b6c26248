package pipeline

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// TestKeepDefinitions: what is of a chart's crds/ folder, or may be, is never deleted.
func TestKeepDefinitions(t *testing.T) {
	key := func(kind, name string) model.ObjectKey {
		group := map[string]string{"CustomResourceDefinition": "apiextensions.k8s.io"}[kind]
		return model.ObjectKey{Group: group, Kind: kind, Name: name}
	}
	inv := model.Inventory{
		{Key: key("CustomResourceDefinition", "folder"), Stays: model.StaysAlways},
		{Key: key("CustomResourceDefinition", "template"), Stays: model.StaysNever},
		{Key: key("CustomResourceDefinition", "unsaid")},
		{Key: key("ConfigMap", "folder"), Stays: model.StaysAlways},
		{Key: key("ConfigMap", "template")},
	}
	var p model.Plan
	for _, o := range append(inv, model.Owned{Key: key("CustomResourceDefinition", "unrecorded")}) {
		p.Phases = append(p.Phases, []model.Change{{Action: model.ActionPrune, Key: o.Key}})
	}
	leaves := []string{"CustomResourceDefinition template delete", "ConfigMap template delete"}
	lets := []string{
		"CustomResourceDefinition folder let go", "CustomResourceDefinition template delete", "CustomResourceDefinition unsaid let go",
		"ConfigMap folder let go", "ConfigMap template delete", "CustomResourceDefinition unrecorded let go",
	}
	for mode, want := range map[Mode][]string{ModeUpgrade: lets, ModeUninstall: lets, ModeRollback: leaves, ModeRepair: leaves} {
		t.Run(string(mode), func(t *testing.T) {
			var got []string
			kept := keepDefinitions(mode, inv, p)
			for _, c := range kept.Changes() {
				what := " delete"
				if c.Unowned {
					what = " let go"
				}
				got = append(got, c.Key.Kind+" "+c.Key.Name+what)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
