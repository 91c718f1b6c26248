package output

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// clock is a clock that a test moves.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func (c *clock) pass(d time.Duration) { c.t = c.t.Add(d) }

func TestProgressInBuildLog(t *testing.T) {
	var b strings.Builder
	c := &clock{t: time.Unix(0, 0)}
	p := NewProgress(NewBuffers(nil, &b, Env{CI: "true"}), c.now)
	release := Item{Key: "release", Mark: "…", Text: "dev/web  Progressing", Note: "1s"}
	p.Show(release)
	release.Note = "2s" // a clock alone is no news
	p.Show(release)
	for range 31 {
		c.pass(time.Second)
		p.Tick()
	}
	p.Log(Plain, "note: %s", "trying again")
	release.Mark, release.Text = "✓", "dev/web  Healthy"
	p.Show(release)
	p.Close(true)
	want := `… dev/web  Progressing
still waiting: … dev/web  Progressing (30s)
note: trying again
✓ dev/web  Healthy
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestProgressOnTerminal(t *testing.T) {
	var b strings.Builder
	c := &clock{t: time.Unix(0, 0)}
	s := NewBuffers(nil, &b, Env{})
	s.Live, s.ErrTerminal, s.errWidth = true, true, 20
	if err := s.SetColor(ColorNever); err != nil {
		t.Fatal(err)
	}
	p := NewProgress(s, c.now)
	p.Show(Item{Key: "a", Text: "one"}, Item{Key: "b", Text: "a line that is too long for it", Note: "3s"})
	p.Log(Plain, "stays")
	p.Show(Item{Key: "a", Text: "done"})
	p.Close(true)
	want := "one\x1b[K\na line that is too…\x1b[K\n\x1b[J" + // the block
		"\x1b[2A\x1b[Jstays\n" + // taken away for the line that stays
		"one\x1b[K\na line that is too…\x1b[K\n\x1b[J" +
		"\x1b[2Adone\x1b[K\n\x1b[J" // redrawn, the rest erased
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestProgressCloseTakesTheBlockAway(t *testing.T) {
	var b strings.Builder
	s := NewBuffers(nil, &b, Env{})
	s.Live = true
	p := NewProgress(s, time.Now)
	p.Show(Item{Key: "a", Text: "one"})
	p.Close(false)
	if !strings.HasSuffix(b.String(), "\x1b[1A\x1b[J") {
		t.Errorf("the block is still there: %q", b.String())
	}
}
