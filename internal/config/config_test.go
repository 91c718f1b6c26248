package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestParseFillsDefaults(t *testing.T) {
	got, err := Parse([]byte(`
namespace: system
roots: [{name: fleet, url: "https://git.example.com/fleet"}]
credentials: [{prefix: "https://git.example.com/", secret: git}]
`))
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Namespace: "system", Listen: DefaultListen, Interval: metav1.Duration{Duration: time.Minute},
		Parallel: DefaultParallel, Workers: DefaultWorkers,
		Roots:   []Root{{Name: "fleet", URL: "https://git.example.com/fleet", Paths: []string{"."}}},
		Sources: []Source{{Prefix: "https://git.example.com/", Secret: "git", Namespace: "system"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"an unknown field":         {"intervall: 1m", `unknown field "intervall"`},
		"a wrong type":             {"parallel: many", "parallel"},
		"an address without port":  {"listen: localhost", "listen: "},
		"a tiny interval":          {"interval: 10ms", "interval: 10ms is less than a second"},
		"no workers":               {"workers: -1", "parallel, workers: "},
		"a root without URL":       {"roots: [{name: a}]", "roots[0]: name and url are needed"},
		"two roots of one name":    {"roots: [{name: a, url: u}, {name: a, url: v}]", `two roots named "a"`},
		"an interval of its own":   {"roots: [{name: a, url: u, interval: 5m}]", "roots[0].interval: "},
		"a path that leads out":    {"roots: [{name: a, url: u, paths: [x/../../y]}]", `"x/../../y" leaves the repository`},
		"an absolute path":         {"roots: [{name: a, url: u, paths: [/etc]}]", `"/etc" leaves the repository`},
		"half a rewrite":           {"rewrites: [{from: a}]", "rewrites[0]: from and to are needed"},
		"a credential for nothing": {"credentials: [{secret: s}]", "credentials[0]: prefix and secret are needed"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse([]byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "controller.yaml")
	if _, err := Load(file); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), file) {
		t.Errorf("a missing file gives %v", err)
	}
	if err := os.WriteFile(file, []byte("listen: x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(file); err == nil || !strings.Contains(err.Error(), file+": listen") {
		t.Errorf("a wrong file gives %v", err)
	}
}
