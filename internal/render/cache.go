package render

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/recent"
)

// cache keeps rendered results on disk, the ones used last, up to a number of bytes. Memory holds
// their names and sizes only. What it cannot read or write it does without: it is a cache.
//
// Results can hold Secrets: files are for this user alone.
type cache struct {
	dir   string
	limit int64

	files recent.Cache[string, struct{}]

	mu     sync.Mutex
	loaded bool
}

const (
	defaultCacheBytes = 256 << 20
	// maxCached is the largest result that is kept: one may not push out all others.
	maxCached = 32 << 20
	// cacheMagic changes with the encoding of what is kept, and where what was kept may be wrong:
	// before 2, it was rendered without answers to what charts look up.
	cacheMagic = "fairlead-rendered-2\n"
	partSuffix = ".part"
)

// newCache keeps results in dir; nil when dir is empty.
func newCache(dir string, limit int64) *cache {
	if dir == "" {
		return nil
	}
	return &cache{dir: filepath.Join(dir, "renders"), limit: cmp.Or(limit, defaultCacheBytes)}
}

// get is the result kept under key.
func (c *cache) get(key string) (model.Rendered, bool) {
	if c == nil || c.load() != nil {
		return model.Rendered{}, false
	}
	if _, ok := c.files.Get(key); !ok {
		return model.Rendered{}, false
	}
	r, err := readRendered(filepath.Join(c.dir, key))
	if err != nil {
		c.files.Remove(key)
		c.remove(key)
		return model.Rendered{}, false
	}
	return r, true
}

// put keeps a result. The error is for the log.
func (c *cache) put(key string, r model.Rendered) error {
	if c == nil {
		return nil
	}
	text, err := encodeRendered(r)
	if err != nil || len(text) > maxCached {
		return err
	}
	if err := c.load(); err != nil {
		return err
	}
	if err := writeAtomic(c.dir, key, text); err != nil {
		return fmt.Errorf("keeping rendered result: %w", err)
	}
	c.keep(key, int64(len(text)))
	return nil
}

// keep notes a file, and removes those that have no room any more.
func (c *cache) keep(key string, size int64) {
	for _, old := range c.files.Put(key, struct{}{}, size, c.limit) {
		c.remove(old)
	}
}

func (c *cache) remove(key string) {
	_ = os.Remove(filepath.Join(c.dir, key)) // it may be gone already
}

// load finds what an earlier process left, the first time.
func (c *cache) load() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.loaded {
		return nil
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return fmt.Errorf("opening render cache: %w", err)
	}
	if err := os.Chmod(c.dir, 0o700); err != nil {
		return fmt.Errorf("opening render cache: %w", err)
	}
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return fmt.Errorf("opening render cache: %w", err)
	}
	c.loaded = true
	var infos []fs.FileInfo
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if strings.HasSuffix(e.Name(), partSuffix) {
			_ = os.Remove(filepath.Join(c.dir, e.Name())) // a process died while it wrote
			continue
		}
		infos = append(infos, info)
	}
	slices.SortFunc(infos, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, info := range infos {
		c.keep(info.Name(), info.Size())
	}
	return nil
}

func encodeRendered(r model.Rendered) ([]byte, error) {
	var body bytes.Buffer
	if err := gob.NewEncoder(&body).Encode(&r); err != nil {
		return nil, fmt.Errorf("encoding rendered result: %w", err)
	}
	sum := sha256.Sum256(body.Bytes())
	return slices.Concat([]byte(cacheMagic), sum[:], body.Bytes()), nil
}

var errNotKept = errors.New("not a kept result")

func readRendered(file string) (model.Rendered, error) {
	f, err := os.Open(file)
	if err != nil {
		return model.Rendered{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxCached+1))
	if err != nil {
		return model.Rendered{}, err
	}
	head := len(cacheMagic) + sha256.Size
	if len(text) < head || string(text[:len(cacheMagic)]) != cacheMagic {
		return model.Rendered{}, errNotKept
	}
	if sum := sha256.Sum256(text[head:]); !bytes.Equal(sum[:], text[len(cacheMagic):head]) {
		return model.Rendered{}, errNotKept
	}
	var r model.Rendered
	err = gob.NewDecoder(bytes.NewReader(text[head:])).Decode(&r)
	return r, err
}

func writeAtomic(dir, name string, text []byte) error {
	f, err := os.CreateTemp(dir, fmt.Sprintf("%d-*%s", time.Now().UnixNano(), partSuffix)) // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
