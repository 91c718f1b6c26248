package apply

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/clitest"
	"github.com/fairlead-cd/fairlead/internal/model"
)

func TestNamed(t *testing.T) {
	for file, want := range map[string]string{
		"/a/k8s": "k8s", "/a/k8s/": "k8s", "/a/My_App": "my-app", "/a/pod.yaml": "pod", "/a/x.y.json": "x.y", "-": "", "/": "",
	} {
		if got := named([]string{file}); got != want {
			t.Errorf("%s: got %q, want %q", file, got, want)
		}
	}
	if got := named([]string{"/a", "/b"}); got != "" {
		t.Errorf("two folders are called %q", got)
	}
}

func TestFlags(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		want model.Release // of which Name, TopLevel and Policy are compared
		code int
	}{
		"a folder":    {[]string{"-f", "/a/k8s"}, model.Release{Name: "k8s", TopLevel: true, Policy: model.Policy{Automated: true}}, 0},
		"all of it":   {[]string{"-f", "/a", "-f", "/b", "--name", "x", "-R", "--prune"}, model.Release{Name: "x", Policy: model.Policy{Automated: true, Prune: true}}, 0},
		"no name":     {[]string{"-f", "-"}, model.Release{}, cli.ExitError},
		"nothing":     {nil, model.Release{}, cli.ExitError},
		"wrong name":  {[]string{"-f", "/a", "--name", "A_B"}, model.Release{}, cli.ExitError},
		"an argument": {[]string{"/a"}, model.Release{}, cli.ExitError},
	} {
		k := clitest.Keep()
		f := &cli.Factory{IO: k.Streams, Global: cli.Global{Namespace: "dev"}}
		var got model.Release
		cmd := NewCmdApply(f, nil, func(_ context.Context, o *Options) error {
			got = model.Release{Name: o.Request.Release.Name, TopLevel: o.Request.Release.TopLevel, Policy: o.Request.Release.Policy}
			if o.Request.Release.Namespace != "dev" {
				t.Errorf("%s: namespace %q", name, o.Request.Release.Namespace)
			}
			return nil
		})
		cmd.SetArgs(tt.args)
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		if code := cli.ExitCode(cmd.Execute()); code != tt.code {
			t.Errorf("%s: exit code %d, want %d", name, code, tt.code)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
