package registry

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Options configure access to a repository.
type Options struct {
	Auth  *model.Auth // nil is anonymous
	Proxy func(*http.Request) (*url.URL, error)
	// PlainHTTP allows http to any host. Without it http is used for this machine and private
	// addresses alone, as Docker's tools do.
	PlainHTTP bool
	// OnlyTLS refuses http to everything but this machine, private addresses too.
	OnlyTLS bool
}

// Repository is one repository of a registry.
type Repository struct {
	name      name.Repository
	opts      []remote.Option
	transport *http.Transport
}

// Open parses a repository's name, "host/path" without a scheme. Nothing is read yet.
func Open(repository string, opts Options) (*Repository, error) {
	var nameOpts []name.Option
	if opts.PlainHTTP {
		nameOpts = append(nameOpts, name.Insecure)
	}
	repo, err := name.NewRepository(repository, append(nameOpts, name.StrictValidation)...)
	if err != nil {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidURL", Msg: fmt.Sprintf("%q is no repository of a registry", repository), Next: "write host/path in lower case", Err: err}
	}
	t := &http.Transport{
		Proxy:               opts.Proxy,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 30 * time.Second, IdleConnTimeout: 90 * time.Second, MaxIdleConnsPerHost: 4,
	}
	auth := authn.Anonymous
	if a := opts.Auth; a != nil {
		if len(a.CA) > 0 {
			pool := x509.NewCertPool()
			if !pool.AppendCertsFromPEM(a.CA) {
				return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidCredential", Msg: "the CA given for " + repo.RegistryStr() + " holds no PEM certificate"}
			}
			t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
		}
		switch {
		case a.Password != "":
			auth = &authn.Basic{Username: a.Username, Password: a.Password}
		case a.Token != "":
			auth = &authn.Bearer{Token: a.Token}
		}
	}
	var through http.RoundTripper = t
	if opts.OnlyTLS {
		through = &onlyTLS{next: t}
	}
	return &Repository{
		name: repo, transport: t,
		opts: []remote.Option{remote.WithAuth(auth), remote.WithTransport(through), remote.WithUserAgent("fairlead")},
	}, nil
}

// Close gives up idle connections.
func (r *Repository) Close() { r.transport.CloseIdleConnections() }

// String is the repository's name.
func (r *Repository) String() string { return r.name.Name() }

// maxTags bounds a list of tags; a repository of a busy pipeline has some ten thousands.
const maxTags = 200_000

// Tags lists all tags.
func (r *Repository) Tags(ctx context.Context) ([]string, error) {
	// The puller asks again for each page; its own client keeps the token between them.
	puller, err := remote.NewPuller(r.opts...)
	if err != nil {
		return nil, fmt.Errorf("listing tags of %s: %w", r, err)
	}
	lister, err := puller.Lister(ctx, r.name)
	if err != nil {
		return nil, r.explain("listing tags of", err)
	}
	var tags []string
	for lister.HasNext() {
		page, err := lister.Next(ctx)
		if err != nil {
			return nil, r.explain("listing tags of", err)
		}
		tags = append(tags, page.Tags...)
		if len(tags) > maxTags {
			return nil, &model.Error{Kind: model.ErrInvalid, Reason: "TooManyTags", Msg: fmt.Sprintf("%s has more than %d tags", r, maxTags)}
		}
	}
	return tags, nil
}

// Manifest is an image manifest and its digest.
type Manifest struct {
	Digest string // "sha256:..."
	v1.Manifest
}

const maxManifest = 4 << 20

// Manifest reads the manifest of a tag, or of a digest.
func (r *Repository) Manifest(ctx context.Context, reference string) (Manifest, error) {
	ref, err := r.reference(reference)
	if err != nil {
		return Manifest{}, err
	}
	desc, err := remote.Get(ref, append(r.opts, remote.WithContext(ctx))...)
	if err != nil {
		return Manifest{}, r.explain("reading "+reference+" of", err)
	}
	m := Manifest{Digest: desc.Digest.String()}
	if len(desc.Manifest) > maxManifest {
		return Manifest{}, &model.Error{Kind: model.ErrInvalid, Reason: "DownloadTooLarge", Msg: fmt.Sprintf("the manifest of %s:%s is too large", r, reference)}
	}
	if err := json.NewDecoder(bytes.NewReader(desc.Manifest)).Decode(&m.Manifest); err != nil {
		return Manifest{}, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidManifest", Msg: fmt.Sprintf("the manifest of %s:%s cannot be parsed", r, reference), Err: err}
	}
	return m, nil
}

func (r *Repository) reference(s string) (name.Reference, error) {
	if _, err := v1.NewHash(s); err == nil {
		return r.name.Digest(s), nil
	}
	tag, err := name.NewTag(r.name.Name()+":"+s, name.StrictValidation)
	if err != nil {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidTag", Msg: fmt.Sprintf("%q is no tag", s)}
	}
	return r.name.Tag(tag.TagStr()), nil
}

// Blob reads a layer of at most max bytes. Its content is what its digest says.
func (r *Repository) Blob(ctx context.Context, digest string, max int64) ([]byte, error) {
	if _, err := v1.NewHash(digest); err != nil {
		return nil, fmt.Errorf("reading a layer of %s: %w", r, err)
	}
	layer, err := remote.Layer(r.name.Digest(digest), append(r.opts, remote.WithContext(ctx))...)
	if err != nil {
		return nil, r.explain("reading a layer of", err)
	}
	content, err := layer.Compressed() // verifies size and digest as it is read
	if err != nil {
		return nil, r.explain("reading a layer of", err)
	}
	defer content.Close()
	data, err := io.ReadAll(io.LimitReader(content, max+1))
	if err != nil {
		return nil, r.explain("reading a layer of", err)
	}
	if int64(len(data)) > max {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "DownloadTooLarge", Msg: fmt.Sprintf("a layer of %s has more than the %d bytes allowed", r, max)}
	}
	return data, nil
}

// explain turns an error of the library into one for people.
func (r *Repository) explain(what string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	e := &model.Error{Kind: model.ErrTransient, Reason: "HostUnreachable", Msg: what + " " + r.String(), Next: "check the URL and the network"}
	var answered *transport.Error
	if !errors.As(err, &answered) {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // without the URL, whose query may hold a token
		}
		e.Err = err
		var unknown x509.UnknownAuthorityError
		if errors.As(err, &unknown) {
			e.Kind, e.Reason, e.Next = model.ErrDenied, "CertificateUntrusted", "put the CA's certificate into the credential's Secret as ca.crt"
		}
		return e
	}
	e.Reason, e.Next = "RegistryError", ""
	e.Msg += fmt.Sprintf(": the registry answered %d %s", answered.StatusCode, http.StatusText(answered.StatusCode))
	if len(answered.Errors) > 0 {
		e.Msg += fmt.Sprintf(" (%s: %.200s)", answered.Errors[0].Code, answered.Errors[0].Message)
	}
	switch answered.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		e.Kind, e.Reason, e.Next = model.ErrDenied, "AuthenticationFailed", "check user name and password of the credential"
	case http.StatusNotFound:
		e.Kind, e.Reason, e.Next = model.ErrNotFound, "NotFound", "check the repository's name and the tag"
	}
	return e
}
