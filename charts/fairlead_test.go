package charts

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	chartcommon "helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

// settings are values that turn everything on.
var settings = map[string]any{
	"applier":       map[string]any{"namespaces": []any{"dev", "prod"}},
	"config":        map[string]any{"roots": []any{map[string]any{"name": "fleet", "url": "https://git.example.com/fleet.git"}}},
	"impersonate":   map[string]any{"serviceAccounts": []any{"dev/deployer", "dev/other", "prod/deployer"}},
	"knownHosts":    "git.example.com ssh-ed25519 AAAA",
	"networkPolicy": map[string]any{"enabled": true, "from": []any{map[string]any{"podSelector": map[string]any{}}}},
	"webhook":       map[string]any{"secretName": "webhook", "keys": []any{"old", "new"}},
}

func TestLint(t *testing.T) {
	for name, values := range map[string]map[string]any{"defaults": nil, "everything": settings} {
		t.Run(name, func(t *testing.T) {
			for _, m := range lint.RunAll("fairlead", values, "fairlead-system").Messages {
				if m.Severity >= support.WarningSev {
					t.Error(m)
				}
			}
		})
	}
}

// TestLeastPrivilege: no role has a wildcard, nothing binds cluster-admin, and what may be written
// is bound to the namespaces that were named.
func TestLeastPrivilege(t *testing.T) {
	for name, values := range map[string]map[string]any{"defaults": nil, "everything": settings} {
		t.Run(name, func(t *testing.T) {
			var writable []string
			for _, doc := range render(t, values) {
				var o struct {
					rbacv1.ClusterRole
					RoleRef rbacv1.RoleRef `json:"roleRef"`
				}
				if err := yaml.Unmarshal([]byte(doc), &o); err != nil {
					t.Fatal(err)
				}
				for _, rule := range o.Rules {
					all := slices.Concat(rule.APIGroups, rule.Resources, rule.Verbs)
					if slices.Contains(all, "*") {
						t.Errorf("%s %s has a wildcard: %v", o.Kind, o.Name, rule)
					}
					if slices.Contains(rule.Verbs, "impersonate") && len(rule.ResourceNames) == 0 {
						t.Errorf("%s %s may impersonate anyone", o.Kind, o.Name)
					}
				}
				if o.RoleRef.Name == "cluster-admin" {
					t.Errorf("%s %s binds cluster-admin", o.Kind, o.Name)
				}
				if strings.HasSuffix(o.RoleRef.Name, "-apply") {
					writable = append(writable, o.Kind+" "+o.Namespace)
				}
			}
			want := []string{"ClusterRoleBinding "}
			if values != nil {
				want = []string{"RoleBinding dev", "RoleBinding prod"}
			}
			slices.Sort(writable)
			if diff := cmp.Diff(want, writable); diff != "" {
				t.Errorf("where it may write (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDefinitions: the chart carries the same definitions as the binary.
func TestDefinitions(t *testing.T) {
	files, err := filepath.Glob("../api/crds/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d definitions, %v", len(files), err)
	}
	for _, file := range files {
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("fairlead", "files", "crds", filepath.Base(file)))
		if err != nil || string(got) != string(want) {
			t.Errorf("%s differs in the chart (%v): run make generate", filepath.Base(file), err)
		}
	}
}

func TestValuesAreChecked(t *testing.T) {
	for name, values := range map[string]map[string]any{
		"an unknown value":        {"replica": 2},
		"a wrong type":            {"replicas": "two"},
		"a root without a URL":    {"config": map[string]any{"roots": []any{map[string]any{"name": "a"}}}},
		"an account without a /":  {"impersonate": map[string]any{"serviceAccounts": []any{"deployer"}}},
		"a rule without a kind":   {"applier": map[string]any{"rules": []any{map[string]any{"apiGroups": []any{""}}}}},
		"an interval in no units": {"config": map[string]any{"interval": "60"}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := toRender(t, values); err == nil {
				t.Error("it is accepted")
			}
		})
	}
}

// render gives the chart's documents.
func render(t *testing.T, values map[string]any) []string {
	t.Helper()
	chart, err := loader.LoadDir("fairlead")
	if err != nil {
		t.Fatal(err)
	}
	top, err := toRender(t, values)
	if err != nil {
		t.Fatal(err)
	}
	files, err := engine.Render(chart, top)
	if err != nil {
		t.Fatal(err)
	}
	var docs []string
	for name, text := range files {
		if strings.HasSuffix(name, ".yaml") {
			docs = append(docs, strings.Split(text, "\n---\n")...)
		}
	}
	return docs
}

func toRender(t *testing.T, values map[string]any) (chartcommon.Values, error) {
	t.Helper()
	chart, err := loader.LoadDir("fairlead")
	if err != nil {
		t.Fatal(err)
	}
	o := chartcommon.ReleaseOptions{Name: "fairlead", Namespace: "fairlead-system"}
	return util.ToRenderValues(chart, values, o, chartcommon.DefaultCapabilities)
}
