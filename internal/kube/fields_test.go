package kube

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestFieldsAreASet(t *testing.T) {
	const set = `{"f:data":{"f:a":{},"f:b":{}},"f:spec":{"f:c":{"k:{\"name\":\"x\"}":{".":{},"f:name":{}}}}}`
	for _, tc := range []struct {
		name, raw string
		same      bool
	}{
		{"itself", set, true},
		{"another order", `{"f:spec":{"f:c":{"k:{\"name\":\"x\"}":{"f:name":{},".":{}}}},"f:data":{"f:b":{},"f:a":{}}}`, true},
		{"space", `{ "f:data" : {"f:a": {}, "f:b":{}}, "f:spec":{"f:c":{"k:{\"name\":\"x\"}":{".":{},"f:name":{}}}}}`, true},
		{"a field less", `{"f:data":{"f:a":{}},"f:spec":{"f:c":{"k:{\"name\":\"x\"}":{".":{},"f:name":{}}}}}`, false},
		{"another key", `{"f:data":{"f:a":{},"f:b":{}},"f:spec":{"f:c":{"k:{\"name\":\"y\"}":{".":{},"f:name":{}}}}}`, false},
		{"moved", `{"f:data":{"f:a":{"f:b":{}}},"f:spec":{"f:c":{"k:{\"name\":\"x\"}":{".":{},"f:name":{}}}}}`, false},
		{"swapped parents", `{"f:spec":{"f:a":{},"f:b":{}},"f:data":{"f:c":{"k:{\"name\":\"x\"}":{".":{},"f:name":{}}}}}`, false},
		{"nothing", `{}`, false},
		{"cut off", set[:40], false},
		{"no JSON", `[1`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := digestFields([]byte(tc.raw)) == digestFields([]byte(set)); got != tc.same {
				t.Errorf("same: %v, want %v", got, tc.same)
			}
		})
	}
}

func TestFieldsOfAManager(t *testing.T) {
	entry := func(manager string, op metav1.ManagedFieldsOperationType, sub string) metav1.ManagedFieldsEntry {
		return metav1.ManagedFieldsEntry{Manager: manager, Operation: op, Subresource: sub, FieldsV1: metav1.NewFieldsV1(`{"f:a":{}}`)}
	}
	m := &metav1.ObjectMeta{ManagedFields: []metav1.ManagedFieldsEntry{
		entry("fairlead", metav1.ManagedFieldsOperationUpdate, ""), entry("fairlead", metav1.ManagedFieldsOperationApply, "status"), entry("helm", metav1.ManagedFieldsOperationApply, ""),
	}}
	if got := Fields(m, "fairlead"); got != "" {
		t.Errorf("a manager that applied nothing owns %q", got)
	}
	if Fields(m, "helm") == "" {
		t.Error("a manager that applied owns nothing")
	}
}

func FuzzDigestFields(f *testing.F) {
	f.Add([]byte(`{"f:a":{"k:{\"x\":1}":{}}}`))
	f.Add([]byte(`{"\`))
	f.Fuzz(func(_ *testing.T, raw []byte) { digestFields(raw) })
}
