package output

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// Env is what the environment says about how to print.
type Env struct {
	NoColor    string // NO_COLOR: anything but empty turns colours off (no-color.org)
	ForceColor string // CLICOLOR_FORCE: anything but empty and "0" turns them on (bixense.com/clicolors)
	CI         string // CI: set by every common build service
	Term       string // TERM: "dumb" understands no escape sequences
	Columns    int    // COLUMNS: 0 is unknown
}

// InCI reports whether a build service runs this: nobody watches, and the log only grows.
func (e Env) InCI() bool { return e.CI != "" && e.CI != "false" && e.CI != "0" }

// Streams are the three streams of a command and what is known of where they end.
type Streams struct {
	In  io.Reader
	Out io.Writer // data
	Err io.Writer // talk; safe for use by several goroutines

	OutTerminal bool
	ErrTerminal bool
	Live        bool // Err can redraw a block: a terminal that is not a build log
	Width       int  // of the terminal Out is; 0 is unlimited: what is piped or kept is never cut

	errWidth int // the same for Err

	env   Env
	color string
}

// NewStreams describes the given files.
func NewStreams(in *os.File, out, errOut *os.File, env Env) *Streams {
	s := &Streams{In: in, Out: out, Err: &locked{w: errOut}, env: env, color: ColorAuto}
	s.OutTerminal = term.IsTerminal(int(out.Fd()))
	s.ErrTerminal = term.IsTerminal(int(errOut.Fd()))
	s.Live = s.ErrTerminal && !env.InCI() && env.Term != "dumb"
	s.Width, s.errWidth = width(out, env), width(errOut, env)
	return s
}

// width is the width of the terminal f, 0 when it is none. COLUMNS wins: someone set it on purpose.
func width(f *os.File, env Env) int {
	w, _, err := term.GetSize(int(f.Fd()))
	switch {
	case err != nil:
		return 0
	case env.Columns > 0:
		return env.Columns
	}
	return w
}

// NewBuffers are streams that end in w and e, which are no terminals.
func NewBuffers(w, e io.Writer, env Env) *Streams {
	return &Streams{Out: w, Err: &locked{w: e}, env: env, color: ColorAuto}
}

// SetColor says what the --color flag asked for.
func (s *Streams) SetColor(mode string) error {
	switch mode {
	case ColorAuto, ColorAlways, ColorNever:
		s.color = mode
		return nil
	}
	return fmt.Errorf("--color %q: want auto, always or never", mode)
}

// OutPaint colours data.
func (s *Streams) OutPaint() Paint { return Paint{on: useColor(s.color, s.env, s.OutTerminal)} }

// ErrPaint colours talk.
func (s *Streams) ErrPaint() Paint { return Paint{on: useColor(s.color, s.env, s.ErrTerminal)} }

// Say writes one line of talk.
func (s *Streams) Say(format string, args ...any) {
	fmt.Fprintln(s.Err, Clean(fmt.Sprintf(format, args...)))
}

// guard is a writer that changes what a build service would take for a command.
type guard interface{ Plain() io.Writer }

// Data is Out as it is, for what another program takes byte by byte: manifests, files, scripts. All
// else goes to Out, which may be guarded.
func (s *Streams) Data() io.Writer {
	if g, ok := s.Out.(guard); ok {
		return g.Plain()
	}
	return s.Out
}

// Line writes one line of data.
func (s *Streams) Line(text string) error {
	_, err := fmt.Fprintln(s.Out, Clean(text))
	return wrote(err)
}

// locked lets one write at a time through: progress, notes and warnings come from different
// goroutines.
type locked struct {
	mu sync.Mutex
	w  io.Writer
}

// Write is part of io.Writer.
func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
