package why

import (
	"testing"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/clitest"
	"github.com/fairlead-cd/fairlead/internal/cli/releases"
	"github.com/fairlead-cd/fairlead/internal/model"
)

var (
	deployment = model.ObjectKey{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "api"}
	pod        = model.ObjectKey{Kind: "Pod", Namespace: "shop", Name: "api-7d9c-x2k"}
)

var crash = model.Cause{
	Object: deployment, Summary: "0/3 ready", Reason: "MissingKey", Next: "add key url to Secret/api-db",
	Links: []model.Link{
		{Role: model.RoleObject, Object: pod, Text: "container api: CrashLoopBackOff, exit 1, 3 restarts"},
		{Role: model.RoleLog, Object: pod, Text: "starting\npanic: DATABASE_URL is empty\x1b[2J\n"},
		{Role: model.RoleCause, Text: `env DATABASE_URL <- Secret/api-db key "url": key missing`},
		{Role: model.RoleSource, Text: "ExternalSecret/api-db: not synced: 403 on kv/shop/api"},
	},
}

func TestPrint(t *testing.T) {
	view := releases.View{Kind: model.KindHelmRelease, Namespace: "shop", Name: "api", Status: releases.Failed, Revision: 42, Version: "9f3c1ab", Message: "Deployment/api: key missing"}
	healthy := view
	healthy.Status, healthy.Message = releases.Healthy, "5 objects healthy"
	unfetched := view
	unfetched.Conditions = []releases.Condition{
		{Type: "ChartFetched", Status: "False", Reason: "CloneFailed", Message: "no such repository"},
		{Type: "Released", Status: "False", Reason: "CloneFailed", Message: "no such repository"},
		{Type: "Held", Status: "False"},
		{Type: "Unsupported", Status: "True", Reason: "UnsupportedFields", Message: "Not acted upon: spec.test"},
	}
	refused := view
	refused.Conditions = []releases.Condition{
		{Type: "Deployed", Status: "False", Reason: "InvalidObject", Message: "web.yaml:3: Deployment/web: spec.replicas: Invalid value: -1"},
		{Type: "Released", Status: "False", Reason: "InvalidObject", Message: "web.yaml:3: Deployment/web: spec.replicas: Invalid value: -1"},
		{Type: "Ready", Status: "False", Reason: "InvalidObject", Message: "web.yaml:3: Deployment/web: spec.replicas: Invalid value: -1"},
		{Type: "Unsupported", Status: "True", Reason: "UnsupportedFields", Message: "Not acted upon: spec.test"},
	}
	told := view
	told.Conditions = []releases.Condition{{Type: "Deployed", Status: "False", Reason: "MissingKey", Message: "Deployment/api: " + crash.Root()}}
	first := view
	first.Revision = 0
	for name, tt := range map[string]struct {
		view releases.View
		doc  document
	}{
		"crash":     {view, document{Causes: []model.Cause{crash}}},
		"refused":   {refused, document{Causes: []model.Cause{crash}}},
		"told":      {told, document{Causes: []model.Cause{crash}}},
		"first":     {first, document{}},
		"healthy":   {healthy, document{Healthy: true}},
		"unfetched": {unfetched, document{}},
		"message":   {view, document{}},
	} {
		t.Run(name, func(t *testing.T) {
			k := clitest.Keep()
			o := &Options{IO: k.Streams}
			tt.doc.Header, tt.doc.Problems = cli.NewHeader("Diagnosis"), problems(&tt.view)
			if err := o.print(&tt.view, tt.doc); err != nil {
				t.Fatal(err)
			}
			clitest.Golden(t, name+".txt", k.Out.String())
		})
	}
}
