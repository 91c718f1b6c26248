package report

import (
	"bytes"
	"io"
	"sync"
)

// Defuser lets no line through that GitHub's runner takes for a command: "::" at a line's start,
// after blanks, and "##[" anywhere. A log line of a pod could be one. An invisible character between
// takes the meaning away.
//
// It may be used by several goroutines.
type Defuser struct {
	mu     sync.Mutex
	w      io.Writer
	blank  bool // nothing but blanks on this line so far
	colon  bool // then one colon
	hashes int  // "#" just before
}

// NewDefuser makes a writer before w.
func NewDefuser(w io.Writer) *Defuser { return &Defuser{w: w, blank: true} }

const invisible = "\u200b"

// Write is part of io.Writer.
func (d *Defuser) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make([]byte, 0, len(p)+8)
	for _, c := range p {
		switch {
		case c == ':' && d.colon, c == '[' && d.hashes >= 2:
			out = append(out, invisible...)
		}
		d.colon = c == ':' && d.blank
		switch c {
		case '\n', '\r':
			d.blank = true
		case ' ', '\t':
		default:
			d.blank = false
		}
		if c == '#' {
			d.hashes++
		} else {
			d.hashes = 0
		}
		out = append(out, c)
	}
	if _, err := d.w.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Defused is foreign text as it can stand at the start of a line of a build's log.
func Defused(s string) string {
	var b bytes.Buffer
	if _, err := NewDefuser(&b).Write([]byte(s)); err != nil {
		return "" // a buffer takes everything
	}
	return b.String()
}
