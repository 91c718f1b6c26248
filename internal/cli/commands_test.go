package cli_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/fairlead-cd/fairlead/internal/cli/releases"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/record"
)

const workload = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NAMESPACE}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {ANNOTATIONS}}
    spec: {terminationGracePeriodSeconds: 0, containers: [{name: web, image: "example.com/web:1"}]}
`

func (l *lab) workload(annotations string) string {
	return strings.NewReplacer("NAMESPACE", l.namespace, "ANNOTATIONS", annotations).Replace(workload)
}

// record writes revisions into Helm's storage, as a controller does.
func (l *lab) record(name string, statuses ...model.RecordStatus) {
	l.t.Helper()
	store := record.NewStore(l.Typed.CoreV1().RESTClient(), time.Now)
	id := model.ReleaseID{Kind: model.KindHelmRelease, Namespace: l.namespace, Name: name}
	var history []model.Record
	for _, s := range statuses {
		rec, err := store.Write(l.t.Context(), record.Entry{
			Release: model.Release{ID: id, Name: name, Namespace: l.namespace},
			Record: model.Record{
				Status: s, Owner: id.String(), Description: "revision of a test", Source: model.Revision{Commit: "9f3c1ab0123456789012345678901234567890ab"},
				Inventory: model.Inventory{{Key: model.ObjectKey{Group: "apps", Kind: "Deployment", Namespace: l.namespace, Name: "web"}, Version: "v1"}},
			},
		}, history)
		if err != nil {
			l.t.Fatal(err)
		}
		history = append(history, rec)
	}
}

// until runs a command until its exit code is the wanted one.
func (l *lab) until(code int, args ...string) result {
	l.t.Helper()
	var last result
	ctx, cancel := context.WithTimeout(l.t.Context(), patient)
	defer cancel()
	err := wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(context.Context) (bool, error) {
		last = l.run(args...)
		return last.code == code, nil
	})
	if err != nil {
		l.t.Fatalf("%q never exits with %d: %+v", args, code, last)
	}
	return last
}

func TestHealthyRelease(t *testing.T) {
	l := newLab(t, "healthy")
	l.apply(l.helmRelease("web", succeeded))
	l.record("web", model.RecordDeployed, model.RecordDeployed)
	l.apply(l.workload(""))

	l.want(l.until(0, "status", "healthy/web"), 0, "HelmRelease/healthy/web  Healthy", "revision     2", "Deployment/web", "Pod/web-", "1/1")
	l.want(l.run("why", "healthy/web"), 0, "✓ healthy/web is Healthy  (revision 2, 9f3c1ab)")
	l.want(l.run("get", "-n", "healthy"), 0, "HelmRelease   healthy     web    -             2          9f3c1ab   Healthy")
	l.want(l.run("history", "web", "-n", "healthy"), 0, "1          ", "superseded", "2          ", "deployed")

	var list struct {
		APIVersion, Kind string
		Items            []releases.View
	}
	r := l.run("get", "web", "-n", "healthy", "-o", "json")
	if err := json.Unmarshal([]byte(r.out), &list); err != nil {
		t.Fatal(err)
	}
	if list.APIVersion != "fairlead.dev/v1alpha1" || list.Kind != "ReleaseList" || len(list.Items) != 1 || list.Items[0].Revision != 2 || !list.Items[0].Healthy {
		t.Errorf("got %s", r.out)
	}
}

func TestBrokenRelease(t *testing.T) {
	l := newLab(t, "broken")
	l.apply(l.helmRelease("web", strings.ReplaceAll(succeeded, "Succeeded, rev", "DeployFailed, rev")))
	l.record("web", model.RecordFailed)
	l.apply(l.workload(`fairlead.dev/simulate: crash-loop, fairlead.dev/simulate-log: "panic: DATABASE_URL is empty"`))
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	var r result
	err := wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(context.Context) (bool, error) {
		r = l.run("why", "broken/web")
		return strings.Contains(r.out, "CrashLoopBackOff") && strings.Contains(r.out, "last log"), nil
	})
	if err != nil {
		t.Fatalf("the crash is not told: %+v", r)
	}
	l.want(r, 1, "✗ broken/web is Failed", "Deployment/web", "Pod/web-", "container web", "panic: DATABASE_URL is empty")
	l.want(l.run("status", "broken/web"), 1, "Degraded", "next  fairlead why broken/web")
	l.want(l.run("why", "broken/web", "-o", "jsonpath={.healthy} {.causes[0].object.kind}"), 1, "false Deployment")
}

func TestNames(t *testing.T) {
	l := newLab(t, "names-a")
	b := newLab(t, "names-b")
	l.apply(l.helmRelease("twin", succeeded))
	b.apply(b.helmRelease("twin", succeeded))
	l.want(l.run("status", "twin"), 2, `release "twin" is ambiguous: HelmRelease/names-a/twin, HelmRelease/names-b/twin`)
	l.want(l.run("status", "twni", "-n", "names-a"), 2, `no release "twni" in namespace "names-a"`, "did you mean", "HelmRelease/names-a/twin")
	l.want(l.run("get", "hr/names-b/twin", "-o", "name"), 0, "HelmRelease/names-b/twin\n")
	l.want(l.run("get", "-n", "names-a", "-o", "name"), 0, "HelmRelease/names-a/twin\n")
	r := l.run("__complete", "status", "-n", "names-a", "")
	l.want(r, 0, "names-a/twin\tHelmRelease, Healthy\n")
}

func TestApplication(t *testing.T) {
	l := newLab(t, "argo")
	l.apply(`
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argo}
spec: {project: default, source: {repoURL: "https://git.example.com/fleet.git", path: apps/shop}, destination: {namespace: prod}}
status:
  sync: {status: OutOfSync, revision: bbbbbbb0123456789012345678901234567890ab}
  health: {status: Healthy}
  resources: [{group: apps, kind: Deployment, namespace: prod, name: shop, status: OutOfSync}]
  history: [{id: 0, revision: aaaaaaa0123456789012345678901234567890ab, deployedAt: "2026-01-02T03:04:05Z"}]
`)
	l.want(l.run("get", "shop"), 0, "Application   argo        shop   prod          1          aaaaaaa   OutOfSync", "Deployment/shop differs from the source")
	l.want(l.run("history", "shop", "-o", "jsonpath={.items[0].revision} {.items[0].commit}"), 0, "1 aaaaaaa0")
	l.want(l.run("sync", "shop"), 0, "asked for a sync of argo/shop")
	gvr, _ := releases.Resource(model.KindApplication)
	u, err := l.Dynamic.Resource(gvr).Namespace("argo").Get(t.Context(), "shop", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := u.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"argocd.argoproj.io/refresh":"normal"`, `"fairlead.dev/sync":"`, `"operation":{"initiatedBy":{"username":"tester"}`, `"sync":{}`} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("%s is missing in %s", want, raw)
		}
	}
}

func TestSync(t *testing.T) {
	l := newLab(t, "syncing")
	l.apply(l.helmRelease("web", succeeded))
	r := l.answering("web", `"phase":"Succeeded","revision":"aaaaaaa0123456789012345678901234567890ab"`, "sync", "syncing/web", "--wait")
	l.want(r, 0, "syncing/web is Healthy at aaaaaaa")
	failed := `"phase":"DeployFailed","conditions":[{"type":"Ready","status":"False","reason":"ImagePullBackOff","message":"Deployment/web: image not found"}]`
	l.want(l.answering("web", failed, "sync", "syncing/web", "--wait"), 3, "✗ syncing/web failed", "image not found", "fairlead why syncing/web")
	l.want(l.run("sync", "syncing/web", "--wait", "--timeout", "300ms"), 124, "waiting for a controller to take up syncing/web", "timed out after 300ms")
}

func TestRollbackAndResume(t *testing.T) {
	l := newLab(t, "rolling")
	l.apply(l.helmRelease("web", succeeded))
	l.record("web", model.RecordDeployed, model.RecordDeployed, model.RecordFailed)
	l.want(l.run("rollback", "rolling/web", "9"), 2, "has no revision 9; there are 1, 2, 3 (failed)")

	held := `"phase":"RolledBack","conditions":[{"type":"Ready","status":"False","reason":"Held","message":"held at 2"},{"type":"Held","status":"True","message":"held at 2"}]`
	l.want(l.answering("web", held, "rollback", "rolling/web"), 0, "rolling/web is back at revision 2 and Held", "fairlead resume rolling/web")
	var h model.Hold
	if err := json.Unmarshal([]byte(l.annotation("web", model.AnnotationHold)), &h); err != nil || h.Revision != 2 || h.By != "fairlead rollback" {
		t.Errorf("hold %+v, %v", h, err)
	}
	l.want(l.run("get", "-n", "rolling"), 0, "Held", "held at 2")
	l.want(l.run("status", "rolling/web", "-o", "jsonpath={.release.hold.revision}"), 1, "2")

	l.want(l.answering("web", `"phase":"Succeeded","conditions":[]`, "resume", "rolling/web"), 0, "rolling/web is Healthy")
	if a := l.annotation("web", model.AnnotationHold); a != "" {
		t.Errorf("the hold is still there: %s", a)
	}
	l.want(l.run("resume", "rolling/web"), 0, "rolling/web is not held")
}

func (l *lab) annotation(name, key string) string {
	l.t.Helper()
	gvr, _ := releases.Resource(model.KindHelmRelease)
	u, err := l.Dynamic.Resource(gvr).Namespace(l.namespace).Get(l.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	return u.GetAnnotations()[key]
}

func TestWatch(t *testing.T) {
	l := newLab(t, "watching")
	l.apply(l.helmRelease("web", succeeded))
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	in, out := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- l.runTo(ctx, out, io.Discard, "get", "-n", "watching", "--watch", "-o", "json")
		out.Close()
	}()
	lines := bufio.NewScanner(in)
	next := func() (typ, status string) {
		t.Helper()
		if !lines.Scan() {
			t.Fatalf("the stream ended: %v", lines.Err())
		}
		var e struct {
			Type    string
			Release releases.View
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("%v in %s", err, lines.Text())
		}
		return e.Type, string(e.Release.Status)
	}
	if typ, st := next(); typ != "ADDED" || st != "Healthy" {
		t.Errorf("first %s %s", typ, st)
	}
	gvr, _ := releases.Resource(model.KindHelmRelease)
	c := l.Dynamic.Resource(gvr).Namespace("watching")
	if _, err := c.Patch(ctx, "web", types.MergePatchType, []byte(`{"status":{"phase":"Upgrading"}}`), metav1.PatchOptions{}, "status"); err != nil {
		t.Fatal(err)
	}
	if typ, st := next(); typ != "MODIFIED" || st != "Progressing" {
		t.Errorf("then %s %s", typ, st)
	}
	if err := c.Delete(ctx, "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if typ, _ := next(); typ != "DELETED" {
		t.Errorf("at last %s", typ)
	}
	cancel()
	go func() { _, _ = io.Copy(io.Discard, in) }()
	if got := <-code; got != 130 {
		t.Errorf("exit code %d after an interruption", got)
	}
}
