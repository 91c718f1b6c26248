package containerdnode

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/devcluster/internal/node"
)

// TestRegistries: a mirror answers for a registry alone, an overlay before it.
func TestRegistries(t *testing.T) {
	n := &containerdNode{layout: layout(t.TempDir()), config: node.Config{
		RegistryMirrors:  map[string]string{"127.0.0.1:5000": "http://127.0.0.1:5000"},
		RegistryOverlays: map[string]string{"docker.io": "http://127.0.0.1:5000/"},
	}}
	if err := n.writeRegistries(); err != nil {
		t.Fatal(err)
	}
	const host = "[host.\"http://127.0.0.1:5000\"]\n  capabilities = [\"pull\", \"resolve\"]\n"
	for registry, want := range map[string]string{
		"127.0.0.1:5000": "server = \"http://127.0.0.1:5000\"\n\n" + host,
		"docker.io":      host,
	} {
		got, err := os.ReadFile(n.layout.config("registries") + "/" + registry + "/hosts.toml")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", registry, diff)
		}
	}
	n.config.RegistryOverlays = map[string]string{"../docker.io": "http://127.0.0.1:5000"}
	if err := n.writeRegistries(); err == nil {
		t.Error("a registry outside of its folder is accepted")
	}
}
