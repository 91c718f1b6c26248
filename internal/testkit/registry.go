package testkit

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Registry is an OCI registry. Given a folder, it keeps images there and has them again when it
// is started anew; without one it keeps them in memory.
type Registry struct {
	inner    http.Handler
	dir      string
	requests atomic.Int64
}

// NewRegistry makes a registry over dir, which may be empty.
func NewRegistry(dir string) (*Registry, error) {
	opts := []registry.Option{registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true)}
	if dir == "" {
		return &Registry{inner: registry.New(opts...)}, nil
	}
	for _, sub := range []string{"blobs/sha256", "manifests"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, fmt.Errorf("making the registry's folder: %w", err)
		}
	}
	opts = append(opts, registry.WithBlobHandler(blobs{filepath.Join(dir, "blobs")}))
	r := &Registry{inner: registry.New(opts...), dir: dir}
	if err := r.restore(); err != nil {
		return nil, err
	}
	return r, nil
}

// Requests is how many were answered so far.
func (r *Registry) Requests() int64 { return r.requests.Load() }

// Start serves on addr until stop is called.
func (r *Registry) Start(addr string) (url string, stop func(), err error) { return listen(addr, r) }

// maxManifest is the size that registries must take at least (OCI distribution specification).
const maxManifest = 4 << 20

// ServeHTTP speaks the OCI distribution protocol.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.requests.Add(1)
	isManifest := strings.HasPrefix(req.URL.Path, "/v2/") && strings.Contains(req.URL.Path, "/manifests/")
	if r.dir == "" || !isManifest || (req.Method != http.MethodPut && req.Method != http.MethodDelete) {
		r.inner.ServeHTTP(w, req)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxManifest))
	if err != nil {
		http.Error(w, "the manifest is too large", http.StatusRequestEntityTooLarge)
		return
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	file := r.file(req.URL.Path)
	if req.Method == http.MethodPut {
		// Written before it is accepted, in place after: what was refused replaces nothing.
		if err := write(file+".new", stored{Path: req.URL.Path, MediaType: req.Header.Get("Content-Type"), Body: body}); err != nil {
			http.Error(w, "the manifest could not be stored", http.StatusInternalServerError)
			return
		}
		defer os.Remove(file + ".new")
	}
	answer := &statusWriter{ResponseWriter: w}
	r.inner.ServeHTTP(answer, req)
	switch {
	case answer.status/100 != 2:
	case req.Method == http.MethodPut:
		_ = os.Rename(file+".new", file)
	default:
		_ = os.Remove(file)
	}
}

// stored is a manifest as it was put.
type stored struct {
	Path      string
	MediaType string
	Body      []byte
}

func (r *Registry) file(urlPath string) string {
	return filepath.Join(r.dir, "manifests", hex.EncodeToString([]byte(urlPath))+".json")
}

func write(file string, m stored) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if len(filepath.Base(file)) > 250 {
		return errors.New("the name is too long")
	}
	return os.WriteFile(file, data, 0o644)
}

// restore puts the stored manifests again. One that lists others has to come after them.
func (r *Registry) restore() error {
	files, err := filepath.Glob(filepath.Join(r.dir, "manifests", "*.json"))
	if err != nil {
		return fmt.Errorf("restoring the registry: %w", err)
	}
	for len(files) > 0 {
		left := slices.DeleteFunc(slices.Clone(files), r.put)
		if len(left) == len(files) {
			return nil // what refuses to go in is as absent as it was
		}
		files = left
	}
	return nil
}

func (r *Registry) put(file string) bool {
	data, err := os.ReadFile(file)
	var m stored
	if err != nil || json.Unmarshal(data, &m) != nil {
		return false
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPut, m.Path, bytes.NewReader(m.Body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", m.MediaType)
	answer := &statusWriter{ResponseWriter: nowhere{}}
	r.inner.ServeHTTP(answer, req)
	return answer.status/100 == 2
}

// statusWriter notes the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// nowhere is an answer that nobody reads.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) WriteHeader(int)             {}
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

// blobs keeps blobs in files by digest. Unlike the library's own it does not hash a whole layer
// each time someone asks for its size: the digest was checked when the blob came in.
type blobs struct{ dir string }

func (b blobs) file(h v1.Hash) string { return filepath.Join(b.dir, h.Algorithm, h.Hex) }

func (b blobs) Stat(_ context.Context, _ string, h v1.Hash) (int64, error) {
	info, err := os.Stat(b.file(h))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, registry.ErrNotFound
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (b blobs) Get(_ context.Context, _ string, h v1.Hash) (io.ReadCloser, error) {
	f, err := os.Open(b.file(h))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, registry.ErrNotFound
	}
	return f, err
}

func (b blobs) Put(_ context.Context, _ string, h v1.Hash, rc io.ReadCloser) error {
	defer rc.Close()
	f, err := os.CreateTemp(b.dir, "upload-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = io.Copy(f, rc) // fails when the digest is another
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), b.file(h))
}

func (b blobs) Delete(_ context.Context, _ string, h v1.Hash) error { return os.Remove(b.file(h)) }
