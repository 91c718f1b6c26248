package render

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// BenchmarkRelease renders releases of one chart that differ in their values, as a fleet does.
func BenchmarkRelease(b *testing.B) {
	r := withWorkers(b, nil)
	a := model.Artifact{Dir: "helm/testdata", Path: "web", Digest: "web"}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		rel := model.Release{Name: fmt.Sprint("shop-", i), Namespace: "dev", Values: layer(fmt.Sprint("replicas: ", i))}
		if _, err := r.Render(b.Context(), rel, a, caps, RenderOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	for _, pid := range children(b) {
		b.Logf("worker: %s", status(b, pid))
	}
}

// BenchmarkReleaseKept reads kept results.
func BenchmarkReleaseKept(b *testing.B) {
	r := withWorkers(b, nil)
	a := model.Artifact{Dir: "helm/testdata", Path: "web", Digest: "web"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Render(b.Context(), release, a, caps, RenderOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInputs is what a release costs when nothing changed.
func BenchmarkInputs(b *testing.B) {
	r := New(Options{})
	a := model.Artifact{Dir: "helm/testdata", Path: "web", Digest: "web"}
	rel := model.Release{Name: "shop", Namespace: "dev", Values: layer("replicas: 2")}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Inputs(rel, a, caps); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPlain reads a thousand manifests.
func BenchmarkPlain(b *testing.B) {
	files := map[string]string{}
	for i := range 1000 {
		files[fmt.Sprintf("releases/dev/app-%04d.yaml", i)] = fmt.Sprintf(helmRelease, i, i)
	}
	a := artifact(b, files)
	r := New(Options{})
	b.ReportAllocs()
	for b.Loop() {
		got, err := r.Render(b.Context(), release, a, caps, RenderOptions{})
		if err != nil || len(got.Objects) != 1000 {
			b.Fatal(len(got.Objects), err)
		}
	}
}

const helmRelease = `---
apiVersion: helm.fluxcd.io/v1
kind: HelmRelease
metadata:
  name: app-%04d
  namespace: dev
  annotations:
    fluxcd.io/automated: "true"
spec:
  releaseName: app-%04d
  chart:
    git: https://git.example.com/fleet.git
    path: charts/app
    ref: main
  values:
    replicas: 2
    image:
      repository: registry.example.com/app
      tag: 1.0.3
`

// children are the processes that this one started.
func children(b *testing.B) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/children", os.Getpid()))
	if err != nil {
		if runtime.GOOS == "linux" {
			b.Log(err)
		}
		return nil
	}
	return strings.Fields(string(text))
}

func status(b *testing.B, pid string) string {
	text, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		b.Fatal(err)
	}
	var kept []string
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "VmRSS") || strings.HasPrefix(line, "VmHWM") || strings.HasPrefix(line, "RssAnon") {
			kept = append(kept, strings.Join(strings.Fields(line), " "))
		}
	}
	return strings.Join(kept, ", ")
}
