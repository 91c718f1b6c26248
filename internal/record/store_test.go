package record

import (
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	helm "helm.sh/helm/v4/pkg/release/v1"
	"helm.sh/helm/v4/pkg/storage"
	"helm.sh/helm/v4/pkg/storage/driver"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// counter counts requests by method.
type counter struct {
	next http.RoundTripper
	n    *atomic.Int64
}

func (c counter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return c.next.RoundTrip(r)
}

// counted is a store whose requests are counted.
func counted(t *testing.T, c cluster) (*Store, *atomic.Int64) {
	t.Helper()
	cfg, err := clientcmd.BuildConfigFromFlags("", c.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	n := new(atomic.Int64)
	cfg.QPS = -1
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return counter{next, n} })
	set, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return NewStore(set.CoreV1().RESTClient(), time.Now), n
}

// TestStore works on one API server: starting it takes longer than all of these.
func TestStore(t *testing.T) {
	c := startCluster(t)
	t.Run("Upgrades", func(t *testing.T) { testUpgrades(t, c) })
	t.Run("TakeOver", func(t *testing.T) { testTakeOver(t, c) })
	t.Run("Interrupted", func(t *testing.T) { testInterrupted(t, c) })
	t.Run("LateRetirement", func(t *testing.T) { testLateRetirement(t, c) })
	t.Run("Refused", func(t *testing.T) { testRefused(t, c) })
	t.Run("ManyObjects", func(t *testing.T) { testManyObjects(t, c) })
}

func entry(ns, version string, status model.RecordStatus) Entry {
	return Entry{
		Release: model.Release{Name: "podinfo", Namespace: ns, MaxHistory: 3},
		Record: model.Record{
			Status: status, Description: "Upgrade complete", Inputs: model.Digest([]byte(version)), Owner: "HelmRelease/dev/podinfo",
			Source: model.Revision{Ref: "main", Commit: "0123456789abcdef"}, Inventory: inventory(4),
		},
		Chart: chartInfo(version),
	}
}

func testUpgrades(t *testing.T, c cluster) {
	ctx, ns := t.Context(), c.namespace(t)
	s, requests := counted(t, c)
	var known []model.Record
	steps := []struct {
		version  string
		status   model.RecordStatus
		requests int64
	}{
		{"0.1.0", model.RecordDeployed, 1}, // create
		{"0.2.0", model.RecordDeployed, 3}, // get, create, patch
		{"0.3.0", model.RecordFailed, 1},   // create: what was deployed stays
		{"0.4.0", model.RecordDeployed, 4}, // get, create, patch, delete the oldest
	}
	for _, step := range steps {
		requests.Store(0)
		rec, err := s.Write(ctx, entry(ns, step.version, step.status), known)
		if err != nil {
			t.Fatal(err)
		}
		if n := requests.Load(); n != step.requests {
			t.Errorf("writing %s took %d requests, want %d", step.version, n, step.requests)
		}
		if known, err = s.History(ctx, ns, "podinfo"); err != nil {
			t.Fatal(err)
		}
		last := known[len(known)-1]
		if diff := cmp.Diff(rec, last); diff != "" {
			t.Errorf("what was written is not what is read (-written +read):\n%s", diff)
		}
	}
	var got []string
	for _, k := range known {
		got = append(got, k.Chart+" "+string(k.Status))
	}
	want := []string{"podinfo-0.2.0 superseded", "podinfo-0.3.0 failed", "podinfo-0.4.0 deployed"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	if known[0].Inventory != nil {
		t.Error("a superseded record still carries an inventory")
	}

	// Helm's own storage reads the same.
	st := storage.Init(driver.NewSecrets(c.CoreV1().Secrets(ns)))
	deployed, err := st.Deployed("podinfo")
	if err != nil {
		t.Fatal(err)
	}
	rel := deployed.(*helm.Release)
	if rel.Version != 4 || rel.Chart.Metadata.Version != "0.4.0" || !rel.Info.FirstDeployed.Before(rel.Info.LastDeployed) {
		t.Errorf("Helm finds deployed: %d %s %v", rel.Version, rel.Chart.Metadata.Version, rel.Info)
	}
	all, err := st.History("podinfo")
	if err != nil || len(all) != 3 {
		t.Fatalf("Helm finds %d revisions, %v", len(all), err)
	}

	full, err := s.Load(ctx, ns, "podinfo", 2)
	if err != nil {
		t.Fatal(err)
	}
	if full.Status != model.RecordSuperseded || full.Inputs != model.Digest([]byte("0.2.0")) || full.Chart.Manifest != chartInfo("0.2.0").Manifest {
		t.Errorf("loaded %+v", full.Record)
	}
	if err := s.Delete(ctx, ns, "podinfo"); err != nil {
		t.Fatal(err)
	}
	if known, err := s.History(ctx, ns, "podinfo"); err != nil || len(known) != 0 {
		t.Errorf("after Delete there are %d records, %v", len(known), err)
	}
}

// testTakeOver continues a history that Helm began, and Helm one that Fairlead began.
func testTakeOver(t *testing.T, c cluster) {
	ctx, ns := t.Context(), c.namespace(t)
	s, _ := counted(t, c)
	st := storage.Init(driver.NewSecrets(c.CoreV1().Secrets(ns)))
	theirs := helm.Mock(&helm.MockReleaseOptions{Name: "podinfo", Namespace: ns, Version: 1, Status: "deployed"})
	if err := st.Create(theirs); err != nil {
		t.Fatal(err)
	}
	pending := helm.Mock(&helm.MockReleaseOptions{Name: "podinfo", Namespace: ns, Version: 2, Status: "pending-upgrade"})
	if err := st.Create(pending); err != nil {
		t.Fatal(err)
	}
	known, err := s.History(ctx, ns, "podinfo")
	if err != nil {
		t.Fatal(err)
	}
	if len(known) != 2 || known[0].Owner != "" || known[0].Inventory != nil || !known[1].Status.Pending() {
		t.Fatalf("history of Helm's: %+v", known)
	}
	owned, err := s.Owned(ctx, ns, "podinfo", 1)
	if err != nil || len(owned) == 0 {
		t.Errorf("Helm's release owns %v, %v", owned, err)
	}
	if _, err := s.Write(ctx, entry(ns, "0.3.0", model.RecordDeployed), known); err != nil {
		t.Fatal(err)
	}
	details, err := s.Details(ctx, ns, "podinfo")
	if err != nil {
		t.Fatal(err)
	}
	var got []model.RecordStatus
	for _, d := range details {
		got = append(got, d.Status)
	}
	want := []model.RecordStatus{model.RecordSuperseded, model.RecordFailed, model.RecordDeployed}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if details[1].Description != "Left in state pending-upgrade; revision 3 took over" {
		t.Errorf("the pending one says %q", details[1].Description)
	}

	// Helm supersedes ours, which drops our annotations, and writes the next with our labels.
	ours, err := st.Last("podinfo")
	if err != nil {
		t.Fatal(err)
	}
	rel := ours.(*helm.Release)
	rel.Info.Status = "superseded"
	if err := st.Update(rel); err != nil {
		t.Fatal(err)
	}
	next := *rel
	next.Version, next.Info = 4, &helm.Info{Status: "deployed", Description: "Rollback to 1"}
	if err := st.Create(&next); err != nil {
		t.Fatal(err)
	}
	last, found, err := s.Last(ctx, ns, "podinfo")
	if err != nil || !found {
		t.Fatal(found, err)
	}
	if last.Revision != 4 || last.Owner != "" || last.Inputs != "" {
		t.Errorf("Helm's revision passes for ours: %+v", last)
	}
	if known, err = s.History(ctx, ns, "podinfo"); err != nil {
		t.Fatal(err)
	}
	if k := known[2]; k.Owner != "HelmRelease/dev/podinfo" || k.Inputs != model.Digest([]byte("0.3.0")) || k.Inventory != nil {
		t.Errorf("ours, after Helm superseded it, is told as %+v", k)
	}
}

// testInterrupted dies between the requests of a Write.
func testInterrupted(t *testing.T, c cluster) {
	ctx, ns := t.Context(), c.namespace(t)
	s, requests := counted(t, c)
	if _, err := s.Write(ctx, entry(ns, "0.1.0", model.RecordDeployed), nil); err != nil {
		t.Fatal(err)
	}
	// As if the history had not been known: the second is created, the first never superseded.
	e := entry(ns, "0.2.0", model.RecordDeployed)
	e.Record.Revision = 2
	if _, err := s.Write(ctx, e, nil); err != nil {
		t.Fatal(err)
	}
	st := storage.Init(driver.NewSecrets(c.CoreV1().Secrets(ns)))
	deployed, err := st.Deployed("podinfo")
	if err != nil || deployed.(*helm.Release).Version != 2 {
		t.Fatalf("Helm takes %v for deployed, %v", deployed, err)
	}
	known, err := s.History(ctx, ns, "podinfo")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Settle(ctx, ns, "podinfo", known); err != nil {
		t.Fatal(err)
	}
	if known, err = s.History(ctx, ns, "podinfo"); err != nil {
		t.Fatal(err)
	}
	if known[0].Status != model.RecordSuperseded || known[1].Status != model.RecordDeployed {
		t.Errorf("after Settle: %+v", known)
	}
	requests.Store(0)
	if err := s.Settle(ctx, ns, "podinfo", known); err != nil || requests.Load() != 0 {
		t.Errorf("Settle with nothing to do took %d requests, %v", requests.Load(), err)
	}
}

// testLateRetirement retires after more has happened: a failed revision came, and somebody made a
// revision anew.
func testLateRetirement(t *testing.T, c cluster) {
	ctx, ns := t.Context(), c.namespace(t)
	s, _ := counted(t, c)
	var known []model.Record
	for _, step := range []struct {
		version string
		status  model.RecordStatus
	}{{"0.1.0", model.RecordDeployed}, {"0.2.0", model.RecordDeployed}, {"0.3.0", model.RecordFailed}} {
		rec, err := s.Create(ctx, entry(ns, step.version, step.status), known)
		if err != nil {
			t.Fatal(err)
		}
		known = append(known, rec)
	}
	statuses := func() (got []model.RecordStatus) {
		t.Helper()
		now, err := s.History(ctx, ns, "podinfo")
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range now {
			got = append(got, rec.Status)
		}
		return got
	}
	rel := model.Release{Name: "podinfo", Namespace: ns}
	if err := s.Retire(ctx, rel, known[2], known[:2]); err != nil {
		t.Fatal(err)
	}
	want := []model.RecordStatus{model.RecordSuperseded, model.RecordDeployed, model.RecordFailed}
	if got := statuses(); !slices.Equal(got, want) {
		t.Errorf("after a failed revision: %v, want %v", got, want)
	}
	if err := s.Delete(ctx, ns, "podinfo"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(ctx, entry(ns, "0.9.0", model.RecordDeployed), nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Retire(ctx, rel, known[1], known[:1]); err != nil {
		t.Fatal(err)
	}
	if got := statuses(); !slices.Equal(got, []model.RecordStatus{model.RecordDeployed}) {
		t.Errorf("installed anew, and then retired by what was known before: %v", got)
	}
}

func testRefused(t *testing.T, c cluster) {
	ctx, ns := t.Context(), c.namespace(t)
	s, _ := counted(t, c)
	if _, err := s.Write(ctx, entry(ns, "0.1.0", model.RecordDeployed), nil); err != nil {
		t.Fatal(err)
	}
	rec, err := s.Write(ctx, entry(ns, "0.2.0", model.RecordDeployed), nil)
	if model.KindOf(err) != model.ErrConflict || rec.Revision != 0 {
		t.Errorf("writing over another's revision: %+v, %v", rec, err)
	}
	if _, err := s.Load(ctx, ns, "podinfo", 9); model.KindOf(err) != model.ErrNotFound {
		t.Errorf("loading what is not there: %v", err)
	}
	if _, err := s.Load(ctx, ns, "nobody", 0); model.KindOf(err) != model.ErrNotFound {
		t.Errorf("loading the last of nothing: %v", err)
	}
	e := entry(ns, "0.1.0", model.RecordDeployed)
	e.Release.Name = "Capital"
	if _, err := s.Write(ctx, e, nil); model.KindOf(err) != model.ErrInvalid {
		t.Errorf("a name that is none: %v", err)
	}
	if _, err := s.History(ctx, "../../nodes", "podinfo"); model.KindOf(err) != model.ErrInvalid {
		t.Errorf("a namespace that leads elsewhere: %v", err)
	}
	e = entry("nowhere", "0.1.0", model.RecordDeployed)
	if _, err := s.Write(ctx, e, nil); model.KindOf(err) != model.ErrNotFound {
		t.Errorf("a namespace that is not there: %v", err)
	}
	if err := s.SetStatus(ctx, ns, "podinfo", 1, model.RecordFailed, "Install failed: x"); err != nil {
		t.Fatal(err)
	}
	last, _, err := s.Last(ctx, ns, "podinfo")
	if err != nil || last.Status != model.RecordFailed || last.Description != "Install failed: x" || last.Inventory == nil {
		t.Errorf("after SetStatus: %+v, %v", last, err)
	}
}

// testManyObjects records a release whose inventory is too large for annotations.
func testManyObjects(t *testing.T, c cluster) {
	ctx, ns := t.Context(), c.namespace(t)
	s, _ := counted(t, c)
	e := entry(ns, "0.1.0", model.RecordDeployed)
	e.Record.Inventory = inventory(5000)
	if _, err := s.Write(ctx, e, nil); err != nil {
		t.Fatal(err)
	}
	last, _, err := s.Last(ctx, ns, "podinfo")
	if err != nil || last.Inventory != nil || last.Owner == "" {
		t.Fatalf("metadata alone gives %d objects, owner %q, %v", len(last.Inventory), last.Owner, err)
	}
	owned, err := s.Owned(ctx, ns, "podinfo", 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e.Record.Inventory, owned); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
