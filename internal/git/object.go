package git

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Object is one object of a repository.
type Object struct {
	ID   string
	Type string // "commit", "tree", "blob" or "tag"
	Data []byte
}

// ErrMissing is in the error of an object that the repository does not have.
var ErrMissing = errors.New("missing object")

// maxObject bounds what is read into memory at once.
const maxObject = 256 << 20

// reader is a running "git cat-file --batch": an object costs no process.
type reader struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	cancel context.CancelFunc
	idle   *time.Timer
}

const readerIdle = 30 * time.Second

// Object reads an object by ID or revision expression without spaces ("refs/x^{commit}").
func (r *Repo) Object(ctx context.Context, spec string) (Object, error) {
	if err := ctx.Err(); err != nil {
		return Object{}, err
	}
	if spec == "" || strings.ContainsAny(spec, " \n\x00") {
		return Object{}, fmt.Errorf("reading object %q: no valid name", spec)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reader == nil {
		if err := r.start(); err != nil {
			return Object{}, fmt.Errorf("reading objects: %w", err)
		}
	}
	r.reader.idle.Reset(readerIdle)
	obj, err := r.reader.read(spec)
	if err != nil && !errors.Is(err, ErrMissing) {
		r.stop() // out of step with its answers
	}
	if err != nil {
		return Object{}, fmt.Errorf("reading object %s: %w", spec, err)
	}
	return obj, nil
}

// start is called with mu held.
func (r *Repo) start() error {
	ctx, cancel := context.WithCancel(context.Background())
	cmd := r.git.cmd(ctx, command{dir: r.Dir, args: []string{"cat-file", "--batch"}})
	in, err := cmd.StdinPipe()
	if err != nil {
		cancel()
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		cancel()
		return err
	}
	if err := cmd.Start(); err != nil {
		cancel()
		return err
	}
	rd := &reader{cmd: cmd, in: in, out: bufio.NewReaderSize(out, 64<<10), cancel: cancel}
	rd.idle = time.AfterFunc(readerIdle, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.reader == rd {
			r.stop()
		}
	})
	r.reader = rd
	return nil
}

// stop is called with mu held.
func (r *Repo) stop() {
	rd := r.reader
	if rd == nil {
		return
	}
	r.reader = nil
	rd.idle.Stop()
	_ = rd.in.Close()
	rd.cancel()
	_ = rd.cmd.Wait()
}

func (rd *reader) read(spec string) (Object, error) {
	if _, err := io.WriteString(rd.in, spec+"\n"); err != nil {
		return Object{}, err
	}
	header, err := rd.out.ReadString('\n')
	if err != nil {
		return Object{}, err
	}
	header = strings.TrimSuffix(header, "\n")
	if strings.HasSuffix(header, " missing") {
		return Object{}, ErrMissing
	}
	f := strings.Fields(header)
	if len(f) != 3 {
		return Object{}, fmt.Errorf("git answered %q", header)
	}
	size, err := strconv.ParseInt(f[2], 10, 64)
	if err != nil {
		return Object{}, fmt.Errorf("git answered %q", header)
	}
	if size > maxObject {
		return Object{}, fmt.Errorf("it has %d bytes, more than the %d allowed", size, int64(maxObject))
	}
	data := make([]byte, size+1) // a line feed follows the content
	if _, err := io.ReadFull(rd.out, data); err != nil {
		return Object{}, err
	}
	return Object{ID: f[0], Type: f[1], Data: data[:size]}, nil
}

// Mode is the kind of a tree's entry, in git's octal.
type Mode string

// The modes of git's tree entries.
const (
	ModeFile      Mode = "100644"
	ModeExec      Mode = "100755"
	ModeLink      Mode = "120000"
	ModeDir       Mode = "40000"
	ModeSubmodule Mode = "160000"
)

// Entry is one line of a tree.
type Entry struct {
	Mode Mode
	Name string
	ID   string
}

// ParseTree reads the content of a tree object. Names that could lead elsewhere when written to
// disk are refused: such a tree was made by hand.
func ParseTree(data []byte, idBytes int) ([]Entry, error) {
	var entries []Entry
	err := EachEntry(data, idBytes, func(mode Mode, name, id []byte) {
		entries = append(entries, Entry{Mode: mode, Name: string(name), ID: hex.EncodeToString(id)})
	})
	if err != nil {
		return nil, err
	}
	return entries, nil
}

// EachEntry is ParseTree for one who keeps no more of an entry than they need.
func EachEntry(data []byte, idBytes int, visit func(mode Mode, name, id []byte)) error {
	for len(data) > 0 {
		sp, nul := bytes.IndexByte(data, ' '), bytes.IndexByte(data, 0)
		if sp < 0 || nul < sp || len(data) < nul+1+idBytes {
			return errors.New("malformed tree object")
		}
		name := data[sp+1 : nul]
		mode, ok := modeOf(data[:sp])
		if !ok {
			return fmt.Errorf("tree entry %q has unknown mode %s", name, data[:sp])
		}
		if len(name) == 0 || string(name) == "." || string(name) == ".." || bytes.EqualFold(name, []byte(".git")) || bytes.IndexByte(name, '/') >= 0 {
			return fmt.Errorf("tree entry %q has an unsafe name", name)
		}
		visit(mode, name, data[nul+1:nul+1+idBytes])
		data = data[nul+1+idBytes:]
	}
	return nil
}

func modeOf(text []byte) (Mode, bool) {
	for _, m := range []Mode{ModeFile, ModeDir, ModeExec, ModeLink, ModeSubmodule} {
		if string(text) == string(m) {
			return m, true
		}
	}
	// Old versions of git wrote these.
	return ModeFile, string(text) == "100664" || string(text) == "100600"
}
