package status

import (
	"testing"
	"time"

	"github.com/fairlead-cd/fairlead/internal/cli/clitest"
	"github.com/fairlead-cd/fairlead/internal/cli/releases"
	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/model"
)

func node(kind, name string, status model.HealthStatus, message string, children ...health.Node) health.Node {
	return health.Node{Key: model.ObjectKey{Kind: kind, Namespace: "shop", Name: name}, Health: model.Health{Status: status, Message: message}, Children: children}
}

func TestPrint(t *testing.T) {
	broken := releases.View{
		Kind: model.KindHelmRelease, Namespace: "shop", Name: "api", Environment: "prod", Release: "shop-api", TargetNamespace: "shop",
		Revision: 41, Version: "9f3c1ab", Status: releases.Failed, Message: "Deployment/api: key missing",
		Source: "https://git.example.com/fleet charts/api main", ObservedAt: clitest.Now.Add(-12 * time.Second),
		Conditions: []releases.Condition{
			{Type: "ChartFetched", Status: "True", Reason: "ChartFetched", Since: clitest.Now.Add(-time.Hour)},
			{Type: "Released", Status: "False", Reason: "MissingKey", Message: "Deployment/api: key missing"},
		},
	}
	held := broken
	held.Status, held.Conditions, held.Message = releases.Held, nil, "held at revision 41"
	held.Hold = &model.Hold{Revision: 41, By: "fairlead rollback", Time: "2026-01-02T03:04:05Z"}
	bad := []health.Node{
		node("ConfigMap", "api", model.Healthy, ""),
		node("Deployment", "api", model.Degraded, "0/3 ready",
			node("ReplicaSet", "api-7d9c", model.Degraded, "", node("Pod", "api-7d9c-x2k", model.Degraded, "CrashLoopBackOff"))),
		{Key: model.ObjectKey{Kind: "ConfigMap", Namespace: "other", Name: "shared"}, Health: model.Health{Status: model.Missing, Reason: "NotFound"}},
	}
	for name, tt := range map[string]struct {
		view releases.View
		tree []health.Node
	}{
		"broken": {broken, bad},
		"held":   {held, bad[:1]},
		"new":    {releases.View{Kind: model.KindApplication, Namespace: "argocd", Name: "shop", Status: releases.Unknown, Message: "not looked at yet"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			k := clitest.Keep()
			o := &Options{IO: k.Streams, Now: func() time.Time { return clitest.Now }}
			if err := o.print(&tt.view, tt.tree); err != nil {
				t.Fatal(err)
			}
			clitest.Golden(t, name+".txt", k.Out.String()+"--- stderr\n"+k.Err.String())
		})
	}
}
