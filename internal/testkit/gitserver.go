package testkit

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/fairlead-cd/fairlead/internal/git"
)

// GitOptions configure a GitServer. Only Root is required.
type GitOptions struct {
	Root     string // repositories are bare, at Root/<path>.git
	Username string // asked for when Password is set
	Password string
	// OnPush is called for each ref that a push moved, after the push was answered.
	OnPush func(GitPush)
	Log    *slog.Logger // default discards
}

// GitPush is one ref moved by a push.
type GitPush struct {
	Repository string // as in the URL, without ".git"
	Ref        string // "refs/heads/main"
	Old, New   string // commit IDs, zeros for none
}

// GitCounts is how often clients asked for what.
type GitCounts struct {
	LsRefs  int64 // lists of refs: one for each ls-remote, one for each fetch
	Fetches int64
	Pushes  int64
}

// GitServer serves the bare repositories below a folder over smart HTTP, to read and to write.
type GitServer struct {
	opts GitOptions
	git  *git.Git
	bin  string

	lsRefs, fetches, pushes atomic.Int64

	calls   sync.WaitGroup // OnPush under way
	offline atomic.Bool
}

// NewGitServer makes a server over opts.Root.
func NewGitServer(opts GitOptions) (*GitServer, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	root, err := filepath.Abs(opts.Root)
	if err != nil {
		return nil, fmt.Errorf("locating the repositories: %w", err)
	}
	opts.Root = root
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of repositories: %w", err)
	}
	bin, err := exec.LookPath("git")
	if err != nil {
		return nil, fmt.Errorf("finding the git binary: %w", err)
	}
	g, err := git.New(git.Options{Bin: bin, TempDir: filepath.Join(root, ".tmp")})
	if err != nil {
		return nil, err
	}
	return &GitServer{opts: opts, git: g, bin: bin}, nil
}

// Start serves on addr until stop is called. A repository's URL is url + "/" + its name.
func (s *GitServer) Start(addr string) (url string, stop func(), err error) {
	url, stopHTTP, err := listen(addr, s)
	if err != nil {
		return "", nil, err
	}
	return url, func() { stopHTTP(); s.calls.Wait() }, nil
}

// Create opens the repository of that name ("org/app"), and makes it when there is none.
func (s *GitServer) Create(ctx context.Context, name string) (*git.Repo, error) {
	dir, err := s.dir(name)
	if err != nil {
		return nil, err
	}
	return s.git.InitBare(ctx, dir)
}

// Counts says how often clients asked for what so far.
func (s *GitServer) Counts() GitCounts {
	return GitCounts{LsRefs: s.lsRefs.Load(), Fetches: s.fetches.Load(), Pushes: s.pushes.Load()}
}

// SetOffline makes the server answer every request with 503, or serve again.
func (s *GitServer) SetOffline(offline bool) { s.offline.Store(offline) }

func (s *GitServer) dir(name string) (string, error) {
	name = strings.Trim(strings.TrimSuffix(strings.Trim(name, "/"), ".git"), "/")
	if name == "" || !filepath.IsLocal(name) || strings.HasPrefix(name, ".") || strings.Contains(name, "/.") {
		return "", fmt.Errorf("repository name %q is not usable", name)
	}
	return filepath.Join(s.opts.Root, filepath.FromSlash(name)+".git"), nil
}

// ServeHTTP speaks git's smart HTTP protocol (gitprotocol-http(5)).
func (s *GitServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.offline.Load() {
		http.Error(w, "the server is switched off", http.StatusServiceUnavailable)
		return
	}
	if !s.allowed(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		http.Error(w, "a user name and password are needed", http.StatusUnauthorized)
		return
	}
	for suffix, serve := range map[string]func(http.ResponseWriter, *http.Request, string){
		"/info/refs":        s.serveRefs,
		"/git-upload-pack":  func(w http.ResponseWriter, r *http.Request, dir string) { s.serveRPC(w, r, dir, "upload-pack") },
		"/git-receive-pack": func(w http.ResponseWriter, r *http.Request, dir string) { s.serveRPC(w, r, dir, "receive-pack") },
	} {
		name, ok := strings.CutSuffix(r.URL.Path, suffix)
		if !ok {
			continue
		}
		dir, err := s.dir(name)
		if err == nil {
			_, err = os.Stat(filepath.Join(dir, "HEAD"))
		}
		if err != nil {
			http.Error(w, "repository not found", http.StatusNotFound)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		serve(w, r, dir)
		return
	}
	http.NotFound(w, r)
}

func (s *GitServer) allowed(r *http.Request) bool {
	if s.opts.Password == "" {
		return true
	}
	user, password, _ := r.BasicAuth()
	return subtle.ConstantTimeCompare([]byte(user), []byte(s.opts.Username))&
		subtle.ConstantTimeCompare([]byte(password), []byte(s.opts.Password)) == 1
}

func (s *GitServer) serveRefs(w http.ResponseWriter, r *http.Request, dir string) {
	service := r.URL.Query().Get("service")
	name, ok := strings.CutPrefix(service, "git-")
	if r.Method != http.MethodGet || !ok || (name != "upload-pack" && name != "receive-pack") {
		http.Error(w, "only the smart protocol is spoken here", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "application/x-"+service+"-advertisement")
	if name == "upload-pack" && !strings.Contains(r.Header.Get("Git-Protocol"), "version=2") {
		s.lsRefs.Add(1) // before version 2 the advertisement is the list
	}
	line := "# service=" + service + "\n"
	fmt.Fprintf(w, "%04x%s0000", len(line)+4, line)
	s.exec(w, r, nil, name, "--stateless-rpc", "--advertise-refs", dir)
}

func (s *GitServer) serveRPC(w http.ResponseWriter, r *http.Request, dir, name string) {
	if r.Method != http.MethodPost {
		http.Error(w, "only POST is understood here", http.StatusMethodNotAllowed)
		return
	}
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			http.Error(w, "the body is no gzip", http.StatusBadRequest)
			return
		}
		body = z
	}
	w.Header().Set("Content-Type", "application/x-git-"+name+"-result")
	if name == "upload-pack" {
		head := bufio.NewReader(body)
		start, _ := head.Peek(24)
		if bytes.Contains(start, []byte("command=ls-refs")) {
			s.lsRefs.Add(1)
		} else {
			s.fetches.Add(1)
		}
		s.exec(w, r, head, name, "--stateless-rpc", dir)
		return
	}
	s.pushes.Add(1)
	asked := &pushCommands{}
	s.exec(w, r, io.TeeReader(body, asked), name, "--stateless-rpc", dir)
	s.report(dir, asked.pushes())
}

// exec runs a git command between the request and the answer.
func (s *GitServer) exec(w http.ResponseWriter, r *http.Request, in io.Reader, args ...string) {
	cmd := exec.CommandContext(r.Context(), s.bin, args...)
	cmd.Stdin = in
	cmd.Stdout = w
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.Env = []string{
		"PATH=" + filepath.Dir(s.bin) + ":/usr/local/bin:/usr/bin:/bin", "HOME=" + s.opts.Root, "LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_COUNT=5",
		"GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
		"GIT_CONFIG_KEY_1=core.hooksPath", "GIT_CONFIG_VALUE_1=/dev/null",
		"GIT_CONFIG_KEY_2=receive.autogc", "GIT_CONFIG_VALUE_2=false",
		"GIT_CONFIG_KEY_3=uploadpack.allowAnySHA1InWant", "GIT_CONFIG_VALUE_3=true",
		"GIT_CONFIG_KEY_4=uploadpack.allowFilter", "GIT_CONFIG_VALUE_4=true",
		"GIT_PROTOCOL=" + strings.Map(printable, r.Header.Get("Git-Protocol")),
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Run(); err != nil && !errors.Is(r.Context().Err(), context.Canceled) {
		s.opts.Log.Warn("git failed", "command", args[0], "err", err, "stderr", stderr.String())
	}
}

func printable(r rune) rune {
	if r <= ' ' || r > '~' {
		return -1
	}
	return r
}

// report calls OnPush for those of the asked-for moves that happened, after the first push has
// decided on the default branch.
func (s *GitServer) report(dir string, asked []GitPush) {
	if len(asked) == 0 {
		return
	}
	repo, err := s.git.InitBare(context.Background(), dir)
	if err != nil {
		return
	}
	refs, err := repo.Refs(context.Background())
	if err != nil {
		s.opts.Log.Warn("reading refs after a push", "err", err)
		return
	}
	if err := repo.AdoptHead(refs); err != nil {
		s.opts.Log.Warn("choosing the default branch", "err", err)
	}
	if s.opts.OnPush == nil {
		return
	}
	name, _ := filepath.Rel(s.opts.Root, dir)
	for _, p := range asked {
		if now, ok := refs[p.Ref]; now != p.New && (ok || strings.Trim(p.New, "0") != "") {
			continue
		}
		p.Repository = strings.TrimSuffix(filepath.ToSlash(name), ".git")
		s.calls.Go(func() { s.opts.OnPush(p) })
	}
}

// pushCommands picks the ref updates from the beginning of a push as it passes by
// (gitprotocol-pack(5), "Reference Update Request").
type pushCommands struct {
	buf  []byte
	done bool
	all  []GitPush
}

func (c *pushCommands) Write(p []byte) (int, error) {
	if c.done {
		return len(p), nil
	}
	c.buf = append(c.buf, p...)
	for !c.done && len(c.buf) >= 4 {
		n, err := strconv.ParseUint(string(c.buf[:4]), 16, 32)
		if err != nil || n < 4 || len(c.all) > 10000 {
			c.done, c.buf = true, nil // the flush packet, or nothing that we understand
			break
		}
		if uint64(len(c.buf)) < n {
			break
		}
		line, _, _ := strings.Cut(string(c.buf[4:n]), "\x00")
		if f := strings.Fields(line); len(f) == 3 {
			c.all = append(c.all, GitPush{Old: f[0], New: f[1], Ref: f[2]})
		}
		c.buf = c.buf[n:]
	}
	return len(p), nil
}

func (c *pushCommands) pushes() []GitPush { return c.all }
