package open

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render"
	"github.com/fairlead-cd/fairlead/internal/source/artifact"
)

// Options configure Charts.
type Options struct {
	TempDir string // where a folder of its own is made; empty is the system's
	// Worker is the command that renders, this binary executed again; empty renders in this process,
	// which is for tests.
	Worker []string
	Proxy  func(*http.Request) (*url.URL, error)
	// Credential finds what the machine knows of a registry, when an Ask says nothing. It may be nil,
	// and may find nothing.
	Credential func(ctx context.Context, host string) (*model.Auth, error)
	Limits     render.Limits
}

// Charts opens charts and renders them, for one command. It is safe for concurrent use.
type Charts struct {
	o Options

	mu       sync.Mutex
	dir      string // made when it is needed
	made     int
	renderer *render.Renderer
}

// New makes Charts. Close removes what it made.
func New(o Options) *Charts { return &Charts{o: o} }

// Close ends the worker and removes all artifacts.
func (c *Charts) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.renderer != nil {
		_ = c.renderer.Close()
		c.renderer = nil
	}
	if c.dir == "" {
		return nil
	}
	err := os.RemoveAll(c.dir)
	c.dir = ""
	return err
}

// Bounds on what is read from elsewhere.
const (
	maxArchive = 64 << 20
	maxIndex   = 64 << 20
	maxFiles   = 50_000
	maxBytes   = 256 << 20
	timeout    = 2 * time.Minute
)

var unpacked = artifact.Bounds{Files: maxFiles, Bytes: maxBytes}

// folder makes an empty folder for an artifact.
func (c *Charts) folder() (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.make(); err != nil {
		return "", err
	}
	c.made++
	dir := filepath.Join(c.dir, strconv.Itoa(c.made))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", fmt.Errorf("making a folder for a chart: %w", err)
	}
	return dir, nil
}

// make makes the folder that all others are in. The lock is held.
func (c *Charts) make() error {
	if c.dir != "" {
		return nil
	}
	dir, err := os.MkdirTemp(c.o.TempDir, "fairlead-charts-")
	if err == nil {
		c.dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return fmt.Errorf("making a folder for charts: %w", err)
	}
	return nil
}

// Open finds the chart and puts it on disk. Dir of the artifact exists until Close.
func (c *Charts) Open(ctx context.Context, ask Ask) (model.Artifact, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if !ask.Remote() {
		return c.openLocal(ctx, ask)
	}
	ref, err := ask.ref()
	if err != nil {
		return model.Artifact{}, err
	}
	found, done, err := c.find(ctx, ref, ask.PlainHTTP)
	if err != nil {
		return model.Artifact{}, err
	}
	defer done()
	return c.fill(ctx, found)
}

// Archive downloads a remote chart's archive as it was published, and says which version it is.
func (c *Charts) Archive(ctx context.Context, ask Ask) ([]byte, model.Revision, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ref, err := ask.ref()
	if err != nil {
		return nil, model.Revision{}, err
	}
	found, done, err := c.find(ctx, ref, ask.PlainHTTP)
	if err != nil {
		return nil, model.Revision{}, err
	}
	defer done()
	data, err := found.Archive(ctx)
	return data, found.Artifact.Revision, err
}

func (c *Charts) fill(ctx context.Context, found artifact.Found) (model.Artifact, error) {
	dir, err := c.folder()
	if err != nil {
		return model.Artifact{}, err
	}
	if _, err := found.Fill(ctx, dir); err != nil {
		return model.Artifact{}, err
	}
	a := found.Artifact
	a.Dir = dir
	return a, nil
}
