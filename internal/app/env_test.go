package app

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKubeconfigFiles(t *testing.T) {
	for name, tt := range map[string]struct {
		env  map[string]string
		want []string
	}{
		"KUBECONFIG wins":           {map[string]string{"KUBECONFIG": "/a:/b", "HOME": "/home/u"}, []string{"/a", "/b"}},
		"the local cluster is next": {map[string]string{"HOME": "/home/u"}, []string{"/home/u/.fairlead/kubeconfig", "/home/u/.kube/config"}},
		"wherever it is kept":       {map[string]string{"HOME": "/home/u", "FAIRLEAD_HOME": "/var/f"}, []string{"/var/f/kubeconfig", "/home/u/.kube/config"}},
		"no home":                   {nil, nil},
	} {
		got := readEnv(func(key string) string { return tt.env[key] }).kubeconfigFiles()
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestReadEnv(t *testing.T) {
	e := readEnv(func(key string) string {
		return map[string]string{"COLUMNS": "132", "NO_COLOR": "1", "CI": "true"}[key]
	})
	if e.Output.Columns != 132 || e.Output.NoColor != "1" || !e.Output.InCI() {
		t.Errorf("got %+v", e.Output)
	}
	for _, wrong := range []string{"", "-1", "wide"} {
		if e := readEnv(func(string) string { return wrong }); e.Output.Columns != 0 {
			t.Errorf("COLUMNS=%q is %d", wrong, e.Output.Columns)
		}
	}
}
