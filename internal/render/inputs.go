package render

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// format is part of every digest. It changes when the same inputs begin to give another output.
const format = "fairlead-render-1"

// inputs is the digest of what a render of rel depends on, as far as t says that it does.
func inputs(rel model.Release, a model.Artifact, caps model.Capabilities, t traits) string {
	parts := [][]byte{
		[]byte(format), []byte(rel.Renderer), []byte(a.Digest), []byte(a.Path),
		[]byte(rel.Name), []byte(rel.Namespace),
	}
	if rel.TopLevel {
		parts = append(parts, []byte("top level"))
	}
	for _, l := range rel.Values {
		parts = append(parts, []byte("layer"), l.YAML, []byte(l.File), []byte(strconv.FormatBool(l.Optional)))
		if l.Set != nil {
			parts = append(parts, []byte(l.Set.Name), []byte(l.Set.Value), []byte(strconv.FormatBool(l.Set.ForceString)))
			if l.Set.Form != "" {
				parts = append(parts, []byte(l.Set.Form))
			}
			for _, name := range slices.Sorted(maps.Keys(l.Set.Files)) {
				parts = append(parts, []byte(name), []byte(l.Set.Files[name]))
			}
		}
	}
	if t.Capabilities {
		parts = append(parts, []byte("capabilities"), []byte(caps.KubeVersion))
		for _, v := range caps.APIVersions {
			parts = append(parts, []byte(v))
		}
	}
	return model.Digest(parts...)
}

// cacheKey adds to the inputs what a chart knows of the release's history, when it asks.
func cacheKey(inputs string, o RenderOptions, t traits) string {
	if !t.History && !o.CRDText {
		return inputs
	}
	history, err := json.Marshal(o)
	if err != nil { // two plain fields
		history = []byte(fmt.Sprint(o))
	}
	return model.Digest([]byte(inputs), history)
}
