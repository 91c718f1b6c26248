package helm

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRenderAsHelmCLI compares with the real helm, where there is one.
func TestRenderAsHelmCLI(t *testing.T) {
	helm, err := exec.LookPath("helm")
	if err != nil {
		t.Skip("no helm in PATH")
	}
	version, err := exec.Command(helm, "version", "--template", "{{ .Version }}").Output()
	if err != nil || !strings.HasPrefix(string(version), "v4.") {
		t.Skipf("helm %s: %v", version, err)
	}
	for name, args := range map[string][]string{
		"web":    {"--set", "replicas=7,env.REMOVED=null", "--set-string", "image.tag=1.0"},
		"hooks":  {"--no-hooks"},
		"legacy": {"--set", "color=blue"},
	} {
		t.Run(name, func(t *testing.T) {
			args = append([]string{"template", "shop", "testdata/" + name, "--namespace", "dev", "--kube-version", testCapabilities.KubeVersion}, args...)
			for _, v := range testCapabilities.APIVersions {
				args = append(args, "--api-versions", v)
			}
			want, err := exec.Command(helm, args...).Output()
			if err != nil {
				t.Fatal(err)
			}
			values := map[string]string{
				"web":    "replicas: 7\nenv: {REMOVED: null}\nimage: {tag: '1.0'}\n",
				"hooks":  "{}",
				"legacy": "color: blue",
			}
			got, err := Render(t.Context(), request(name, yamlLayer(values[name])), nil)
			if err != nil {
				t.Fatal(err)
			}
			// The command trims the end of what it prints; `helm get manifest` does not.
			if diff := cmp.Diff(string(want), strings.TrimSpace(got.Chart.Manifest)+"\n"); diff != "" {
				t.Errorf("manifest (-helm +got):\n%s", diff)
			}
		})
	}
}
