package get

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/internal/cli/clitest"
	"github.com/fairlead-cd/fairlead/internal/cli/releases"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// options runs the command line and gives what it would do.
func options(t *testing.T, namespace string, args ...string) (*Options, error) {
	t.Helper()
	f := clitest.Keep().Factory()
	f.Global.Namespace = namespace
	var got *Options
	cmd := NewCmdGet(f, func(_ context.Context, o *Options) error { got = o; return nil })
	cmd.SetArgs(args)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	return got, cmd.ExecuteContext(t.Context())
}

func TestFlags(t *testing.T) {
	o, err := options(t, "dev", "web", "-w", "-o", "wide")
	if err != nil {
		t.Fatal(err)
	}
	if !o.Watch || !o.Format.Is(output.FormatWide) || o.Name == nil || o.Namespace != "dev" {
		t.Errorf("got %+v", o)
	}
	if o, err = options(t, "dev", "-A"); err != nil || o.Namespace != "" || o.Name != nil {
		t.Errorf("-A: %+v, %v", o, err)
	}
	for _, args := range [][]string{{"a", "b"}, {"-o", "xml"}, {"/"}} {
		if _, err := options(t, "", args...); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
}

var views = []releases.View{
	{Kind: model.KindApplication, Namespace: "argocd", Name: "shop", Environment: "prod", TargetNamespace: "prod", Release: "shop",
		Revision: 2, Version: "9f3c1ab", Status: releases.Held, Age: "3d", Message: "held at revision 2", Source: "https://git.example.com/fleet apps/shop"},
	{Kind: model.KindHelmRelease, Namespace: "dev", Name: "web", Environment: "dev", TargetNamespace: "dev", Release: "dev-web",
		Revision: 41, Version: "1.2.3", Status: releases.Failed, Age: "5m", Message: "Deployment/web: image not found\x1b[2J", ObservedAt: clitest.Now},
	{Kind: model.KindRoot, Name: "fleet", Status: releases.Unknown, Age: "0s"},
}

func TestPrint(t *testing.T) {
	for _, format := range formats {
		t.Run(format, func(t *testing.T) {
			k := clitest.Keep()
			f, err := output.ParseFormat(format, formats...)
			if err != nil {
				t.Fatal(err)
			}
			o := &Options{IO: k.Streams, Format: f}
			if err := o.print(views); err != nil {
				t.Fatal(err)
			}
			clitest.Golden(t, format+".txt", k.Out.String())
		})
	}
}

func TestNothing(t *testing.T) {
	k := clitest.Keep()
	o := &Options{IO: k.Streams, Namespace: "dev"}
	if err := o.print(nil); err != nil {
		t.Fatal(err)
	}
	if k.Out.Len() > 0 || k.Err.String() != "no releases in namespace dev\n" {
		t.Errorf("stdout %q, stderr %q", k.Out.String(), k.Err.String())
	}
}

func TestChanges(t *testing.T) {
	known := map[model.ReleaseID]releases.View{}
	web := releases.View{Kind: model.KindHelmRelease, Namespace: "dev", Name: "web", Status: releases.Progressing, Age: "1s"}
	older, healthy := web, web
	older.Age, older.Handled = "2s", "7"
	healthy.Status = releases.Healthy
	var got []string
	for _, step := range [][]releases.View{{web}, {older}, {healthy}, {}} {
		words := []string{}
		for _, e := range changes(known, step) {
			words = append(words, e.Type+" "+string(e.Release.Status))
		}
		got = append(got, strings.Join(words, ","))
	}
	want := []string{"ADDED Progressing", "", "MODIFIED Healthy", "DELETED Healthy"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEventsAreLinesOfJSON(t *testing.T) {
	k := clitest.Keep()
	f, err := output.ParseFormat("json", formats...)
	if err != nil {
		t.Fatal(err)
	}
	o := &Options{IO: k.Streams, Format: f}
	if err := o.printEvents(o.table(), changes(map[model.ReleaseID]releases.View{}, views)); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimRight(k.Out.String(), "\n"), "\n")
	if len(lines) != len(views) {
		t.Fatalf("%d lines for %d events", len(lines), len(views))
	}
	for _, l := range lines {
		var e struct{ APIVersion, Kind, Type string }
		if err := json.Unmarshal([]byte(l), &e); err != nil || e.APIVersion == "" || e.Kind != "ReleaseEvent" || e.Type != added {
			t.Errorf("%v in %s", err, l)
		}
	}
}
