package check

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/fairlead-cd/fairlead/internal/chart/kubeschema"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// longestName is how long the names of kinds may be that Kubernetes makes labels or host names of.
// Sources: pkg/apis/batch/validation (CronJob: 63 less the 11 of a Job's suffix; Job), the label
// controller-revision-hash of a StatefulSet's pods (its name, a dash and 10 characters).
var longestName = map[string]int{
	"/Service": 63, "/Namespace": 63, "batch/CronJob": 52, "batch/Job": 63, "apps/StatefulSet": 52,
}

// manifold are kinds whose names are often long, and may be.
var manifold = []string{
	"rbac.authorization.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "admissionregistration.k8s.io",
}

// names judges an object's names and labels.
func (j *judge) names(o *Object) {
	name, path := o.Key.Name, fields("metadata", "name")
	limit, bound := longestName[o.Key.Group+"/"+o.Key.Kind]
	switch {
	case name == "":
	case bound && len(name) > limit:
		j.report(o, "name-length", path, "the name has %d characters, and a %s may have %d", len(name), o.Key.Kind, limit)
	case len(name) > 253:
		j.report(o, "name-length", path, "the name has %d characters, and any name may have 253", len(name))
	case len(name) > 63 && !slices.Contains(manifold, o.Key.Group):
		j.add(o, path, Finding{Rule: "name-length", Severity: j.unusual(o, Warning),
			Message: "the name is longer than 63 characters: it fits into no label, and tools cut it each in its own way"})
	}
	if name != "" && !slices.Contains(manifold, o.Key.Group) {
		for _, problem := range validation.IsDNS1123Subdomain(name) {
			if !strings.Contains(problem, "no more than") {
				j.report(o, "name-invalid", path, "%q is no name: %s", name, firstSentence(problem))
			}
		}
	}
	j.labels(o, fields("metadata"), mapAt(o.Body, "metadata"))
	if p, ok := podOf(o); ok && o.Key.Kind != "Pod" {
		above := p.path[:len(p.path)-1]
		j.labels(o, above.Field("metadata"), map[string]any{"labels": p.labels})
	}
}

func firstSentence(s string) string {
	s, _, _ = strings.Cut(s, " (e.g.")
	return s
}

func (j *judge) labels(o *Object, path kubeschema.Path, metadata map[string]any) {
	labels := mapAt(metadata, "labels")
	for _, key := range sortedKeys(labels) {
		value, ok := labels[key].(string)
		if !ok {
			continue // the schema says so
		}
		for _, problem := range validation.IsQualifiedName(key) {
			j.report(o, "label-invalid", path.Field("labels").Field(key), "the label %q has no valid name: %s", key, firstSentence(problem))
		}
		for _, problem := range validation.IsValidLabelValue(value) {
			j.report(o, "label-invalid", path.Field("labels").Field(key), "the label %s cannot be %q (%d characters): %s", key, value, len(value), firstSentence(problem))
		}
	}
	annotations := mapAt(metadata, "annotations")
	for _, key := range sortedKeys(annotations) {
		for _, problem := range validation.IsQualifiedName(strings.ToLower(key)) {
			j.report(o, "label-invalid", path.Field("annotations").Field(key), "the annotation %q has no valid name: %s", key, firstSentence(problem))
		}
	}
}
