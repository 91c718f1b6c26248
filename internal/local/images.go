package local

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/fairlead-cd/fairlead/examples"
	"github.com/fairlead-cd/fairlead/internal/imagebuild"
)

// imageTag is the tag the fleet's template names.
const imageTag = "1.0.0"

// databaseImages are what the reference chart's subcharts run, as the registry has it behind
// docker.io, by the folder they are built from.
var databaseImages = map[string]string{
	"databases/postgres": "library/postgres:15-bookworm",
	"databases/redis":    "library/redis:7.0-bookworm",
}

// buildImages builds and pushes the reference image, whose digest it returns, and the databases'
// where they are asked for.
func (in *installation) buildImages(ctx context.Context) (string, error) {
	log, err := os.Create(filepath.Join(in.info.Logs, "image.log"))
	if err != nil {
		return "", fmt.Errorf("opening the log of the image build: %w", err)
	}
	defer log.Close()
	cache := in.ImageCache
	if cache == "" {
		cache = filepath.Join(in.Dir, "cache", "images")
	}
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return "", fmt.Errorf("making the folder of image layers: %w", err)
	}
	// One build at a time: another installation may use the same folder.
	building, err := flock(ctx, filepath.Join(cache, "lock"))
	if err != nil {
		return "", fmt.Errorf("waiting for another image build: %w", err)
	}
	defer building.Close()
	build := func(tree fs.FS, folder string, o imagebuild.Options) (string, error) {
		o.ContextDir = filepath.Join(in.Dir, "build", filepath.FromSlash(folder))
		o.Image, o.CacheDir, o.Log = in.info.Registry+"/"+o.Image, cache, log
		if err := unpack(tree, folder, o.ContextDir); err != nil {
			return "", fmt.Errorf("unpacking %s: %w", folder, err)
		}
		digest, err := (&imagebuild.Builder{}).Build(ctx, o)
		if err != nil {
			return "", fmt.Errorf("building the image of %s (log: %s): %w", path.Base(folder), log.Name(), err)
		}
		return digest, nil
	}
	digest, err := build(examples.FlaskApp, "flask-app", imagebuild.Options{Image: "flask-app:" + imageTag, BaseImage: in.BaseImage})
	if err != nil || !in.Databases {
		return digest, err
	}
	in.Say("building images of PostgreSQL and Redis")
	for folder, image := range databaseImages {
		if _, err := build(examples.Databases, folder, imagebuild.Options{Image: image}); err != nil {
			return "", err
		}
	}
	return digest, nil
}

// unpack writes a folder of source to disk, as a build context. What is there from another version
// goes first: it would be part of the image.
func unpack(tree fs.FS, folder, dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	sub, err := fs.Sub(tree, folder)
	if err != nil {
		return err
	}
	return fs.WalkDir(sub, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(dir, filepath.FromSlash(p))
		if d.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		data, err := fs.ReadFile(sub, p)
		if err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o644)
	})
}
