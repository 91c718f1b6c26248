package diff

import (
	"testing"

	"github.com/fairlead-cd/fairlead/internal/cli/clitest"
	"github.com/fairlead-cd/fairlead/internal/cli/releases"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
)

var id = model.ReleaseID{Kind: model.KindHelmRelease, Namespace: "dev", Name: "web"}

func key(group, kind, name string) model.ObjectKey {
	return model.ObjectKey{Group: group, Kind: kind, Namespace: "dev", Name: name}
}

var changed = model.Plan{Release: id, Phases: [][]model.Change{
	{{Action: model.ActionCreate, Key: key("", "ConfigMap", "web"), Version: "v1", Desired: &model.Object{Origin: model.Origin{File: "templates/config.yaml", Line: 3}}}},
	{
		{Action: model.ActionUpdate, Key: key("apps", "Deployment", "web"), Version: "v1", Diffs: []model.FieldDiff{
			{Path: ".spec.replicas", Old: "1", New: "2"},
			{Path: `.spec.template.spec.containers[name="web"].env`, New: `[{"name":"A","value":"b"}]`},
			{Path: ".metadata.annotations.x", Old: `"\u001b[2J"`},
		}},
		{Action: model.ActionUpdate, Key: key("", "ConfigMap", "page"), Version: "v1", Diffs: []model.FieldDiff{
			{Path: `.data["index.html"]`, Old: `"<h1>\nold\n</h1>\n"`, New: `"<h1>\nnew\n</h1>\n"`},
		}},
		{Action: model.ActionUpdate, Key: key("", "Secret", "db"), Version: "v1", Diffs: []model.FieldDiff{
			{Path: ".data.password", Old: `"*** (1)"`, New: `"*** (2)"`},
		}},
		{Action: model.ActionRepair, Key: key("", "Service", "web"), Version: "v1", Reason: "changed by kubectl-edit"},
		{Action: model.ActionAdopt, Key: key("", "ServiceAccount", "web"), Version: "v1", Reason: "made by helm"},
		{Action: model.ActionUnchanged, Key: key("", "Service", "web2"), Version: "v1"},
		{Action: model.ActionConflict, Key: key("batch", "Job", "init"), Version: "v1", Reason: "belongs to HelmRelease/dev/other"},
	},
	{{Action: model.ActionPrune, Key: key("", "ConfigMap", "old"), Version: "v1"}},
}}

func TestPrint(t *testing.T) {
	none := model.Plan{Release: id, Phases: [][]model.Change{{{Action: model.ActionUnchanged, Key: key("", "Service", "web")}}}}
	for name, plan := range map[string]model.Plan{"changed": changed, "none": none} {
		for _, format := range []string{"table", "json"} {
			t.Run(name+"/"+format, func(t *testing.T) {
				k := clitest.Keep()
				f, err := output.ParseFormat(format, formats...)
				if err != nil {
					t.Fatal(err)
				}
				o := &Options{IO: k.Streams, Format: f}
				d := newDocument(&plan)
				if f.Structured() {
					err = f.Write(k.Streams.Out, d)
				} else {
					err = o.print(&releases.View{Namespace: "dev", Name: "web"}, d)
				}
				if err != nil {
					t.Fatal(err)
				}
				clitest.Golden(t, name+"."+format+".txt", k.Out.String())
			})
		}
	}
}
