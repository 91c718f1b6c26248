package record

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Objects are what a release owned at a revision: the record's inventory, or where it has none,
// being another tool's, the objects in its manifest, without digests and with namespaces as they
// are written there, empty where it says none.
func (f *Full) Objects() (model.Inventory, error) {
	if f.Inventory != nil {
		return f.Inventory, nil
	}
	inv := model.Inventory{}
	docs := yaml.NewYAMLReader(bufio.NewReader(strings.NewReader(f.Chart.Manifest)))
	for {
		doc, err := docs.Read()
		if errors.Is(err, io.EOF) {
			return inv, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the manifest of revision %d of %s/%s: %w", f.Revision, f.Namespace, f.Name, err)
		}
		var o object
		if err := sigsyaml.Unmarshal(doc, &o); err != nil {
			return nil, fmt.Errorf("reading the manifest of revision %d of %s/%s: %w", f.Revision, f.Namespace, f.Name, err)
		}
		inv = o.appendTo(inv)
	}
}

type object struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
	Items []object `json:"items"`
}

// appendTo adds an object, or what a list of objects holds. A document with nothing but comments
// adds nothing.
func (o *object) appendTo(inv model.Inventory) model.Inventory {
	if strings.HasSuffix(o.Kind, "List") && len(o.Items) > 0 {
		for i := range o.Items {
			inv = o.Items[i].appendTo(inv)
		}
		return inv
	}
	gv, err := schema.ParseGroupVersion(o.APIVersion)
	if err != nil || o.Kind == "" || o.Metadata.Name == "" {
		return inv
	}
	return append(inv, model.Owned{
		Key:     model.ObjectKey{Group: gv.Group, Kind: o.Kind, Namespace: o.Metadata.Namespace, Name: o.Metadata.Name},
		Version: gv.Version,
	})
}
