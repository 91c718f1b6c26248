package git

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Options configure the adapter. Only TempDir is required.
type Options struct {
	Bin        string                                // the git binary; default is "git" in the PATH
	TempDir    string                                // credentials lie here, in private folders, while a command runs
	Env        []string                              // added to every command's environment: proxy settings
	KnownHosts []byte                                // SSH host keys for credentials without any
	FetchBytes int64                                 // largest pack accepted; default 1 GiB
	Timeout    time.Duration                         // of one command that talks to a remote; default 60 s
	Proxy      func(*http.Request) (*url.URL, error) // the proxy of Env, for what does not go through the binary
}

// Git runs the git binary. It is safe for concurrent use.
type Git struct {
	opts Options
	path string // PATH of the commands
}

// New finds the binary and checks the options.
func New(opts Options) (*Git, error) {
	if opts.Bin == "" {
		opts.Bin = "git"
	}
	bin, err := exec.LookPath(opts.Bin)
	if err != nil {
		return nil, fmt.Errorf("finding the git binary: %w", err)
	}
	if bin, err = filepath.Abs(bin); err != nil {
		return nil, fmt.Errorf("finding the git binary: %w", err)
	}
	opts.Bin = bin
	if opts.FetchBytes <= 0 {
		opts.FetchBytes = 1 << 30
	}
	if opts.Timeout <= 0 {
		opts.Timeout = time.Minute
	}
	if opts.TempDir, err = filepath.Abs(opts.TempDir); err != nil {
		return nil, fmt.Errorf("locating the folder for credentials: %w", err)
	}
	if err := os.MkdirAll(opts.TempDir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder for credentials: %w", err)
	}
	path := filepath.Dir(bin) + ":/usr/local/bin:/usr/bin:/bin"
	return &Git{opts: opts, path: path}, nil
}
