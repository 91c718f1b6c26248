package record

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// inventory is one of n objects, as large as real ones.
func inventory(n int) model.Inventory {
	inv := model.Inventory{}
	for i := range n {
		o := model.Owned{
			Key:     model.ObjectKey{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: fmt.Sprintf("web-%d", i)},
			Version: "v1", Digest: model.Digest([]byte{byte(i), byte(i >> 8)}), Fields: fmt.Sprintf("%016x", i*7919),
		}
		if i%5 == 0 {
			o.Key = model.ObjectKey{Kind: "Namespace", Name: o.Key.Name}
			o.Stays = model.StaysAlways
		}
		inv = append(inv, o)
	}
	return inv
}

func TestInventoryRoundTrip(t *testing.T) {
	for _, n := range []int{0, 1, 4, 50, 2500} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			want := inventory(n)
			text, err := EncodeInventory(want)
			if err != nil {
				t.Fatal(err)
			}
			if len(text) > maxAnnotation {
				t.Errorf("%d objects take %d bytes", n, len(text))
			}
			got, err := DecodeInventory(text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeInventoryRefusesRubbish(t *testing.T) {
	bomb, err := compress([]byte("["+strings.Repeat(" ", maxInventory)+"]"), small)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"nothing": "", "no JSON": "{", "a short row": `[["a","b"]]`, "no base64": "gz:%", "no gzip": "gz:AAAA",
		"a bomb": compressed + string(bomb),
	} {
		t.Run(name, func(t *testing.T) {
			if inv, err := DecodeInventory(text); err == nil || inv != nil {
				t.Errorf("got %v, %v", inv, err)
			}
		})
	}
}

func TestFromSecretMetadata(t *testing.T) {
	labels := map[string]string{"owner": "helm", "name": "web", "version": "3", "status": "deployed"}
	tests := []struct {
		name        string
		secret      string
		labels      map[string]string
		annotations map[string]string
		ok          bool
		want        model.Record
	}{
		{
			name: "Helm's", secret: "sh.helm.release.v1.web.v3", labels: labels, ok: true,
			want: model.Record{Revision: 3, Status: model.RecordDeployed},
		},
		{
			name: "ours", secret: "sh.helm.release.v1.web.v3", labels: labels, ok: true,
			annotations: map[string]string{
				model.AnnotationNote:      `{"inputs":"i","chart":"web-1.0.0","description":"Install complete","source":{"commit":"c"},"holdBy":"x"}`,
				model.AnnotationOwner:     "HelmRelease/shop/web",
				model.AnnotationInventory: `[["apps","v1","Deployment","shop/web","d","f"]]`,
			},
			want: model.Record{
				Revision: 3, Status: model.RecordDeployed, Inputs: "i", Chart: "web-1.0.0", Description: "Install complete",
				Source: model.Revision{Commit: "c"}, HoldBy: "x", Owner: "HelmRelease/shop/web",
				Inventory: model.Inventory{{
					Key:     model.ObjectKey{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"},
					Version: "v1", Digest: "d", Fields: "f",
				}},
			},
		},
		{
			name: "an inventory that cannot be read is none, not an empty one", secret: "sh.helm.release.v1.web.v3", labels: labels, ok: true,
			annotations: map[string]string{model.AnnotationNote: `{"inputs":"i"}`, model.AnnotationInventory: "gz:rubbish"},
			want:        model.Record{Revision: 3, Status: model.RecordDeployed, Inputs: "i"},
		},
		{
			name: "a pending one Helm left", secret: "sh.helm.release.v1.web.v3", ok: true,
			labels: map[string]string{"owner": "helm", "name": "web", "version": "3", "status": "pending-upgrade"},
			want:   model.Record{Revision: 3, Status: model.RecordPendingUpgrade},
		},
		{
			name: "ours, with the annotations gone", secret: "sh.helm.release.v1.web.v3", ok: true,
			labels: with(labels, "fairlead.dev/owner", "HelmRelease.shop.web.v2", "fairlead.dev/inputs", "3_q80_i"),
			want:   model.Record{Revision: 3, Status: model.RecordDeployed, Owner: "HelmRelease/shop/web.v2", Inputs: "abcd"},
		},
		{
			name: "Helm's, with labels copied from ours", secret: "sh.helm.release.v1.web.v3", ok: true,
			labels: with(labels, "fairlead.dev/owner", "HelmRelease.shop.web.v2", "fairlead.dev/inputs", "2_q80_i"),
			want:   model.Record{Revision: 3, Status: model.RecordDeployed},
		},
		{name: "another Secret with such labels", secret: "password", labels: labels},
		{name: "another name than its labels say", secret: "sh.helm.release.v1.web.v4", labels: labels},
		{name: "no labels", secret: "sh.helm.release.v1.web.v3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			meta := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: tt.secret, Labels: tt.labels, Annotations: tt.annotations}}
			name, got, ok := FromSecretMetadata(meta)
			if ok != tt.ok {
				t.Fatalf("ok is %v", ok)
			}
			if ok && name != "web" {
				t.Errorf("name is %q", name)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func with(labels map[string]string, more ...string) map[string]string {
	out := maps.Clone(labels)
	for i := 0; i < len(more); i += 2 {
		out[more[i]] = more[i+1]
	}
	return out
}

func TestLabelsFit(t *testing.T) {
	rec := model.Record{Revision: 123456, Inputs: model.Digest([]byte("x")), Owner: "HelmRelease/shop/web"}
	for key, value := range labelsOf(&rec) {
		if wrong := validation.IsValidLabelValue(value); len(wrong) > 0 {
			t.Errorf("%s=%s: %v", key, value, wrong)
		}
	}
	rec.Owner = "HelmRelease/" + strings.Repeat("n", 60) + "/web"
	if got := labelsOf(&rec); got != nil {
		t.Errorf("an owner that does not fit gives %v", got)
	}
}

func TestOutdated(t *testing.T) {
	known := func(statuses ...model.RecordStatus) []model.Record {
		var out []model.Record
		for i, s := range statuses {
			out = append(out, model.Record{Revision: i + 1, Status: s})
		}
		return out
	}
	const d, s, f = model.RecordDeployed, model.RecordSuperseded, model.RecordFailed
	tests := []struct {
		name  string
		known []model.Record
		rec   model.Record
		limit int
		want  []int
	}{
		{name: "room", known: known(s, d), rec: model.Record{Revision: 3, Status: d}, limit: 3},
		{name: "one too many", known: known(s, s, d), rec: model.Record{Revision: 4, Status: d}, limit: 3, want: []int{1}},
		{name: "the last deployed one stays", known: known(d, f, f), rec: model.Record{Revision: 4, Status: f}, limit: 2, want: []int{2, 3}},
		{name: "the default", known: known(s, s, s, s, s, s, s, s, s, s, d), rec: model.Record{Revision: 12, Status: d}, want: []int{1, 2}},
		{name: "one", known: known(s, d), rec: model.Record{Revision: 3, Status: d}, limit: 1, want: []int{1, 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, outdated(tt.rec, tt.known, tt.limit)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestShorten(t *testing.T) {
	for in, want := range map[string]string{"short": "short", "exactly ten": "exactly…", "äöüäöü": "äöü…"} {
		if got := shorten(in, 10); got != want {
			t.Errorf("shorten(%q) is %q, want %q", in, got, want)
		}
	}
}
