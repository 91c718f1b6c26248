package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/chart/kubeschema"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// Object is an object that a chart renders, with all the cases that render it just so.
type Object struct {
	model.Object
	Body     map[string]any // numbers are json.Number
	Cases    []string
	Versions []string // of Kubernetes, whose renders have it

	toggleOnly bool // no case but flipped ones renders it
}

func newObject(o model.Object) (*Object, error) {
	dec := json.NewDecoder(bytes.NewReader(o.Body))
	dec.UseNumber()
	var body map[string]any
	if err := dec.Decode(&body); err != nil {
		return nil, fmt.Errorf("reading %s: %w", o.Key.Short(), err)
	}
	return &Object{Object: o, Body: body}, nil
}

// isTest reports whether an object belongs to `helm test` alone.
func (o *Object) isTest() bool {
	if o.Hook == nil || len(o.Hook.Events) == 0 {
		return false
	}
	return !slices.ContainsFunc(o.Hook.Events, func(e string) bool { return e != "test" && e != "test-success" && e != "test-failure" })
}

// at goes down fields of a map; nil where there are none.
func at(v any, fields ...string) any {
	for _, f := range fields {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[f]
	}
	return v
}

func mapAt(v any, fields ...string) map[string]any {
	m, _ := at(v, fields...).(map[string]any)
	return m
}

func listAt(v any, fields ...string) []any {
	l, _ := at(v, fields...).([]any)
	return l
}

func textAt(v any, fields ...string) string {
	s, _ := at(v, fields...).(string)
	return s
}

func fields(names ...string) kubeschema.Path {
	var p kubeschema.Path
	for _, n := range names {
		p = p.Field(n)
	}
	return p
}

// Pod is what a workload says of its pods.
type pod struct {
	owner  *Object
	spec   map[string]any
	path   kubeschema.Path // of spec
	labels map[string]any  // of the pods
}

// podOf finds the pods of a workload of Kubernetes' own.
func podOf(o *Object) (pod, bool) {
	var to []string
	switch o.Key.Group + "/" + o.Key.Kind {
	case "/Pod":
		return pod{o, mapAt(o.Body, "spec"), fields("spec"), mapAt(o.Body, "metadata", "labels")}, true
	case "apps/Deployment", "apps/StatefulSet", "apps/DaemonSet", "apps/ReplicaSet", "batch/Job", "/ReplicationController":
		to = []string{"spec", "template"}
	case "batch/CronJob":
		to = []string{"spec", "jobTemplate", "spec", "template"}
	default:
		return pod{}, false
	}
	template := mapAt(o.Body, to...)
	spec := mapAt(template, "spec")
	return pod{o, spec, fields(append(to, "spec")...), mapAt(template, "metadata", "labels")}, spec != nil
}

// container is one of a pod's.
type container struct {
	body map[string]any
	path kubeschema.Path
	init bool
}

func (c container) name() string { return textAt(c.body, "name") }

func (p pod) containers() []container {
	var all []container
	for _, list := range []string{"initContainers", "containers"} {
		for i, raw := range listAt(p.spec, list) {
			if body, ok := raw.(map[string]any); ok {
				all = append(all, container{body, p.path.Field(list).At(i), list == "initContainers"})
			}
		}
	}
	return all
}

// matches reports whether labels have all that a selector of the simple form wants.
func matches(selector, labels map[string]any) bool {
	for k, want := range selector {
		if got, ok := labels[k]; (!ok || got != want) && !madeLabels[k] {
			return false
		}
	}
	return true
}

// madeLabels are labels of pods that their controllers write.
var madeLabels = map[string]bool{
	"statefulset.kubernetes.io/pod-name": true, "apps.kubernetes.io/pod-index": true, "pod-template-hash": true,
	"job-name": true, "batch.kubernetes.io/job-name": true, "controller-uid": true, "batch.kubernetes.io/controller-uid": true,
}

// matchesSelector is matches for selectors with matchLabels and matchExpressions.
func matchesSelector(selector, labels map[string]any) bool {
	if !matches(mapAt(selector, "matchLabels"), labels) {
		return false
	}
	for _, e := range listAt(selector, "matchExpressions") {
		got, has := labels[textAt(e, "key")]
		in := has && slices.Contains(listAt(e, "values"), got)
		switch textAt(e, "operator") {
		case "In":
			if !in {
				return false
			}
		case "NotIn":
			if in {
				return false
			}
		case "Exists":
			if !has {
				return false
			}
		case "DoesNotExist":
			if has {
				return false
			}
		}
	}
	return true
}

func labelText(labels map[string]any) string {
	var parts []string
	for k, v := range labels {
		parts = append(parts, fmt.Sprintf("%s=%v", k, v))
	}
	slices.Sort(parts)
	return strings.Join(parts, ",")
}
