package record

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// TestHelmCommand works with the real helm on what the store wrote, objects included. helm is
// "go install helm.sh/helm/v4/cmd/helm@latest"; where it is missing the test is skipped.
func TestHelmCommand(t *testing.T) {
	if _, err := exec.LookPath("helm"); err != nil {
		t.Skip("no helm on the PATH")
	}
	c := startCluster(t)
	ctx, ns := t.Context(), c.namespace(t)
	s, _ := counted(t, c)
	helm := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(ctx, "helm", append(args, "--namespace", ns)...)
		cmd.Env = append(os.Environ(), "KUBECONFIG="+c.kubeconfig, "HELM_DRIVER=secret")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("helm %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	deploy := func(version string) {
		t.Helper()
		known, err := s.History(ctx, ns, "podinfo")
		if err != nil {
			t.Fatal(err)
		}
		applyManifest(ctx, t, c, ns, chartInfo(version).Manifest)
		if _, err := s.Write(ctx, entry(ns, version, model.RecordDeployed), known); err != nil {
			t.Fatal(err)
		}
	}
	live := func() string {
		t.Helper()
		cm, err := c.CoreV1().ConfigMaps(ns).Get(ctx, "podinfo", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return cm.Data["version"]
	}
	deploy("0.1.0")
	deploy("0.2.0")

	var list []struct{ Name, Revision, Status, Chart string }
	if err := json.Unmarshal([]byte(helm("list", "-o", "json")), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0].Revision != "2" || list[0].Status != "deployed" || list[0].Chart != "podinfo-0.2.0" {
		t.Errorf("helm list: %+v", list)
	}
	if out := helm("history", "podinfo"); !strings.Contains(out, "superseded") || !strings.Contains(out, "Upgrade complete") {
		t.Errorf("helm history:\n%s", out)
	}
	if out := helm("get", "values", "podinfo"); !strings.Contains(out, "replicas: 2") {
		t.Errorf("helm get values:\n%s", out)
	}
	if out := helm("get", "manifest", "podinfo"); !strings.Contains(out, `version: "0.2.0"`) {
		t.Errorf("helm get manifest:\n%s", out)
	}
	helm("status", "podinfo")

	helm("rollback", "podinfo", "1", "--no-hooks")
	if got := live(); got != "0.1.0" {
		t.Errorf("after helm rollback the object is of %q", got)
	}
	// Fairlead goes on from there, and Helm after it.
	deploy("0.3.0")
	if got := live(); got != "0.3.0" {
		t.Errorf("after the next deployment the object is of %q", got)
	}
	helm("upgrade", "podinfo", writeChart(t, "0.4.0"), "--reuse-values")
	if got := live(); got != "0.4.0" {
		t.Errorf("after helm upgrade the object is of %q", got)
	}
	if out := helm("get", "values", "podinfo"); !strings.Contains(out, "replicas: 2") {
		t.Errorf("helm upgrade --reuse-values lost the values:\n%s", out)
	}
	last, _, err := s.Last(ctx, ns, "podinfo")
	if err != nil || last.Revision != 5 || last.Status != model.RecordDeployed || last.Inputs != "" {
		t.Errorf("the last record is %+v, %v", last, err)
	}
	if out := helm("list", "--pending", "-q"); strings.TrimSpace(out) != "" {
		t.Errorf("pending: %s", out)
	}
}

// applyManifest applies as the apply stage does: on the server's side, forced, as our manager.
func applyManifest(ctx context.Context, t *testing.T, c cluster, ns, manifest string) {
	t.Helper()
	body, err := yaml.YAMLToJSON([]byte(strings.TrimPrefix(manifest, "---\n")))
	if err != nil {
		t.Fatal(err)
	}
	force := true
	_, err = c.CoreV1().ConfigMaps(ns).Patch(ctx, "podinfo", types.ApplyPatchType, body,
		metav1.PatchOptions{FieldManager: model.FieldManager, Force: &force})
	if err != nil {
		t.Fatal(err)
	}
}

func writeChart(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"Chart.yaml":        "apiVersion: v2\nname: podinfo\nversion: " + version + "\n",
		"values.yaml":       "replicas: 1\n",
		"templates/cm.yaml": strings.Replace(chartInfo(version).Manifest, "---\n", "", 1),
	}
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
