package helm

import (
	"fmt"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/manifest"
)

// Recorded reads the manifest of a Helm record back into the objects it was made of, marked as
// Helm's as they were then. Objects of the chart's crds/ folder are not in it.
func Recorded(stream string, rel model.Release) ([]model.Object, error) {
	var objects []model.Object
	for _, doc := range manifest.Split([]byte(stream)) {
		decoded, err := manifest.Decode(doc.Text, owned(rel.Name, rel.Namespace))
		if err != nil {
			return nil, fmt.Errorf("line %d of the recorded manifest: %w", doc.FirstLine(), err)
		}
		objects = append(objects, decoded...)
	}
	return objects, nil
}
