package support

import "github.com/fairlead-cd/fairlead/internal/model"

// table maps the path of a field to the values of it that are acted upon. A field without such
// values is supported whatever it holds, with everything below it. "[]" stands for any index.
// A field that is in no table is reported unless it is null, empty, false or 0: those ask for
// nothing.
type table map[string][]any

// whole says that a field is supported with everything below it.
var whole []any

var tables = map[model.Kind]table{
	model.KindHelmRelease: {
		"spec.chart.git":                              whole,
		"spec.chart.ref":                              whole,
		"spec.chart.path":                             whole,
		"spec.chart.secretRef.name":                   whole,
		"spec.chart.secretRef.namespace":              whole,
		"spec.chart.repository":                       whole,
		"spec.chart.name":                             whole,
		"spec.chart.version":                          whole,
		"spec.chart.chartPullSecret.name":             whole,
		"spec.releaseName":                            whole,
		"spec.targetNamespace":                        whole,
		"spec.values":                                 whole,
		"spec.valuesFrom[].configMapKeyRef.name":      whole,
		"spec.valuesFrom[].configMapKeyRef.namespace": whole,
		"spec.valuesFrom[].configMapKeyRef.key":       whole,
		"spec.valuesFrom[].configMapKeyRef.optional":  whole,
		"spec.valuesFrom[].secretKeyRef.name":         whole,
		"spec.valuesFrom[].secretKeyRef.namespace":    whole,
		"spec.valuesFrom[].secretKeyRef.key":          whole,
		"spec.valuesFrom[].secretKeyRef.optional":     whole,
		"spec.valuesFrom[].chartFileRef.path":         whole,
		"spec.valuesFrom[].chartFileRef.optional":     whole,
		"spec.valueFileSecrets[].name":                whole,
		"spec.timeout":                                whole,
		"spec.maxHistory":                             whole,
		"spec.rollback.enable":                        whole,
		"spec.rollback.wait":                          whole,   // a rollback always waits,
		"spec.wait":                                   {true},  // and so does an upgrade
		"spec.resetValues":                            {true},  // values are the request's alone
		"spec.reuseValues":                            {false}, //
		"spec.helmVersion":                            {"v3"},  // charts of Helm 2 are refused anyway
	},
	model.KindApplication: with("spec.source.", source, with("spec.sources[].", source, table{
		"spec.project":                       {"", "default"},
		"spec.destination.namespace":         whole,
		"spec.destination.server":            {"https://kubernetes.default.svc"},
		"spec.destination.name":              {"in-cluster"},
		"spec.syncPolicy.automated.prune":    whole,
		"spec.syncPolicy.automated.selfHeal": whole,
		"spec.syncPolicy.automated.enabled":  whole,
		"spec.syncPolicy.syncOptions[]":      {"CreateNamespace=true", "CreateNamespace=false", "ServerSideApply=true"},
		"spec.revisionHistoryLimit":          whole,
		"spec.info":                          whole, // for people
	})),
}

// source are the fields of an Application's source. Several sources are refused elsewhere.
var source = table{
	"repoURL":                       whole,
	"path":                          whole,
	"targetRevision":                whole,
	"chart":                         whole,
	"name":                          whole, // for people
	"helm.valueFiles":               whole,
	"helm.parameters[].name":        whole,
	"helm.parameters[].value":       whole,
	"helm.parameters[].forceString": whole,
	"helm.releaseName":              whole,
	"helm.values":                   whole,
	"helm.valuesObject":             whole,
	"helm.ignoreMissingValueFiles":  whole,
	"helm.version":                  {"v3", "3"},
	"directory.recurse":             whole,
}

// with adds to a table the rows of another below a path.
func with(path string, rows, to table) table {
	for field, values := range rows {
		to[path+field] = values
	}
	return to
}
