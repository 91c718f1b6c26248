package source

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"

	"github.com/fairlead-cd/fairlead/internal/git"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/registry"
	"github.com/fairlead-cd/fairlead/internal/source/artifact"
	"github.com/fairlead-cd/fairlead/internal/source/dir"
	sourcegit "github.com/fairlead-cd/fairlead/internal/source/git"
	"github.com/fairlead-cd/fairlead/internal/source/helmrepo"
	"github.com/fairlead-cd/fairlead/internal/source/oci"
	"github.com/fairlead-cd/fairlead/internal/source/tree"
)

// rewrite sends a URL where the first matching rewrite says.
func rewrite(address string, rewrites []Rewrite) string {
	for _, r := range rewrites {
		if rest, ok := strings.CutPrefix(address, r.From); ok && r.From != "" {
			return r.To + rest
		}
	}
	return address
}

// remote finds the remote that ref is read from, and makes it when it is new.
func (s *Sources) remote(ref model.Ref) (*remote, error) {
	url := rewrite(addressOf(ref), s.opts.Rewrites)
	key := model.Digest([]byte(ref.Kind), []byte(url), []byte(credentialID(ref.Auth)))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	r, ok := s.remotes[key]
	if !ok {
		src, err := s.open(ref, url, key)
		if err != nil {
			return nil, err
		}
		r = newRemote(src)
		s.remotes[key] = r
	}
	r.addAddress(ref.URL, url)
	return r, nil
}

var errClosed = errors.New("sources are closed")

// credentialID tells credentials apart. It is a digest of all that is in one, so that a password
// changed in place is another credential even where its given ID stayed.
func credentialID(a *model.Auth) string {
	if a == nil {
		return ""
	}
	return model.Digest([]byte(a.Username), []byte(a.Password), []byte(a.Token), a.SSHKey, a.KnownHosts, a.CA)
}

func (r *remote) addAddress(urls ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used = time.Now()
	for _, u := range urls {
		if _, ok := r.addresses[u]; ok {
			continue
		}
		if a, err := git.ParseAddress(u); err == nil {
			r.addresses[u] = a
		}
	}
}

// open makes the upstream of a kind.
func (s *Sources) open(ref model.Ref, url, key string) (upstream, error) {
	limit := tree.Limits{Files: s.opts.Limits.ArtifactFiles, Bytes: s.opts.Limits.ArtifactBytes}
	chartLimit := cmp.Or(s.opts.Limits.FetchBytes, 64<<20)
	unpacked := artifact.Bounds{Files: limit.Files, Bytes: limit.Bytes}
	kind := ref.Kind
	if kind == model.SourceHelm && strings.HasPrefix(url, "oci://") {
		kind = model.SourceOCI // a HelmRepository may be a registry
	}
	switch kind {
	case model.SourceGit:
		addr, err := git.ParseAddress(url)
		if err != nil {
			return nil, err
		}
		if addr.Scheme == "file" && url == ref.URL {
			if err := s.allowFile(addr.Path); err != nil {
				return nil, err
			}
		}
		from, err := s.git.Remote(addr, ref.Auth)
		if err != nil {
			return nil, err
		}
		return sourcegit.New(s.git, from, filepath.Join(s.opts.CacheDir, "git", key), limit), nil
	case model.SourceHelm:
		return helmrepo.New(helmrepo.Options{
			URL: url, Auth: ref.Auth, Proxy: s.proxy, MaxIndex: chartLimit, MaxChart: chartLimit, Unpacked: unpacked,
			Rewrite: func(u string) string { return rewrite(u, s.opts.Rewrites) },
		})
	case model.SourceOCI:
		return oci.New(oci.Options{
			URL: url, Registry: registry.Options{Auth: ref.Auth, Proxy: s.proxy}, MaxChart: chartLimit, Unpacked: unpacked,
		})
	case model.SourceDir:
		at := strings.TrimPrefix(url, "file://")
		if url == ref.URL {
			if err := s.allowFile(at); err != nil {
				return nil, err
			}
		}
		return dir.New(at, limit), nil
	}
	return nil, &model.Error{Kind: model.ErrInvalid, Reason: "UnknownSource", Msg: fmt.Sprintf("there is no kind of source called %q", ref.Kind)}
}

// addressOf is the URL of what is read as a whole. In a registry each chart has tags of its own,
// so its name belongs to the URL, also where it is given apart.
func addressOf(ref model.Ref) string {
	if !strings.HasPrefix(ref.URL, "oci://") {
		return ref.URL
	}
	url := strings.TrimSuffix(ref.URL, "/")
	if ref.Chart == "" || (ref.Kind == model.SourceOCI && path.Base(url) == ref.Chart) {
		return url
	}
	return url + "/" + ref.Chart
}

// ProxyFunc reads the proxy settings among settings written as "KEY=value".
func ProxyFunc(settings []string) func(*http.Request) (*url.URL, error) {
	get := func(name string) string {
		for _, kv := range settings {
			if k, v, _ := strings.Cut(kv, "="); strings.EqualFold(k, name) {
				return v
			}
		}
		return ""
	}
	config := httpproxy.Config{HTTPProxy: get("HTTP_PROXY"), HTTPSProxy: get("HTTPS_PROXY"), NoProxy: get("NO_PROXY")}
	proxy := config.ProxyFunc()
	return func(r *http.Request) (*url.URL, error) { return proxy(r.URL) }
}

// allowFile checks a path on this machine against FileRoots, links in it resolved.
func (s *Sources) allowFile(path string) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	for _, root := range s.opts.FileRoots {
		if real, err := filepath.EvalSymlinks(root); err == nil {
			root = real
		}
		if rel, err := filepath.Rel(root, path); err == nil && filepath.IsLocal(rel) {
			return nil
		}
	}
	return &model.Error{
		Kind: model.ErrDenied, Reason: "FileNotAllowed", Msg: "paths on this machine are not allowed as sources here: " + path,
		Next: "use an https or ssh URL, or allow the folder in the configuration",
	}
}

// sweep closes remotes that nobody has asked for in a while.
func (s *Sources) sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, r := range s.remotes {
		r.mu.Lock()
		idle := len(r.watches) == 0 && time.Since(r.used) > unwanted
		r.mu.Unlock()
		if idle {
			delete(s.remotes, key)
			r.src.Close()
			// A credential that is renewed every hour would leave a copy every hour.
			_ = os.RemoveAll(filepath.Join(s.opts.CacheDir, "git", key))
		}
	}
}

// removeStale removes copies of repositories that earlier processes made and nobody has used since.
func removeStale(dir string) {
	copies, _ := os.ReadDir(dir)
	for _, c := range copies {
		if info, err := c.Info(); err == nil && time.Since(info.ModTime()) > 30*24*time.Hour {
			_ = os.RemoveAll(filepath.Join(dir, c.Name()))
		}
	}
}
