package apply_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/internal/model"
)

const app = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {note: one}}
    spec:
      serviceAccountName: web
      containers:
      - name: app
        image: registry.local/web:1
        args: [serve, --fast]
        env: [{name: A, value: a}, {name: B, value: b}]
        ports: [{containerPort: 80, name: http}]
        resources: {requests: {cpu: 10m, memory: 16Mi}}
        livenessProbe: {httpGet: {path: /, port: http}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: http, name: http}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {key: one}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
`

func TestRequests(t *testing.T) {
	l := newLine(t)
	actions, requests := l.sync(app)
	want := map[string]model.Action{"Deployment/web": "create", "Service/web": "create", "ConfigMap/web": "create", "ServiceAccount/web": "create"}
	if diff := cmp.Diff(want, actions); diff != "" {
		t.Error("install:", diff)
	}
	if len(requests) != 4 {
		t.Errorf("an install of 4 objects costs %d requests: %v", len(requests), requests)
	}
	if _, requests := l.sync(app); len(requests) != 0 {
		t.Errorf("nothing to do costs %d requests: %v", len(requests), requests)
	}
	actions, requests = l.sync(strings.Replace(app, "key: one", "key: two", 1))
	if actions["ConfigMap/web"] != model.ActionUpdate || len(requests) != 1 {
		t.Errorf("a change of 1 object: %v costs %v", actions, requests)
	}
	without := app[:strings.Index(app, "---\napiVersion: v1\nkind: ConfigMap")]
	actions, requests = l.sync(without)
	if actions["ConfigMap/web"] != model.ActionPrune || actions["ServiceAccount/web"] != model.ActionPrune || len(requests) != 2 {
		t.Errorf("2 objects left out: %v costs %v", actions, requests)
	}
}
