package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
)

const serveVariable = "FAIRLEAD_TEST_WORKER"

// TestMain makes the test binary a worker when a test starts it as one.
func TestMain(m *testing.M) {
	if args := os.Getenv("FAIRLEAD_TEST_PROBE"); args != "" {
		printProbe(args)
		os.Exit(0)
	}
	if os.Getenv(serveVariable) != "" {
		if err := Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func testPool(t testing.TB, change func(*Options)) *Pool {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Command: []string{self}, Env: []string{serveVariable + "=1"},
		Limits: Limits{Timeout: time.Minute, Memory: 256 << 20, Output: 32 << 20},
		Max:    2, Idle: time.Minute,
	}
	if change != nil {
		change(&o)
	}
	p := NewPool(o)
	t.Cleanup(func() { p.Close() })
	return p
}

// chartOf writes a chart with one template and gives a request to render it.
func chartOf(t testing.TB, name, template string) helm.Request {
	t.Helper()
	dir := t.TempDir()
	write := func(file, text string) {
		file = filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("Chart.yaml", "apiVersion: v2\nname: "+name+"\nversion: 1.0.0\n")
	write("templates/x.yaml", template)
	return helm.Request{Dir: dir, Path: ".", Digest: dir, Name: "shop", Namespace: "dev"}
}

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {x: {{ .Values.x | default \"none\" | quote }}}\n"

func TestRender(t *testing.T) {
	p := testPool(t, nil)
	req := chartOf(t, "fine", configMap)
	for _, value := range []string{"one", "two"} {
		req.Values = []model.ValuesLayer{{YAML: []byte("x: " + value)}}
		r, err := p.Render(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Objects) != 1 || !strings.Contains(string(r.Objects[0].Body), value) || r.Chart == nil {
			t.Errorf("got %+v", r)
		}
	}
	if p.Alive() != 1 {
		t.Errorf("%d workers for one render after the other", p.Alive())
	}
}

func TestErrorsCross(t *testing.T) {
	p := testPool(t, nil)
	_, err := p.Render(t.Context(), chartOf(t, "broken", "kind: {{ .Values.a.b.c }}\n"))
	var e *model.Error
	if !errors.As(err, &e) || e.Reason != "TemplateError" || e.File != "templates/x.yaml" || e.Line != 1 || e.Kind != model.ErrInvalid {
		t.Errorf("got %#v", err)
	}
	req := chartOf(t, "needy", configMap)
	chart := "apiVersion: v2\nname: needy\nversion: 1.0.0\ndependencies: [{name: db, version: 1.x, repository: 'https://charts.example.com'}]\n"
	if err := os.WriteFile(filepath.Join(req.Dir, "Chart.yaml"), []byte(chart), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = p.Render(t.Context(), req)
	var need *helm.NeedDependencies
	if !errors.As(err, &need) || len(need.Missing) != 1 || need.Missing[0].Name != "db" {
		t.Errorf("got %#v", err)
	}
}

// TestRunaway breaks each limit and checks that others go on.
func TestRunaway(t *testing.T) {
	const growing = `{{ $s := "0123456789abcdef" }}{{ range until 40 }}{{ $s = print $s $s }}{{ end }}`
	tests := map[string]struct {
		template, reason string
		brief            bool
	}{
		"endless":   {`{{ range until 1000000 }}{{ range until 1000000 }}{{ $x := sha256sum (toString .) }}{{ end }}{{ end }}`, "RenderTimeout", false},
		"huge":      {`{{ repeat 2000000000 "x" }}`, "RenderMemory", false},
		"growing":   {growing, "RenderMemory", false},
		"brief":     {growing, "RenderMemory", true},
		"recursive": {`{{ define "r" }}{{ template "r" . }}{{ end }}{{ template "r" . }}`, "", false},
		"include":   {`{{ define "r" }}{{ include "r" . }}{{ end }}{{ include "r" . }}`, "", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := testPool(t, func(o *Options) {
				o.Limits.Memory, o.Brief = 96<<20, tt.brief
				if tt.reason == "RenderTimeout" {
					o.Limits.Timeout = 1500 * time.Millisecond
				}
			})
			fine := chartOf(t, "fine", configMap)
			var others sync.WaitGroup
			others.Go(func() {
				for range 5 {
					if _, err := p.Render(t.Context(), fine); err != nil {
						t.Errorf("another release: %v", err)
					}
				}
			})
			_, err := p.Render(t.Context(), chartOf(t, "bad", tt.template))
			others.Wait()
			if err == nil || model.KindOf(err) != model.ErrInvalid {
				t.Fatalf("got %v, want an Invalid error", err)
			}
			if got := model.ReasonOf(err, ""); tt.reason != "" && got != tt.reason {
				t.Errorf("got reason %q (%v), want %q", got, err, tt.reason)
			}
			t.Log(err)
			if _, err := p.Render(t.Context(), fine); err != nil {
				t.Errorf("after it: %v", err)
			}
		})
	}
}

func TestCancelled(t *testing.T) {
	p := testPool(t, nil)
	if _, err := p.Render(t.Context(), chartOf(t, "fine", configMap)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	endless := chartOf(t, "bad", `{{ range until 1000000 }}{{ range until 1000000 }}{{ end }}{{ end }}`)
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := p.Render(ctx, endless); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestIdleWorkersLeave(t *testing.T) {
	p := testPool(t, func(o *Options) { o.Idle = 10 * time.Millisecond })
	if _, err := p.Render(t.Context(), chartOf(t, "fine", configMap)); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for p.Alive() > 0 {
		if time.Now().After(deadline) {
			t.Fatal("the worker is still there")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestDeadWorkerIsReplaced(t *testing.T) {
	p := testPool(t, nil)
	fine := chartOf(t, "fine", configMap)
	if _, err := p.Render(t.Context(), fine); err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	w := p.idle[0]
	p.mu.Unlock()
	w.kill(nil)
	<-w.gone
	if _, err := p.Render(t.Context(), fine); err != nil {
		t.Error(err)
	}
	if p.Alive() != 1 {
		t.Errorf("%d workers", p.Alive())
	}
}

func BenchmarkRender(b *testing.B) {
	p := testPool(b, nil)
	req := chartOf(b, "fine", configMap)
	for b.Loop() {
		if _, err := p.Render(b.Context(), req); err != nil {
			b.Fatal(err)
		}
	}
}
