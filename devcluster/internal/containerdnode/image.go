package containerdnode

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Media types of the OCI image specification.
const (
	mediaManifest = "application/vnd.oci.image.manifest.v1+json"
	mediaConfig   = "application/vnd.oci.image.config.v1+json"
	mediaLayer    = "application/vnd.oci.image.layer.v1.tar"
)

// image is an image of one layer, as its three blobs.
type image struct{ manifest, config, layer []byte }

type object = map[string]any

// newImage makes an image that runs entrypoint as an ordinary user.
func newImage(arch, entrypoint string, files ...tarFile) (*image, error) {
	layer, err := tarOf(files...)
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(object{
		"os": "linux", "architecture": arch,
		"config": object{"Entrypoint": []string{entrypoint}, "User": "65535:65535"},
		"rootfs": object{"type": "layers", "diff_ids": []string{digest(layer)}},
	})
	if err != nil {
		return nil, fmt.Errorf("making image configuration: %w", err)
	}
	manifest, err := json.Marshal(object{
		"schemaVersion": 2, "mediaType": mediaManifest,
		"config": describe(mediaConfig, config), "layers": []object{describe(mediaLayer, layer)},
	})
	if err != nil {
		return nil, fmt.Errorf("making image manifest: %w", err)
	}
	return &image{manifest: manifest, config: config, layer: layer}, nil
}

// archive returns the image under name as an OCI layout in a tar.
func (i *image) archive(name string) ([]byte, error) {
	entry := describe(mediaManifest, i.manifest)
	entry["annotations"] = object{"io.containerd.image.name": name}
	index, err := json.Marshal(object{"schemaVersion": 2, "manifests": []object{entry}})
	if err != nil {
		return nil, fmt.Errorf("making image index: %w", err)
	}
	files := []tarFile{{"oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`), 0o644}, {"index.json", index, 0o644}}
	for _, blob := range [][]byte{i.layer, i.config, i.manifest} {
		files = append(files, tarFile{"blobs/sha256/" + digest(blob)[len("sha256:"):], blob, 0o644})
	}
	return tarOf(files...)
}

func describe(mediaType string, blob []byte) object {
	return object{"mediaType": mediaType, "digest": digest(blob), "size": len(blob)}
}

func digest(blob []byte) string {
	sum := sha256.Sum256(blob)
	return "sha256:" + hex.EncodeToString(sum[:])
}

type tarFile struct {
	name    string
	content []byte
	mode    int64
}

func tarOf(files ...tarFile) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.content))}); err != nil {
			return nil, fmt.Errorf("packing %s: %w", f.name, err)
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, fmt.Errorf("packing %s: %w", f.name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("packing: %w", err)
	}
	return b.Bytes(), nil
}
