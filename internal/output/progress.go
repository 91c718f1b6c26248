package output

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Heartbeat is how long a build log stays silent at most.
const Heartbeat = 30 * time.Second

// Item is one line of progress. Key says which lines are the same over time, Text what it says now;
// Note changes all the time (a running clock) and is shown on a terminal only.
type Item struct {
	Key   string
	Style Style
	Mark  string // "✓", "✗", "…"
	Text  string
	Note  string
}

// Progress shows how something goes on: on a terminal one block that is redrawn, elsewhere a line
// for each change and a heartbeat. Its methods may be called from several goroutines.
type Progress struct {
	mu    sync.Mutex
	w     io.Writer
	paint Paint
	live  bool
	width int

	start time.Time
	now   func() time.Time
	last  time.Time         // when something was printed
	said  map[string]string // by key
	items []Item
	drawn int // lines of the block on the screen
}

// NewProgress shows progress on the talk stream.
func NewProgress(s *Streams, now func() time.Time) *Progress {
	t := now()
	return &Progress{w: s.Err, paint: s.ErrPaint(), live: s.Live, width: s.errWidth, now: now,
		start: t, last: t, said: map[string]string{}}
}

// Show says how things stand.
func (p *Progress) Show(items ...Item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.items = items
	if p.live {
		p.redraw()
		return
	}
	for _, it := range items {
		line := p.text(it)
		if p.said[it.Key] == line {
			continue
		}
		p.said[it.Key] = line
		p.last = p.now()
		fmt.Fprintln(p.w, p.paint.Text(it.Style, line))
	}
}

// Log adds a line that stays, above the block.
func (p *Progress) Log(style Style, format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	fmt.Fprintln(p.w, p.paint.Text(style, Clean(fmt.Sprintf(format, args...))))
	p.last = p.now()
	if p.live {
		p.redraw()
	}
}

// Tick is to be called about once a second: it moves the clocks of a block on, and writes the
// heartbeat where there is no block.
func (p *Progress) Tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if p.live {
		p.redraw()
		return
	}
	if now.Sub(p.last) < Heartbeat {
		return
	}
	p.last = now
	waiting := "still waiting"
	if n := len(p.items); n > 0 {
		waiting += ": " + p.text(p.items[n-1])
	}
	fmt.Fprintf(p.w, "%s (%s)\n", waiting, Age(now.Sub(p.start)))
}

// Close ends the block. With keep, what it said last stays on the screen.
func (p *Progress) Close(keep bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !keep {
		p.erase()
	}
	p.drawn = 0
	p.items = nil
}

func (p *Progress) text(it Item) string {
	if it.Mark == "" {
		return Clean(it.Text)
	}
	return it.Mark + " " + Clean(it.Text)
}

func (p *Progress) erase() {
	if p.drawn > 0 {
		fmt.Fprintf(p.w, "\x1b[%dA\x1b[J", p.drawn)
		p.drawn = 0
	}
}

func (p *Progress) redraw() {
	var b strings.Builder
	if p.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", p.drawn)
	}
	for _, it := range p.items {
		line := p.text(it)
		if it.Note != "" {
			line += "  " + Clean(it.Note)
		}
		// A wrapped line would be two on the screen, and the next redraw would leave one behind.
		b.WriteString(p.paint.Text(it.Style, Cut(line, p.width-1)))
		b.WriteString("\x1b[K\n")
	}
	b.WriteString("\x1b[J")
	io.WriteString(p.w, b.String()) //nolint:errcheck // talk: there is nobody left to tell
	p.drawn = len(p.items)
}
