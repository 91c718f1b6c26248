package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

// lifecycle is what the types of k8s.io/api say of themselves; ../lifecycle.go reads it.
type lifecycle struct {
	APIVersion  string `json:"apiVersion"`
	Kind        string `json:"kind"`
	Deprecated  int    `json:"deprecated"` // minor versions of Kubernetes 1
	Removed     int    `json:"removed,omitempty"`
	Replacement string `json:"replacement,omitempty"` // "apps/v1 Deployment"
}

// The methods that prerelease-lifecycle-gen writes.
type (
	deprecated interface{ APILifecycleDeprecated() (major, minor int) }
	removed    interface{ APILifecycleRemoved() (major, minor int) }
	replaced   interface {
		APILifecycleReplacement() apischema.GroupVersionKind
	}
)

func writeLifecycles(out string) error {
	var all []lifecycle
	for gvk, t := range scheme.Scheme.AllKnownTypes() {
		d, ok := reflect.New(t).Interface().(deprecated)
		if _, isObject := d.(runtime.Object); !ok || !isObject || strings.HasSuffix(gvk.Kind, "List") {
			continue
		}
		l := lifecycle{APIVersion: gvk.GroupVersion().String(), Kind: gvk.Kind}
		_, l.Deprecated = d.APILifecycleDeprecated()
		if r, ok := d.(removed); ok {
			_, l.Removed = r.APILifecycleRemoved()
		}
		if r, ok := d.(replaced); ok {
			to := r.APILifecycleReplacement()
			l.Replacement = to.GroupVersion().String() + " " + strings.TrimSuffix(to.Kind, "List")
		}
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b lifecycle) int {
		return cmp.Or(strings.Compare(a.APIVersion, b.APIVersion), strings.Compare(a.Kind, b.Kind))
	})
	text, err := json.MarshalIndent(map[string]any{
		"generated": "by internal/chart/kubeschema/gen from the types of k8s.io/api: do not edit", "lifecycles": all,
	}, "", " ")
	if err != nil {
		return err
	}
	name := filepath.Join(out, "lifecycle.json")
	fmt.Printf("%s: %d kinds\n", name, len(all))
	return os.WriteFile(name, append(text, '\n'), 0o644)
}
