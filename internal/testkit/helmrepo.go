package testkit

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"

	"sigs.k8s.io/yaml"
)

// HelmRepo is a Helm repository over a folder: each folder in it that holds a Chart.yaml is a
// chart, packed when it is asked for, and each .tgz file is one already.
type HelmRepo struct {
	Dir      string
	Username string // asked for when Password is set
	Password string

	indexes, unchanged, archives atomic.Int64
}

// HelmCounts is how often clients asked for what.
type HelmCounts struct {
	Indexes   int64 // answered with the index
	Unchanged int64 // answered with 304
	Archives  int64
}

// Counts says how often clients asked for what so far.
func (h *HelmRepo) Counts() HelmCounts {
	return HelmCounts{Indexes: h.indexes.Load(), Unchanged: h.unchanged.Load(), Archives: h.archives.Load()}
}

// Start serves on addr until stop is called.
func (h *HelmRepo) Start(addr string) (url string, stop func(), err error) { return listen(addr, h) }

// ServeHTTP gives index.yaml and the archives it names, at any depth of path.
func (h *HelmRepo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	if h.Password != "" && subtle.ConstantTimeCompare([]byte(user+"\x00"+password), []byte(h.Username+"\x00"+h.Password)) != 1 {
		w.Header().Set("WWW-Authenticate", `Basic realm="charts"`)
		http.Error(w, "a user name and password are needed", http.StatusUnauthorized)
		return
	}
	charts, err := h.charts()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	name := path.Base(r.URL.Path)
	if name == "index.yaml" {
		h.serveIndex(w, r, charts)
		return
	}
	for _, c := range charts {
		if c.file == name {
			h.archives.Add(1)
			w.Header().Set("Content-Type", "application/gzip")
			_, _ = w.Write(c.data)
			return
		}
	}
	http.NotFound(w, r)
}

func (h *HelmRepo) serveIndex(w http.ResponseWriter, r *http.Request, charts []packed) {
	type entry struct {
		Name    string   `json:"name"`
		Version string   `json:"version"`
		URLs    []string `json:"urls"`
		Digest  string   `json:"digest"`
	}
	entries := map[string][]entry{}
	for _, c := range charts {
		sum := sha256.Sum256(c.data)
		entries[c.name] = append(entries[c.name], entry{Name: c.name, Version: c.version, URLs: []string{c.file}, Digest: hex.EncodeToString(sum[:])})
	}
	body, err := yaml.Marshal(map[string]any{"apiVersion": "v1", "entries": entries})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	sum := sha256.Sum256(body)
	etag := `"` + hex.EncodeToString(sum[:8]) + `"`
	w.Header().Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		h.unchanged.Add(1)
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.indexes.Add(1)
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(body)
}

// packed is a chart's archive.
type packed struct {
	name, version, file string
	data                []byte
}

func (h *HelmRepo) charts() ([]packed, error) {
	entries, err := os.ReadDir(h.Dir)
	if err != nil {
		return nil, err
	}
	var charts []packed
	for _, e := range entries {
		at := filepath.Join(h.Dir, e.Name())
		switch {
		case e.IsDir():
			if _, err := os.Stat(filepath.Join(at, "Chart.yaml")); err != nil {
				continue
			}
			data, name, version, err := PackChart(at)
			if err != nil {
				return nil, err
			}
			charts = append(charts, packed{name, version, name + "-" + version + ".tgz", data})
		case strings.HasSuffix(e.Name(), ".tgz"):
			data, err := os.ReadFile(at)
			if err != nil {
				return nil, err
			}
			name, version, ok := cutVersion(strings.TrimSuffix(e.Name(), ".tgz"))
			if ok {
				charts = append(charts, packed{name, version, e.Name(), data})
			}
		}
	}
	return charts, nil
}

// cutVersion splits "my-chart-1.2.3-rc.1" where the version begins: at the first dash before a digit.
func cutVersion(s string) (name, version string, ok bool) {
	for i := 0; i+1 < len(s); i++ {
		if s[i] == '-' && s[i+1] >= '0' && s[i+1] <= '9' {
			return s[:i], s[i+1:], true
		}
	}
	return "", "", false
}

// PackChart makes the archive of the chart in a folder, as "helm package" does. The same folder
// gives the same bytes.
func PackChart(dir string) (archive []byte, name, version string, err error) {
	meta, err := os.ReadFile(filepath.Join(dir, "Chart.yaml"))
	if err != nil {
		return nil, "", "", fmt.Errorf("packing a chart: %w", err)
	}
	var chart struct{ Name, Version string }
	if err := yaml.Unmarshal(meta, &chart); err != nil || chart.Name == "" || chart.Version == "" {
		return nil, "", "", fmt.Errorf("packing chart %s: Chart.yaml gives no name and version: %w", filepath.Base(dir), err)
	}
	var buf bytes.Buffer
	zipped := gzip.NewWriter(&buf)
	w := tar.NewWriter(zipped)
	err = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Name: path.Join(chart.Name, filepath.ToSlash(rel)), Mode: 0o644, Size: int64(len(data))}); err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	})
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = zipped.Close()
	}
	if err != nil {
		return nil, "", "", fmt.Errorf("packing chart %s: %w", chart.Name, err)
	}
	return buf.Bytes(), chart.Name, chart.Version, nil
}
