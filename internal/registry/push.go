package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Blob is content with its media type.
type Blob struct {
	MediaType string
	Data      []byte
}

// Content is what a tag stands for.
type Content struct {
	Config      Blob
	Layers      []Blob
	Annotations map[string]string
}

// manifest is an OCI image manifest (opencontainers/image-spec, manifest.md).
type manifest []byte

// RawManifest is part of remote.Taggable.
func (m manifest) RawManifest() ([]byte, error) { return m, nil }

// MediaType tells the registry what it is.
func (m manifest) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

// Push uploads content and lets tag stand for it. Unless overwrite is set, a tag that stands for
// something else is a Conflict; one that stands for the same already is left alone, and changed is
// false. The digest is the manifest's.
func (r *Repository) Push(ctx context.Context, tag string, c Content, overwrite bool) (digest string, changed bool, err error) {
	ref, err := r.reference(tag)
	if err != nil {
		return "", false, err
	}
	text, err := c.manifest()
	if err != nil {
		return "", false, err
	}
	sum, _, err := v1.SHA256(bytes.NewReader(text))
	if err != nil {
		return "", false, fmt.Errorf("pushing %s: %w", ref, err)
	}
	there, err := r.Manifest(ctx, tag)
	switch {
	case err == nil && there.Digest == sum.String():
		return there.Digest, false, nil
	case err == nil && !overwrite:
		return "", false, &model.Error{
			Kind: model.ErrConflict, Reason: "TagExists", Msg: fmt.Sprintf("%s:%s is there already, with other content", r, tag),
			Next: "give the new content a version of its own",
		}
	case err != nil && model.KindOf(err) != model.ErrNotFound:
		return "", false, err
	}
	opts := append(r.opts, remote.WithContext(ctx))
	for _, b := range append([]Blob{c.Config}, c.Layers...) {
		if err := remote.WriteLayer(r.name, static.NewLayer(b.Data, types.MediaType(b.MediaType)), opts...); err != nil {
			return "", false, r.explain("pushing to", err)
		}
	}
	if err := remote.Put(ref, manifest(text), opts...); err != nil {
		return "", false, r.explain("pushing to", err)
	}
	return sum.String(), true, nil
}

// manifest writes the manifest; the same content gives the same bytes.
func (c Content) manifest() ([]byte, error) {
	m := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Annotations: c.Annotations}
	var err error
	if m.Config, err = c.Config.descriptor(); err != nil {
		return nil, err
	}
	for _, l := range c.Layers {
		d, err := l.descriptor()
		if err != nil {
			return nil, err
		}
		m.Layers = append(m.Layers, d)
	}
	text, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("writing a manifest: %w", err)
	}
	return text, nil
}

func (b Blob) descriptor() (v1.Descriptor, error) {
	sum, size, err := v1.SHA256(bytes.NewReader(b.Data))
	if err != nil {
		return v1.Descriptor{}, fmt.Errorf("writing a manifest: %w", err)
	}
	return v1.Descriptor{MediaType: types.MediaType(b.MediaType), Size: size, Digest: sum}, nil
}
