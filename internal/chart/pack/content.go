package pack

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/fairlead-cd/fairlead/internal/registry"
)

// Media types of a chart in a registry (helm.sh/helm/v4/pkg/registry, constants.go).
const (
	configType = "application/vnd.cncf.helm.config.v1+json"
	layerType  = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
)

// Content is a chart's archive as registries keep it, with the annotations that `helm push` gives
// it; but for the time, which would make another manifest of the same chart every second.
func Content(md *chart.Metadata, archive []byte) (registry.Content, error) {
	config, err := json.Marshal(md)
	if err != nil {
		return registry.Content{}, fmt.Errorf("describing chart %q: %w", md.Name, err)
	}
	const oci = "org.opencontainers.image."
	notes := maps.Clone(md.Annotations)
	if notes == nil {
		notes = map[string]string{}
	}
	set := func(key, value string, over bool) {
		if _, ok := notes[key]; strings.TrimSpace(value) != "" && (over || !ok) {
			notes[key] = value
		}
	}
	set(oci+"title", md.Name, true)
	set(oci+"version", md.Version, true)
	set(oci+"description", md.Description, false)
	set(oci+"url", md.Home, false)
	if len(md.Sources) > 0 {
		set(oci+"source", md.Sources[0], false)
	}
	var authors []string
	for _, m := range md.Maintainers {
		who := m.Name
		if m.Email != "" {
			who += " (" + m.Email + ")"
		}
		authors = append(authors, who)
	}
	set(oci+"authors", strings.Join(authors, ", "), false)
	return registry.Content{
		Config: registry.Blob{MediaType: configType, Data: config},
		Layers: []registry.Blob{{MediaType: layerType, Data: archive}}, Annotations: notes,
	}, nil
}

// Tag is the tag of a version: registries allow no "+" in one.
func Tag(version string) string { return strings.ReplaceAll(version, "+", "_") }

// FileName is what an archive is called.
func FileName(md *chart.Metadata) string { return md.Name + "-" + md.Version + ".tgz" }
