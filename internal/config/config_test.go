package config

import (
	"strings"
	"testing"
	"time"
)

func TestParseDefaults(t *testing.T) {
	c, err := Parse([]byte("roots: [{name: fleet, url: https://git.example.com/fleet}]\ncredentials: [{prefix: https://git, secret: git}]"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Namespace != DefaultNamespace || c.Listen != DefaultListen || c.Interval.Duration != DefaultInterval || c.Parallel != DefaultParallel || c.Workers != DefaultWorkers {
		t.Errorf("defaults are missing: %+v", c)
	}
	if len(c.Roots[0].Paths) != 1 || c.Roots[0].Paths[0] != "." {
		t.Errorf("a root without paths reads %q", c.Roots[0].Paths)
	}
	if c.Sources[0].Namespace != DefaultNamespace {
		t.Errorf("a credential without namespace is looked for in %q", c.Sources[0].Namespace)
	}
	if c, err = Parse([]byte("interval: 30s")); err != nil || c.Interval.Duration != 30*time.Second {
		t.Errorf("interval is %s, error %v", c.Interval.Duration, err)
	}
}

func TestParseErrors(t *testing.T) {
	root := func(more string) string {
		return "roots: [{name: fleet, url: https://git.example.com/fleet" + more + "}]"
	}
	for _, c := range []struct{ name, text, says string }{
		{"no YAML", "roots: [", "yaml"},
		{"unknown field", "intervall: 1m", "intervall"},
		{"field twice", "listen: :1\nlisten: :2", "listen"},
		{"wrong type", "parallel: many", "parallel"},
		{"address without port", "listen: localhost", "listen"},
		{"interval too short", "interval: 10ms", "interval"},
		{"no room", "parallel: -1", "parallel"},
		{"root without url", "roots: [{name: fleet}]", "roots[0]"},
		{"root whose name is none", "roots: [{name: My Fleet, url: u}]", "roots[0].name"},
		{"two roots of one name", "roots: [{name: a, url: u}, {name: a, url: v}]", `two roots named "a"`},
		{"interval of a root", root(", interval: 5m"), "roots[0].interval"},
		{"path up", root(", paths: [a/../../b]"), "roots[0].paths"},
		{"absolute path", root(", paths: [/etc]"), "roots[0].paths"},
		{"half a rewrite", "rewrites: [{from: a}]", "rewrites[0]"},
		{"credential without Secret", "credentials: [{prefix: https://git}]", "credentials[0]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse([]byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want it to name %q", err, c.says)
			}
		})
	}
	if _, err := Parse([]byte(root(", paths: [..data, a/b]"))); err != nil {
		t.Errorf("a name that begins with dots is refused: %v", err)
	}
}
