package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/internal/model"
)

func TestDiff(t *testing.T) {
	for _, tc := range []struct {
		name, live, desired string
		secret              bool
		want                []model.FieldDiff
	}{
		{"equal", `{"a":1}`, `{"a":1}`, false, nil},
		{"server's fields", `{"metadata":{"uid":"x","generation":2,"managedFields":[1]},"status":{"a":1}}`, `{"metadata":{}}`, false, nil},
		{"value", `{"spec":{"replicas":1}}`, `{"spec":{"replicas":3}}`, false, []model.FieldDiff{{Path: ".spec.replicas", Old: "1", New: "3"}}},
		{"added and removed", `{"spec":{"a":{"b":"<x>"}}}`, `{"spec":{"c":[1]}}`, false, []model.FieldDiff{
			{Path: ".spec.a.b", Old: `"<x>"`}, {Path: ".spec.c", New: "[1]"},
		}},
		{"named elements", `{"c":[{"name":"x","image":"1"},{"name":"y"}]}`, `{"c":[{"name":"z"},{"name":"x","image":"2"}]}`, false, []model.FieldDiff{
			{Path: ".c[name=x].image", Old: `"1"`, New: `"2"`}, {Path: ".c[name=y].name", Old: `"y"`}, {Path: ".c[name=z].name", New: `"z"`},
		}},
		{"places", `{"args":["a","b"]}`, `{"args":["a","c","d"]}`, false, []model.FieldDiff{
			{Path: ".args[1]", Old: `"b"`, New: `"c"`}, {Path: ".args[2]", New: `"d"`},
		}},
		{"keys with dots", `{"data":{"app.yaml":"1"}}`, `{"data":{"app.yaml":"2"}}`, false, []model.FieldDiff{{Path: `.data["app.yaml"]`, Old: `"1"`, New: `"2"`}}},
		{"new object", ``, `{"kind":"A","data":{}}`, false, []model.FieldDiff{{Path: ".data", New: "{}"}, {Path: ".kind", New: `"A"`}}},
		{"secret", `{"type":"Opaque","data":{"a":"c2VjcmV0","gone":"c2VjcmV0"},"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"c2VjcmV0","x":"1"}}}`,
			`{"type":"other","data":{"a":"c2VjcmV0Mg","n.w":"c2VjcmV0"},"stringData":{"s":"secret"},"metadata":{"annotations":{"x":"2"}}}`, true, []model.FieldDiff{
				{Path: ".data.a", Old: maskedOld, New: maskedNew}, {Path: ".data.gone", Old: maskedOld}, {Path: `.data["n.w"]`, New: maskedNew},
				{Path: `.metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"]`, Old: maskedOld},
				{Path: ".metadata.annotations.x", Old: `"1"`, New: `"2"`},
				{Path: ".stringData.s", New: maskedNew}, {Path: ".type", Old: `"Opaque"`, New: `"other"`},
			}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := Diff([]byte(tc.live), []byte(tc.desired), tc.secret)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, err := Diff([]byte(`{`), nil, true); err == nil || strings.Contains(err.Error(), "c2Vj") {
		t.Errorf("broken JSON: %v", err)
	}
}
