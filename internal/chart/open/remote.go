package open

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/registry"
	"github.com/fairlead-cd/fairlead/internal/source/artifact"
	"github.com/fairlead-cd/fairlead/internal/source/helmrepo"
	"github.com/fairlead-cd/fairlead/internal/source/oci"
)

// upstream is a registry or a repository.
type upstream interface {
	Read(ctx context.Context, wants []model.Ref) (changed bool, err error)
	Resolve(ctx context.Context, ref model.Ref) (artifact.Found, error)
	Close()
}

// find resolves a reference. done gives up connections once the content was read.
func (c *Charts) find(ctx context.Context, ref model.Ref, plainHTTP bool) (found artifact.Found, done func(), err error) {
	from, err := c.upstream(ctx, ref, plainHTTP)
	if err != nil {
		return found, nil, err
	}
	if _, err = from.Read(ctx, []model.Ref{ref}); err == nil {
		found, err = from.Resolve(ctx, ref)
	}
	if err != nil {
		from.Close()
		return found, nil, ForPeople(err)
	}
	return found, from.Close, nil
}

func (c *Charts) upstream(ctx context.Context, ref model.Ref, plainHTTP bool) (upstream, error) {
	if ref.Kind == model.SourceOCI {
		host, _, _ := strings.Cut(strings.TrimPrefix(ref.URL, "oci://"), "/")
		auth, err := c.Auth(ctx, host, ref.Auth)
		if err != nil {
			return nil, err
		}
		return oci.New(oci.Options{
			URL: ref.URL, MaxChart: maxArchive, Unpacked: unpacked,
			Registry: registry.Options{Auth: auth, Proxy: c.o.Proxy, PlainHTTP: plainHTTP, OnlyTLS: !plainHTTP},
		})
	}
	u, err := url.Parse(ref.URL)
	if err == nil && u.Scheme == "http" && !plainHTTP && !registry.IsThisMachine(u.Host) {
		return nil, &model.Error{
			Kind: model.ErrDenied, Reason: "PlainHTTP", Msg: fmt.Sprintf("%s is not encrypted: anyone on the way could change the chart", u.Redacted()),
			Next: "use its https URL; --plain-http allows it all the same",
		}
	}
	return helmrepo.New(helmrepo.Options{
		URL: ref.URL, Auth: ref.Auth, MaxIndex: maxIndex, MaxChart: maxArchive, Unpacked: unpacked, Proxy: c.o.Proxy,
	})
}

// Auth is what was given for a registry, completed by what the machine knows of it: a CA alone is
// no credential.
func (c *Charts) Auth(ctx context.Context, host string, given *model.Auth) (*model.Auth, error) {
	if c.o.Credential == nil || (given != nil && (given.Username != "" || given.Password != "" || given.Token != "")) {
		return given, nil
	}
	known, err := c.o.Credential(ctx, host)
	if err != nil || known == nil {
		return given, err
	}
	if given != nil {
		known.CA = given.CA
	}
	return known, nil
}

// dependency fetches a chart that another one names in its Chart.yaml and does not carry.
func (c *Charts) dependency(ctx context.Context, ref model.Ref) (model.Artifact, error) {
	found, done, err := c.find(ctx, ref, false)
	if err != nil {
		return model.Artifact{}, err
	}
	defer done()
	return c.fill(ctx, found)
}
