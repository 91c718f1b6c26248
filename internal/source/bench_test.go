package source_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/source"
	"github.com/fairlead-cd/fairlead/internal/testkit"
)

// BenchmarkPush measures what a push to a repository of many releases costs, from the webhook to the
// report of the one release whose values file it changed.
func BenchmarkPush(b *testing.B) {
	for _, n := range []int{500, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			k := newKit(b, source.Options{PollInterval: time.Hour}, testkit.GitOptions{})
			watchMany(b, k, n)
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				id := k.commit(map[string]string{fmt.Sprintf("envs/%d.yaml", i%n): fmt.Sprintf("n: x%d\n", i)})
				b.StartTimer()
				k.push(id)
				if got := k.takeChanges(); len(got) != 1 {
					b.Fatalf("%d releases changed", len(got))
				}
			}
		})
	}
}

// BenchmarkFirstFetch measures 1000 releases of one chart, each with a values file of its own.
func BenchmarkFirstFetch(b *testing.B) {
	for b.Loop() {
		k := newKit(b, source.Options{PollInterval: time.Hour}, testkit.GitOptions{})
		watchMany(b, k, 1000)
		b.Log(k.srv.Counts())
	}
}

func watchMany(b *testing.B, k *kit, n int) {
	b.Helper()
	files := map[string]string{"charts/app/Chart.yaml": chart("app")}
	for i := range 10 {
		files[fmt.Sprintf("charts/app/templates/%d.yaml", i)] = fmt.Sprintf("kind: ConfigMap # %01000d\n", i)
	}
	for i := range n {
		files[fmt.Sprintf("envs/%d.yaml", i)] = fmt.Sprintf("n: %d\n", i)
	}
	k.commit(files)
	start := time.Now()
	var all sync.WaitGroup
	slots := make(chan struct{}, 16)
	for i := range n {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			ref := k.ref("charts/app")
			ref.Files = []string{fmt.Sprintf("envs/%d.yaml", i)}
			k.Watch(model.ReleaseID{Kind: model.KindApplication, Name: fmt.Sprint(i)}, ref)
			if _, err := k.Fetch(b.Context(), ref); err != nil {
				b.Error(err)
			}
		})
	}
	all.Wait()
	b.Logf("%d releases fetched in %s", n, time.Since(start))
}
