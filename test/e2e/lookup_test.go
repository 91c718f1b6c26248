package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// keeps is the pattern by which charts keep a password: that of the Secret that is there, else a new one.
const keeps = `{{- $old := lookup "v1" "Secret" (.Values.from | default .Release.Namespace) "kept" }}
apiVersion: v1
kind: Secret
metadata: {name: kept}
data:
  password: {{ if $old }}{{ $old.data.password }}{{ else }}{{ randAlphaNum 20 | b64enc }}{{ end }}
`

// TestLookup: a password that a chart keeps by lookup stays when a controller takes the release over from
// helm, at upgrades, and when the release is an Application's; no chart sees another namespace.
func TestLookup(t *testing.T) {
	s := tell(t, "lookup")
	const repo = "lookup/charts"
	chart := merge(s.chart("web", "web"), map[string]string{"charts/web/templates/kept.yaml": keeps})
	s.commit(repo, "main", chart)
	dir := s.onDisk(chart)
	s.want(s.helm("install", "web", filepath.Join(dir, "charts/web"), "-n", s.ns, "--set", "message=one", "--wait"), 0)
	made := s.password()
	s.kubectl(s.helmRelease("web", repo, "web", "{message: one}"))
	s.released(s.ns, "web")
	if now := s.password(); now != made {
		t.Errorf("taken over, the password %q is %q", made, now)
	}
	for _, message := range []string{"two", "three", "one"} {
		s.patch(helmReleases, s.ns, "web", `{"spec":{"values":{"message":"`+message+`"}}}`)
		s.released(s.ns, "web")
		if now := s.password(); now != made {
			t.Fatalf("at %q the password %q is %q", message, made, now)
		}
	}

	s.patch(helmReleases, s.ns, "web", `{"spec":{"values":{"from":"kube-system"}}}`)
	s.told(s.ns, "web", "Ready", "False", "LookupOutsideNamespace",
		"templates/kept.yaml:1: looking up v1 Secret kept in namespace kube-system, which the chart asks for",
		`release "web" is in namespace lookup: a chart may not read objects of other namespaces`)
	if now := s.password(); now != made {
		t.Errorf("refused, the password %q is %q", made, now)
	}
	s.want(s.fairlead("diff", "web", "-n", s.ns), 2, "may not read objects of other namespaces")
	s.patch(helmReleases, s.ns, "web", `{"spec":{"values":{"from":null,"message":"four"}}}`)
	s.released(s.ns, "web")
	if a := s.fairlead("diff", "web", "-n", s.ns); strings.Contains(a.out, "kept") {
		t.Errorf("the plan touches the password:\n%s", a.out)
	}
	if now := s.password(); now != made {
		t.Errorf("at the end the password %q is %q", made, now)
	}
}

// TestLookupOfApplication: an Application's chart finds what is in its destination's namespace.
func TestLookupOfApplication(t *testing.T) {
	s := tell(t, "lookup-app")
	const repo = "lookup-app/charts"
	s.commit(repo, "main", merge(s.chart("web", "web"), map[string]string{"charts/web/templates/kept.yaml": keeps}))
	at := &story{world: s.world, T: t, ns: "lookup-app-web"}
	var made string
	for _, says := range []string{"one", "two"} {
		s.kubectl(fmt.Sprintf(`apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: lookup-app, finalizers: [resources-finalizer.argocd.argoproj.io]}
spec:
  project: default
  source: {repoURL: %q, path: charts/web, helm: {values: "message: %s"}}
  destination: {server: "https://kubernetes.default.svc", namespace: %s}
  syncPolicy: {automated: {}, syncOptions: [CreateNamespace=true]}
`, s.url(repo), says, at.ns))
		within(t, patient, "the message is "+says, func() error {
			u, err := s.dynamic.Resource(configMaps).Namespace(at.ns).Get(t.Context(), "web", metav1.GetOptions{})
			if err == nil && message(u) != says {
				err = fmt.Errorf("%v", u.Object["data"])
			}
			return err
		})
		s.synced(s.ns, "web")
		if now := at.password(); made == "" {
			made = now
		} else if now != made {
			t.Errorf("the password %q is %q", made, now)
		}
	}
}

func (s *story) password() string {
	s.Helper()
	kept, err := s.typed.CoreV1().Secrets(s.ns).Get(s.Context(), "kept", metav1.GetOptions{})
	if err != nil {
		s.Fatal(err)
	}
	return string(kept.Data["password"])
}
