package support

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/internal/model"
)

func TestUnsupported(t *testing.T) {
	tests := []struct {
		name string
		kind model.Kind
		spec string
		want []string
	}{
		{
			name: "a HelmRelease with a chart from Git",
			kind: model.KindHelmRelease,
			spec: `{"releaseName":"podinfo-dev","chart":{"git":"git@example.com:a/b","path":"charts/podinfo","ref":"master"},
				"values":{"image":{"tag":"dev"},"hpa":{"enabled":true}}}`,
		},
		{
			name: "a HelmRelease with a chart from a repository",
			kind: model.KindHelmRelease,
			spec: `{"chart":{"repository":"https://charts.example.com/","name":"sealed-secrets","version":"1.6.1"}}`,
		},
		{
			name: "an Application that syncs itself",
			kind: model.KindApplication,
			spec: `{"project":"default","source":{"repoURL":"https://example.com/x.git","targetRevision":"main","path":"app"},
				"destination":{"server":"https://kubernetes.default.svc","namespace":"default"},
				"syncPolicy":{"automated":{"prune":true,"selfHeal":true},"syncOptions":["CreateNamespace=true"]}}`,
		},
		{
			name: "an Application with a list of one source",
			kind: model.KindApplication,
			spec: `{"project":"default","sources":[{"repoURL":"https://example.com/x.git","path":"app","kustomize":{"namePrefix":"a"}}],"destination":{}}`,
			want: []string{"spec.sources[0].kustomize"},
		},
		{
			name: "unknown fields, at the top and below",
			kind: model.KindHelmRelease,
			spec: `{"chart":{"git":"g","depth":3},"replicas":{"count":3,"max":5}}`,
			want: []string{"spec.chart.depth", "spec.replicas"},
		},
		{
			name: "known fields that are not acted upon are named where they stand in a list",
			kind: model.KindHelmRelease,
			spec: `{"valuesFrom":[{"secretKeyRef":{"name":"a"}},{"externalSourceRef":{"url":"https://x"}}],"forceUpgrade":true}`,
			want: []string{"spec.forceUpgrade", "spec.valuesFrom[1].externalSourceRef"},
		},
		{
			name: "what asks for nothing is not reported",
			kind: model.KindHelmRelease,
			spec: `{"forceUpgrade":false,"test":{"enable":false},"skipCRDs":false,"valuesFrom":[],"helmVersion":"v3","nodes":{}}`,
		},
		{
			name: "a value that is not the one that is always done",
			kind: model.KindHelmRelease,
			spec: `{"wait":false,"resetValues":false,"helmVersion":"v2"}`,
			want: []string{"spec.helmVersion", "spec.resetValues", "spec.wait"},
		},
		{
			name: "another cluster, another project, an unknown option",
			kind: model.KindApplication,
			spec: `{"project":"shop","destination":{"server":"https://10.0.0.1"},
				"syncPolicy":{"syncOptions":["CreateNamespace=true","Replace=true"],"retry":{"limit":5}}}`,
			want: []string{"spec.destination.server", "spec.project", "spec.syncPolicy.retry", "spec.syncPolicy.syncOptions[1]"},
		},
		{
			name: "a wrong type where an object belongs",
			kind: model.KindApplication,
			spec: `{"source":{"helm":"yes"}}`,
			want: []string{"spec.source.helm"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Unsupported(tt.kind, []byte(`{"metadata":{"name":"x"},"spec":`+tt.spec+`}`))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("paths (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnsupportedIsBounded(t *testing.T) {
	var fields []string
	for i := range 100 {
		fields = append(fields, `"f`+strings.Repeat("x", i)+`":1`)
	}
	got, err := Unsupported(model.KindHelmRelease, []byte(`{"spec":{`+strings.Join(fields, ",")+`}}`))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != maxPaths+1 || got[maxPaths] != "and 80 more" {
		t.Errorf("got %d paths, the last %q", len(got), got[len(got)-1])
	}
}

func TestUnsupportedNeverPrintsValues(t *testing.T) {
	got, err := Unsupported(model.KindApplication, []byte(`{"spec":{"destination":{"server":"https://user:hunter2@host"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if s := strings.Join(got, " "); strings.Contains(s, "hunter2") {
		t.Errorf("a value leaked into %q", s)
	}
}
