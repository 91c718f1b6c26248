package testkit_test

import (
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/fairlead-cd/fairlead/internal/testkit"
)

func TestRegistryHasItsImagesAfterARestart(t *testing.T) {
	dir := t.TempDir()
	start := func() (host string, stop func()) {
		reg, err := testkit.NewRegistry(dir)
		if err != nil {
			t.Fatal(err)
		}
		url, stop, err := reg.Start("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimPrefix(url, "http://"), stop
	}
	tag := func(host string) name.Tag {
		ref, err := name.NewTag(host + "/fairlead/app:1.0.0")
		if err != nil {
			t.Fatal(err)
		}
		return ref
	}
	host, stop := start()
	index, err := random.Index(1024, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(tag(host), index); err != nil {
		t.Fatal(err)
	}
	stop()

	host, stop = start()
	defer stop()
	got, err := remote.Index(tag(host))
	if err != nil {
		t.Fatal(err)
	}
	want, _ := index.Digest()
	if have, _ := got.Digest(); have != want {
		t.Errorf("the tag is at %s, not %s", have, want)
	}
	manifest, _ := got.IndexManifest()
	img, err := got.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	layers, err := img.Layers()
	if err != nil || len(layers) != 2 {
		t.Fatalf("%d layers: %v", len(layers), err)
	}
	if rc, err := layers[0].Compressed(); err != nil {
		t.Error(err)
	} else {
		_ = rc.Close()
	}
}
