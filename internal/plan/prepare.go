package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Scope tells whether objects of a kind live in a namespace. Its error is a *model.Error with
// Reason "UnknownKind" when the cluster does not know the kind.
type Scope func(group, version, kind string) (namespaced bool, err error)

// serverFields are written by the API server alone; manifests exported from a cluster carry them.
var serverFields = []string{"managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink"}

// Prepare makes rendered objects ready to be compared and applied: namespaced objects without a
// namespace get the release's, cluster-scoped ones lose theirs, the release's label and a digest of
// the body are added, fields that only the API server writes are removed, and Digest is computed anew. Kinds whose
// CustomResourceDefinition is among the objects are known without asking scope.
//
// All objects that are refused are told at once: a kind nobody knows, a name that is missing, an
// object that appears twice. The objects passed in are not changed.
func Prepare(r model.Release, objects []model.Object, scope Scope) ([]model.Object, error) {
	return prepareAll(objects, scope, func(o model.Object, namespaced bool) (model.Object, error) {
		return prepare(r, o, namespaced)
	})
}

func prepareAll(objects []model.Object, scope Scope, prepare func(o model.Object, namespaced bool) (model.Object, error)) ([]model.Object, error) {
	defined := definedKinds(objects)
	out := make([]model.Object, 0, len(objects))
	first := make(map[model.ObjectKey]model.Origin, len(objects))
	var errs []error
	for _, o := range objects {
		namespaced, known := defined[[2]string{o.Key.Group, o.Key.Kind}]
		if !known {
			var err error
			if namespaced, err = scope(o.Key.Group, o.Version, o.Key.Kind); err != nil {
				errs = append(errs, placed(err, o))
				continue
			}
		}
		p, err := prepare(o, namespaced)
		if err != nil {
			errs = append(errs, placed(err, o))
			continue
		}
		if at, twice := first[p.Key]; twice {
			errs = append(errs, placed(&model.Error{
				Kind: model.ErrInvalid, Reason: "DuplicateObject", Object: p.Key,
				Msg:  fmt.Sprintf("appears twice, first in %s", place(at)),
				Next: "remove one of the two",
			}, p))
			continue
		}
		first[p.Key] = p.Origin
		out = append(out, p)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return out, nil
}

// Keys are the objects a plan needs to know the live state of: the desired ones, those of the
// inventory, and the release's namespace when it may have to be made.
func Keys(r model.Release, prepared []model.Object, inv model.Inventory) []model.ObjectKey {
	keys := make([]model.ObjectKey, 0, len(prepared)+len(inv)+1)
	for i := range prepared {
		keys = append(keys, prepared[i].Key)
	}
	for i := range inv {
		keys = append(keys, inv[i].Key)
	}
	if r.CreateNamespace && r.Namespace != "" {
		keys = append(keys, namespaceKey(r.Namespace))
	}
	return keys
}

func namespaceKey(name string) model.ObjectKey { return model.ObjectKey{Kind: "Namespace", Name: name} }

func prepare(r model.Release, o model.Object, namespaced bool) (model.Object, error) {
	body, err := decode(o.Body)
	if err != nil {
		return o, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidObject", Object: o.Key, Msg: "is not valid JSON", Err: err}
	}
	if o.Key.Name == "" {
		return o, &model.Error{
			Kind: model.ErrInvalid, Reason: "InvalidObject", Object: o.Key, Msg: "metadata.name is missing",
			Next: "give the object a name: generateName cannot be applied twice",
		}
	}
	for what, s := range map[string]string{"namespace": o.Key.Namespace, "name": o.Key.Name} {
		if wrong := content.IsPathSegmentName(s); len(wrong) > 0 {
			return o, &model.Error{
				Kind: model.ErrInvalid, Reason: "InvalidObject", Object: o.Key,
				Msg: fmt.Sprintf("metadata.%s %s", what, strings.Join(wrong, ", ")),
			}
		}
	}
	meta, ok := body["metadata"].(map[string]any)
	if !ok {
		meta = map[string]any{}
		body["metadata"] = meta
	}
	for _, f := range serverFields {
		delete(meta, f)
	}
	switch {
	case !namespaced:
		o.Key.Namespace = ""
		delete(meta, "namespace")
	case o.Key.Namespace == "":
		o.Key.Namespace = r.Namespace
		fallthrough
	default:
		meta["namespace"] = o.Key.Namespace
	}
	labels, ok := meta["labels"].(map[string]any)
	if !ok {
		labels = map[string]any{}
		meta["labels"] = labels
	}
	labels[model.LabelRelease] = r.ID.Label()
	o.Expires = o.Hook == nil && expires(o.Key, body)
	return sealed(o, body, meta)
}

// expires reports whether an object is a Job that is deleted some time after it finished:
// https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/
func expires(key model.ObjectKey, body map[string]any) bool {
	spec, _ := body["spec"].(map[string]any)
	return key.Group == "batch" && key.Kind == "Job" && spec["ttlSecondsAfterFinished"] != nil
}

// sealed encodes the body and writes its digest into it, where the watch sees it.
func sealed(o model.Object, body, meta map[string]any) (model.Object, error) {
	annotations, ok := meta["annotations"].(map[string]any)
	if !ok {
		annotations = map[string]any{}
		delete(meta, "annotations")
	}
	delete(annotations, model.AnnotationApplied)
	plain, err := encode(body)
	if err != nil {
		return o, fmt.Errorf("encoding %s: %w", o.Key, err)
	}
	o.Digest = model.Digest(plain)
	meta["annotations"] = annotations
	annotations[model.AnnotationApplied] = o.Digest[:shortDigest]
	if o.Body, err = encode(body); err != nil {
		return o, fmt.Errorf("encoding %s: %w", o.Key, err)
	}
	return o, nil
}

// shortDigest is how many hex digits of a body's digest stand on the object: enough to tell two
// bodies of one object apart.
const shortDigest = 16

// definedKinds reads the scope of kinds from the CustomResourceDefinitions among the objects: the
// cluster does not know them until they are applied.
func definedKinds(objects []model.Object) map[[2]string]bool {
	kinds := map[[2]string]bool{}
	for i := range objects {
		if objects[i].Key.Kind != kindCRD || objects[i].Key.Group != groupCRD {
			continue
		}
		var crd struct {
			Spec struct {
				Group string
				Scope string
				Names struct{ Kind string }
			}
		}
		if json.Unmarshal(objects[i].Body, &crd) == nil && crd.Spec.Names.Kind != "" {
			kinds[[2]string{crd.Spec.Group, crd.Spec.Names.Kind}] = crd.Spec.Scope != "Cluster"
		}
	}
	return kinds
}

// placed adds where the object was written to an error that does not say it yet.
func placed(err error, o model.Object) error {
	var e *model.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("preparing %s from %s: %w", o.Key, place(o.Origin), err)
	}
	c := *e
	if c.File == "" {
		c.File, c.Line = o.Origin.File, o.Origin.Line
	}
	if c.Object.Kind == "" {
		c.Object = o.Key
	}
	return &c
}

func place(at model.Origin) string {
	switch {
	case at.File == "":
		return "an unknown place"
	case at.Line == 0:
		return at.File
	}
	return fmt.Sprintf("%s:%d", at.File, at.Line)
}

// decode keeps numbers as they are written: a digest must not depend on how large a float can be.
func decode(b []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		return nil, err
	}
	if m == nil {
		return nil, errors.New("want an object")
	}
	return m, nil
}

func encode(m map[string]any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(m); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
