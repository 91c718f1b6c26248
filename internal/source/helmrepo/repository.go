package helmrepo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/yaml"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/source/artifact"
)

// Options configure a Repository.
type Options struct {
	URL      string
	Auth     *model.Auth
	Rewrite  func(url string) string // for the archives' URLs in the index
	MaxIndex int64                   // bytes of index.yaml
	MaxChart int64                   // bytes of an archive
	Unpacked artifact.Bounds
	Proxy    func(*http.Request) (*url.URL, error) // nil for none
}

// Repository is one Helm repository, seen through one credential.
type Repository struct {
	opts   Options
	base   *url.URL
	client *client

	mu      sync.Mutex
	charts  map[string][]version
	digest  [sha256.Size]byte // of the index
	etag    string
	changed string            // Last-Modified
	sums    map[string]string // of archives that the index gives no digest of, by URL
}

// version is what is read of an entry in the index.
type version struct {
	Version string   `json:"version"`
	URLs    []string `json:"urls"`
	Digest  string   `json:"digest"`
}

// New checks the URL.
func New(opts Options) (*Repository, error) {
	base, err := url.Parse(opts.URL)
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidURL", Msg: "the Helm repository's URL is not usable", Next: "write https://host/path, or oci://host/path for a registry"}
	}
	if base.User != nil {
		password, _ := base.User.Password()
		if opts.Auth == nil {
			opts.Auth = &model.Auth{Username: base.User.Username(), Password: password}
		}
		base.User = nil
	}
	if !strings.HasSuffix(base.Path, "/") {
		base.Path += "/"
	}
	c, err := newClient(base, opts.Auth, opts.Proxy)
	if err != nil {
		return nil, err
	}
	return &Repository{opts: opts, base: base, client: c, sums: map[string]string{}}, nil
}

// Close gives up idle connections.
func (r *Repository) Close() {
	r.client.own.CloseIdleConnections()
	r.client.rest.CloseIdleConnections()
}

// Read gets the index, where it is another than before.
func (r *Repository) Read(ctx context.Context, _ []model.Ref) (changed bool, err error) {
	header := http.Header{}
	r.mu.Lock()
	if r.etag != "" {
		header.Set("If-None-Match", r.etag)
	}
	if r.changed != "" {
		header.Set("If-Modified-Since", r.changed)
	}
	before := r.digest
	r.mu.Unlock()
	body, got, err := r.client.get(ctx, r.base.JoinPath("index.yaml"), header, r.opts.MaxIndex)
	if err != nil || body == nil {
		return false, err
	}
	sum := sha256.Sum256(body)
	if sum == before {
		return false, nil
	}
	charts, err := parseIndex(body)
	if err != nil {
		return false, r.about(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.charts, r.digest, r.etag, r.changed = charts, sum, got.Get("ETag"), got.Get("Last-Modified")
	clear(r.sums)
	return true, nil
}

func parseIndex(body []byte) (map[string][]version, error) {
	var index struct {
		APIVersion string               `json:"apiVersion"`
		Entries    map[string][]version `json:"entries"`
	}
	if err := yaml.Unmarshal(body, &index); err != nil {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidIndex", Msg: "index.yaml cannot be parsed", File: "index.yaml", Err: err}
	}
	// An error page that happens to be YAML has none of this: it must not look like an empty index.
	if index.APIVersion == "" || index.Entries == nil {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidIndex", Msg: "index.yaml is no index of a Helm repository", File: "index.yaml", Next: "check the repository's URL"}
	}
	return index.Entries, nil
}

// Resolve picks the version that ref asks for from the index.
func (r *Repository) Resolve(ctx context.Context, ref model.Ref) (artifact.Found, error) {
	if !artifact.ValidChart(ref.Chart) {
		return artifact.Found{}, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidChart", Msg: fmt.Sprintf("%q is no name of a chart", ref.Chart)}
	}
	v, err := r.pick(ref)
	if err != nil {
		return artifact.Found{}, r.about(err)
	}
	at, err := r.archive(v)
	if err != nil {
		return artifact.Found{}, r.about(fmt.Errorf("chart %s %s: %w", ref.Chart, v.Version, err))
	}
	sum := strings.ToLower(strings.TrimPrefix(v.Digest, "sha256:"))
	if sum == "" {
		if sum, err = r.sum(ctx, at); err != nil {
			return artifact.Found{}, err
		}
	}
	return artifact.Found{
		Artifact: model.Artifact{
			Path: ref.Chart, Digest: artifact.ChartDigest(ref.Chart, sum),
			Revision: model.Revision{Ref: v.Version, Version: v.Version, Digest: "sha256:" + sum},
		},
		Fill: func(ctx context.Context, dir string) (int64, error) {
			body, err := r.fetch(ctx, at, sum)
			if err != nil {
				return 0, err
			}
			return artifact.UnpackChart(bytes.NewReader(body), dir, ref.Chart, r.opts.Unpacked)
		},
		Archive: func(ctx context.Context) ([]byte, error) { return r.fetch(ctx, at, sum) },
	}, nil
}

func (r *Repository) pick(ref model.Ref) (version, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	entries := r.charts[ref.Chart]
	if len(entries) == 0 {
		var names []string
		for n := range r.charts {
			names = append(names, n)
		}
		slices.Sort(names)
		next := "the repository has " + strings.Join(names[:min(len(names), 10)], ", ")
		if len(names) > 10 {
			next += fmt.Sprintf(" and %d more", len(names)-10)
		}
		return version{}, &model.Error{Kind: model.ErrNotFound, Reason: "ChartNotFound", Msg: fmt.Sprintf("the repository has no chart %q", ref.Chart), Next: next}
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Version)
	}
	name, err := artifact.PickVersion(names, ref.Version)
	if err != nil {
		return version{}, fmt.Errorf("chart %s: %w", ref.Chart, err)
	}
	return entries[slices.Index(names, name)], nil
}

// archive is where a version's archive is. URLs in an index may be relative to the repository.
func (r *Repository) archive(v version) (*url.URL, error) {
	if len(v.URLs) == 0 {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidIndex", Msg: "the index gives no URL of its archive", File: "index.yaml"}
	}
	written := v.URLs[0]
	if r.opts.Rewrite != nil {
		written = r.opts.Rewrite(written)
	}
	u, err := r.base.Parse(written)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidIndex", Msg: "the index gives a URL of its archive that is not usable", File: "index.yaml"}
	}
	return u, nil
}

// sum downloads an archive to learn its digest, once for each index.
func (r *Repository) sum(ctx context.Context, at *url.URL) (string, error) {
	r.mu.Lock()
	sum, ok := r.sums[at.String()]
	r.mu.Unlock()
	if ok {
		return sum, nil
	}
	body, _, err := r.client.get(ctx, at, nil, r.opts.MaxChart)
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256(body)
	sum = hex.EncodeToString(digest[:])
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sums[at.String()] = sum
	return sum, nil
}

// fetch downloads an archive and looks that it is the one the index means.
func (r *Repository) fetch(ctx context.Context, at *url.URL, sum string) ([]byte, error) {
	body, _, err := r.client.get(ctx, at, nil, r.opts.MaxChart)
	if err != nil {
		return nil, err
	}
	if digest := sha256.Sum256(body); hex.EncodeToString(digest[:]) != sum {
		return nil, &model.Error{
			Kind: model.ErrInvalid, Reason: "DigestMismatch", Msg: fmt.Sprintf("%s is not what the index says: its digest is %x, not %s", at.Redacted(), digest, sum),
			Next: "ask the repository's owner: the archive or the index was changed",
		}
	}
	return body, nil
}

func (r *Repository) about(err error) error {
	return fmt.Errorf("reading Helm repository %s: %w", r.base.Redacted(), err)
}
