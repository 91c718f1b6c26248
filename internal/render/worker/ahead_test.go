package worker

import (
	"testing"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// A worker that was started ahead is the one that renders.
func TestPrepare(t *testing.T) {
	p := testPool(t, func(o *Options) { o.Brief = true })
	p.Prepare()
	p.Prepare()
	if err := p.prepared(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p.Alive() != 1 {
		t.Fatalf("%d workers were started, want 1", p.Alive())
	}
	for range 2 {
		if _, err := p.Render(t.Context(), chartOf(t, "fine", configMap)); err != nil {
			t.Fatal(err)
		}
	}
	if p.Alive() != 1 {
		t.Errorf("%d workers rendered, want 1", p.Alive())
	}
}

// A render that comes while the worker starts waits for it.
func TestPrepareAndRender(t *testing.T) {
	p := testPool(t, nil)
	p.Prepare()
	if _, err := p.Render(t.Context(), chartOf(t, "fine", configMap)); err != nil {
		t.Fatal(err)
	}
	if p.Alive() != 1 {
		t.Errorf("%d workers were started, want 1", p.Alive())
	}
}

func TestPrepareAndClose(t *testing.T) {
	p := testPool(t, nil)
	p.Prepare()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if p.Alive() != 0 {
		t.Errorf("%d workers are left", p.Alive())
	}
	p.Prepare()
	if p.Alive() != 0 {
		t.Errorf("%d workers were started after the end", p.Alive())
	}
}

// What keeps a worker from starting is an error of the render.
func TestPrepareInVain(t *testing.T) {
	p := testPool(t, func(o *Options) { o.Command = []string{t.TempDir() + "/absent"} })
	p.Prepare()
	_, err := p.Render(t.Context(), chartOf(t, "fine", configMap))
	if err == nil || model.KindOf(err) == model.ErrInvalid {
		t.Errorf("got %v, want an error that does not blame the chart", err)
	}
}
