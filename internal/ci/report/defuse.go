package report

import (
	"bytes"
	"io"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Defuser lets no line through that GitHub's runner takes for a command: "::" at a line's start,
// after blanks of any script, and "##[" anywhere
// (https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs). A log line of a pod could be one. An invisible character between
// takes the meaning away.
//
// It may be used by several goroutines.
type Defuser struct {
	mu     sync.Mutex
	w      io.Writer
	blank  bool   // nothing but blanks on this line so far
	part   []byte // of a character on such a line: it may come in pieces
	colon  bool   // then one colon
	hashes int    // "#" just before
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
		d.colon = c == ':' && d.blank && len(d.part) == 0
		d.look(c)
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

// look keeps track of whether there is only blank on the line up to c.
func (d *Defuser) look(c byte) {
	switch {
	case c == '\n', c == '\r':
		d.blank, d.part = true, d.part[:0]
	case !d.blank:
	case c < utf8.RuneSelf:
		d.blank, d.part = len(d.part) == 0 && unicode.IsSpace(rune(c)), d.part[:0]
	default:
		d.part = append(d.part, c)
		if !utf8.FullRune(d.part) {
			return
		}
		// A byte order mark is dropped where a stream begins with it.
		r, _ := utf8.DecodeRune(d.part)
		d.blank, d.part = unicode.IsSpace(r) || r == '\ufeff', d.part[:0]
	}
}

// Plain is the writer behind: for a document whose own escapes keep commands out of it, and for what
// another program reads byte by byte.
func (d *Defuser) Plain() io.Writer { return d.w }

// Defused is foreign text as it can stand at the start of a line of a build's log.
func Defused(s string) string {
	var b bytes.Buffer
	if _, err := NewDefuser(&b).Write([]byte(s)); err != nil {
		return "" // a buffer takes everything
	}
	return b.String()
}
