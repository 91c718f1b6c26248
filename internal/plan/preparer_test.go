package plan

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// TestPreparer: whatever changed since the last time, what comes out is what Prepare gives, and what
// came out before stays as it was.
func TestPreparer(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	var p Preparer
	releases := []model.Release{release, {ID: release.ID, Namespace: "elsewhere"}, {ID: model.ReleaseID{Kind: model.KindRoot, Name: "fleet"}, Namespace: "shop"}}
	kinds := []string{"ConfigMap", "Secret", "ClusterRole", "Custom", "Thing"}
	objects := map[string]model.Object{}
	put := func(i int) {
		o := object("v1", kinds[random.IntN(4)], []string{"", "other"}[random.IntN(2)], fmt.Sprint("o", i))
		o.Body = fmt.Appendf(nil, `{"apiVersion":"v1","kind":%q,"metadata":{"name":"o%d","namespace":%q,"uid":"x"},"n":%d}`, o.Key.Kind, i, o.Key.Namespace, random.IntN(3))
		if random.IntN(4) == 0 {
			o.Key.Group, o.Key.Kind = "batch", "Job"
			o.Body = fmt.Appendf(nil, `{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"o%d"},"spec":{%q:1}}`, i, []string{"ttlSecondsAfterFinished", "backoffLimit"}[random.IntN(2)])
		}
		o.Origin.Line, o.Wave, o.Lasting = random.IntN(9), random.IntN(3), random.IntN(2) == 0
		objects[fmt.Sprint(i)] = o
	}
	for i := range 40 {
		put(i)
	}
	customIsNamespaced := true
	scope := func(group, version, kind string) (bool, error) {
		if kind == "Custom" {
			return customIsNamespaced, nil
		}
		return scope(group, version, kind)
	}
	type result struct{ got, copied []model.Object }
	var results []result
	for step := range 120 {
		switch random.IntN(10) {
		case 0:
			customIsNamespaced = !customIsNamespaced
		case 1:
			delete(objects, fmt.Sprint(random.IntN(45)))
		default:
			put(random.IntN(45))
		}
		r := releases[random.IntN(len(releases))]
		var in []model.Object
		for i := range 45 {
			if o, ok := objects[fmt.Sprint(i)]; ok {
				in = append(in, o)
			}
		}
		if random.IntN(20) == 0 && len(in) > 0 { // something is wrong: it comes twice, or nobody knows its kind
			in = append(in, []model.Object{in[0], object("v1", "Thing", "", "x")}[random.IntN(2)])
		}
		want, wantErr := Prepare(r, in, scope)
		got, err := p.Prepare(r, in, scope)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("step %d: %v, want %v", step, err, wantErr)
		}
		if !reflect.DeepEqual(want, got) {
			t.Fatalf("step %d (-Prepare +Preparer):\n%s", step, cmp.Diff(want, got))
		}
		results = append(results, result{got, want})
	}
	for _, r := range results {
		if !reflect.DeepEqual(r.got, r.copied) {
			t.Fatal("what was given before has changed")
		}
	}
}

func TestPreparerKeepsToItsSize(t *testing.T) {
	var p Preparer
	big := slices.Repeat([]byte("x"), 64<<10)
	for i := range 20 {
		r := model.Release{ID: model.ReleaseID{Kind: model.KindRoot, Name: fmt.Sprint(i)}}
		var objects []model.Object
		for n := range worthwhile {
			o := object("v1", "ConfigMap", "", fmt.Sprint(n))
			o.Body = fmt.Appendf(nil, `{"metadata":{"name":"%d"},"data":{"x":%q}}`, n, big)
			objects = append(objects, o)
		}
		if _, err := p.Prepare(r, objects, scope); err != nil {
			t.Fatal(err)
		}
	}
	if size := p.releases.Size(); size > maxRemembered || size < maxRemembered/2 {
		t.Errorf("%d bytes", size)
	}
}

// BenchmarkPrepare measures a release of 1000 objects of which one changes.
func BenchmarkPrepare(b *testing.B) {
	var objects []model.Object
	for i := range 1000 {
		o := object("helm.fluxcd.io/v1", "HelmRelease", "dev", fmt.Sprint("web-", i))
		o.Body = fmt.Appendf(nil, `{"apiVersion":"helm.fluxcd.io/v1","kind":"HelmRelease","metadata":{"name":"web-%d","namespace":"dev"},"spec":{"releaseName":"web-%d","chart":{"git":"https://example.com/fleet.git","ref":"main","path":"charts/web"},"values":{"message":"hello","replicas":2}}}`, i, i)
		objects = append(objects, o)
	}
	for name, prepare := range map[string]func(model.Release, []model.Object, Scope) ([]model.Object, error){
		"anew": Prepare, "again": new(Preparer).Prepare,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				o := &objects[n%len(objects)]
				o.Body = append(slices.Clone(o.Body[:len(o.Body)-1]), ' ', '}')
				if _, err := prepare(release, objects, scope); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
