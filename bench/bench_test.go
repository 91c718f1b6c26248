package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestQuantile(t *testing.T) {
	values := []float64{5, 1, 4, 2, 3}
	for q, want := range map[float64]float64{0.5: 3, 0.99: 5, 0.2: 1} {
		if got := quantile(values, q); got != want {
			t.Errorf("quantile %g is %g, want %g", q, got, want)
		}
	}
	if !math.IsNaN(quantile(nil, 0.5)) {
		t.Error("there is a median of nothing")
	}
}

func TestDescribe(t *testing.T) {
	for _, c := range []struct{ method, url, contentType, want string }{
		{"GET", "/api/v1/namespaces/bench/configmaps?watch=true", "", "WATCH configmaps"},
		{"GET", "/api/v1/namespaces/bench/configmaps", "", "LIST configmaps"},
		{"GET", "/api/v1/namespaces/bench/configmaps/a", "", "GET configmaps"},
		{"PATCH", "/apis/apps/v1/namespaces/bench/deployments/a", "application/apply-patch+yaml", "APPLY deployments"},
		{"PATCH", "/apis/helm.fluxcd.io/v1/namespaces/bench/helmreleases/a/status", "application/merge-patch+json", "PATCH helmreleases/status"},
		{"POST", "/api/v1/namespaces", "", "POST namespaces"},
		{"GET", "/metrics", "", ""},
	} {
		r, err := http.NewRequest(c.method, "http://server"+c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", c.contentType)
		if got := describe(r); got != c.want {
			t.Errorf("%s %s is %q, want %q", c.method, c.url, got, c.want)
		}
	}
}

func TestRequestsPerRelease(t *testing.T) {
	// Kubernetes itself sends 4 for each release, whoever deploys it.
	floor := &Run{Workload: workMTTP, Releases: 10, Requests: Requests{"APPLY configmaps": 60, "POST replicasets": 40, "WATCH secrets": 9}}
	run := &Run{Workload: workMTTP, Releases: 10, Requests: Requests{"APPLY configmaps": 70, "POST replicasets": 40}}
	if got := perRelease(run, floor); got != "7.00" {
		t.Errorf("%s requests a release, want 7.00", got)
	}
}

func TestExponent(t *testing.T) {
	if got := exponent([]float64{100, 1000, 5000}, []float64{2, 20, 100}); got != "1.00" {
		t.Errorf("exponent %s of something linear", got)
	}
}

// What is drawn is XML, with a line and a name for each subject.
func TestPlot(t *testing.T) {
	r := &Result{}
	for _, s := range []string{"floor", "a & b"} {
		for _, n := range []int{100, 500} {
			r.Runs = append(r.Runs, Run{Subject: s, Workload: workMTTP, Releases: n, Seconds: float64(n) / 10})
		}
	}
	p := plot{title: "Time", unit: "seconds", workload: workMTTP, value: func(run *Run) float64 { return run.Seconds }}
	svg := p.draw(r)
	var names []string
	lines := 0
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if token.Name.Local == "polyline" {
				lines++
			}
		case xml.CharData:
			names = append(names, string(token))
		}
	}
	text := strings.Join(names, "\n")
	if lines != 2 || !strings.Contains(text, "a & b") || !strings.Contains(text, "floor") {
		t.Errorf("%d lines, and these words:\n%s", lines, text)
	}
}

// Commands stand beside helm's, with their ratio, and need no fleet.
func TestCommandTable(t *testing.T) {
	r := &Result{Commit: "abc", Runs: []Run{
		{Subject: ourName, Workload: "template web", Samples: []float64{40, 30, 50}, Usage: Usage{CPUSeconds: 0.15}},
		{Subject: helmName, Workload: "template web", Samples: []float64{80, 80, 80}, Usage: Usage{CPUSeconds: 0.3}},
		{Subject: ourName, Workload: "chart test web", Samples: []float64{1500}, Usage: Usage{CPUSeconds: 2}},
		{Subject: helmName, Workload: "version", Missing: "not given: -helm"},
	}}
	got := r.commandTable()
	for _, want := range []string{
		"| template web | 40 ms | 80 ms | 0.50 | 50 ms | 100 ms | 0.50 |",
		"| chart test web | 1500 ms |  |  | 2000 ms |  |  |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	dir := t.TempDir()
	if !strings.HasSuffix(r.name(dir), "-abc-commands") {
		t.Errorf("the files are named %s", r.name(dir))
	}
	if err := r.write(dir); err != nil {
		t.Fatal(err)
	}
	if again := (&Result{Commit: "abc"}); !strings.HasSuffix(again.name(dir), "-abc-commands-2") {
		t.Errorf("the files of a second run are named %s", again.name(dir))
	}
	o, err := parse([]string{"-workloads", workCommands})
	if err != nil || len(o.sizes) != 0 {
		t.Errorf("commands take fleets of %v (%v)", o.sizes, err)
	}
}

// The descriptions that are stored here can be read.
func TestPeers(t *testing.T) {
	names := map[string]bool{}
	for _, file := range []string{"fairlead", "fairlead-applications", "fairlead-root", "fairlead-registry", "flux", "argocd"} {
		p, err := readPeer("peers/" + file + ".yaml")
		if err != nil {
			t.Error(err)
			continue
		}
		names[p.Name()] = true
	}
	want := map[string]bool{"fairlead": true, "fairlead (Applications)": true, "fairlead (root)": true, "fairlead (registry)": true, "Flux": true, "Argo CD": true}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

// What a description lacks is told before anything is measured.
func TestCheck(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"FLUX_CRDS", "FLUX_SOURCE"} {
		t.Setenv(name, "") // to have it back after the test
		os.Unsetenv(name)
	}
	for _, c := range []struct {
		env  map[string]string
		want string
	}{
		{nil, `no entry for key "FLUX_CRDS"`},
		{map[string]string{"FLUX_CRDS": dir + "/gone"}, "peer Flux: looking for its manifests"},
		{map[string]string{"FLUX_CRDS": dir}, `no entry for key "FLUX_SOURCE"`},
		{map[string]string{"FLUX_CRDS": dir, "FLUX_SOURCE": dir + "/gone"}, "peer Flux: looking for its program"},
	} {
		for name, value := range c.env {
			t.Setenv(name, value)
		}
		p, err := readPeer("peers/flux.yaml")
		if err != nil {
			t.Fatal(err)
		}
		if err := p.check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("with %v it says %v, want %s", c.env, err, c.want)
		}
	}
}

// A whole run of a small fleet: each workload ends and says what it saw.
func TestSmallFleet(t *testing.T) {
	o, err := parse([]string{"-n", "3", "-samples", "3", "-rest", "1s", "-out", t.TempDir(), "-peers", "peers/fairlead.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	o.dir = t.TempDir()
	subjects, err := o.subjects()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range subjects {
		runs, err := measure(t.Context(), o, s, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(runs) != len(workloads) {
			t.Fatalf("%d workloads of %s were measured, want %d", len(runs), s.Name(), len(workloads))
		}
		for _, run := range runs {
			if run.Missing != "" || run.Seconds <= 0 {
				t.Errorf("%s of %s: %+v", run.Workload, run.Subject, run)
			}
		}
		if one := runs[2]; s.Name() != floorName && one.Renders != 3 {
			t.Errorf("3 commits that touch one release each made %d renders", one.Renders)
		}
	}
}
