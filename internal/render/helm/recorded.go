package helm

import (
	"bytes"
	"encoding/json"
	"fmt"

	release "helm.sh/helm/v4/pkg/release/v1"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/manifest"
)

// Recorded reads the manifest of a Helm record back into the objects it was made of, marked as
// Helm's as they were then; plain manifests are not. Objects of the chart's crds/ folder are not in
// it.
func Recorded(stream string, rel model.Release) ([]model.Object, error) {
	var mark manifest.Mark
	if rel.Renderer != model.RenderPlain {
		mark = owned(rel.Name, rel.Namespace)
	}
	var objects []model.Object
	for _, doc := range manifest.Split([]byte(stream)) {
		decoded, err := manifest.Decode(doc.Text, mark)
		if err != nil {
			return nil, fmt.Errorf("line %d of the recorded manifest: %w", doc.FirstLine(), err)
		}
		objects = append(objects, decoded...)
	}
	return objects, nil
}

// RecordedHooks reads the hooks of a Helm record back, in the order Helm runs those of one event.
func RecordedHooks(stored []byte, _ model.Release) ([]model.Object, error) {
	if stored = bytes.TrimSpace(stored); len(stored) == 0 {
		return nil, nil
	}
	var hooks []*release.Hook
	if err := json.Unmarshal(stored, &hooks); err != nil {
		return nil, fmt.Errorf("reading the recorded hooks: %w", err)
	}
	return hookObjects(hooks, "", nil)
}
