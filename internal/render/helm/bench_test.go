package helm

import (
	"path/filepath"
	"testing"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// BenchmarkRender renders charts that are loaded already.
func BenchmarkRender(b *testing.B) {
	for _, chart := range []string{"web", "parent", "hooks"} {
		b.Run(chart, func(b *testing.B) { benchmark(b, request(chart, yamlLayer("replicas: 3\n"))) })
	}
	b.Run("flask-app", func(b *testing.B) {
		dir, err := filepath.Abs("../../../charts")
		if err != nil {
			b.Fatal(err)
		}
		benchmark(b, Request{Dir: dir, Path: "flask-app", Digest: "flask-app", Name: "shop", Namespace: "dev", Capabilities: model.Capabilities{KubeVersion: "v1.36.3"}})
	})
}

func benchmark(b *testing.B, req Request) {
	charts := &Recent{Max: 2}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Render(b.Context(), req, charts); err != nil {
			b.Fatal(err)
		}
	}
}
