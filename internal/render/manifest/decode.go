package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// waveAnnotation orders objects among each other; Argo CD's, so that its manifests work unchanged.
const waveAnnotation = "argocd.argoproj.io/sync-wave"

// maxListDepth bounds Lists inside Lists.
const maxListDepth = 4

// Mark changes an object before its body is written down. It may be nil.
type Mark func(object map[string]any)

// Decode reads one document. A List gives its items; a document that is null gives nothing. Errors
// are of kind Invalid; their line counts from the beginning of doc, 0 where it is not known.
func Decode(doc []byte, mark Mark) ([]model.Object, error) {
	body, err := toJSON(doc)
	if err != nil {
		return nil, err
	}
	return decodeBody(body, mark, 0)
}

func toJSON(doc []byte) ([]byte, error) {
	if trimmed := bytes.TrimSpace(doc); len(trimmed) > 0 && trimmed[0] == '{' && json.Valid(trimmed) {
		// JSON may be indented with tabs, which YAML refuses.
		return canonical(trimmed)
	}
	body, err := yaml.YAMLToJSON(doc)
	if err != nil {
		line, msg := YAMLError(err)
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidYAML", Line: line, Msg: "not valid YAML: " + msg}
	}
	return body, nil
}

// canonical sorts the keys of a JSON value and drops its insignificant space.
func canonical(text []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, invalid("not valid JSON: %v", err)
	}
	return json.Marshal(v)
}

// head is as much of an object as has to be understood here.
type head struct {
	APIVersion any `json:"apiVersion"`
	Kind       any `json:"kind"`
	Metadata   *struct {
		Name         any            `json:"name"`
		GenerateName any            `json:"generateName"`
		Namespace    any            `json:"namespace"`
		Labels       map[string]any `json:"labels"`
		Annotations  map[string]any `json:"annotations"`
	} `json:"metadata"`
	Items json.RawMessage `json:"items"`
}

func decodeBody(body []byte, mark Mark, depth int) ([]model.Object, error) {
	if bytes.Equal(body, []byte("null")) {
		return nil, nil
	}
	if len(body) == 0 || body[0] != '{' {
		return nil, invalid("not a Kubernetes object: the document is no map")
	}
	var h head
	if err := json.Unmarshal(body, &h); err != nil {
		return nil, invalid("not a Kubernetes object: %s", typeError(err))
	}
	kind, _ := h.Kind.(string)
	version, _ := h.APIVersion.(string)
	if kind == "" || version == "" {
		return nil, invalid("not a Kubernetes object: %s", missingHead(kind, version))
	}
	if strings.HasSuffix(kind, "List") && len(h.Items) > 0 && h.Items[0] == '[' {
		return decodeItems(h.Items, mark, depth)
	}
	o, err := h.object(kind, version)
	if err != nil {
		return nil, err
	}
	if o.Body, err = marked(body, mark); err != nil {
		return nil, err
	}
	o.Digest = model.Digest(o.Body)
	return []model.Object{o}, nil
}

func missingHead(kind, version string) string {
	switch {
	case kind == "" && version == "":
		return "it has neither apiVersion nor kind"
	case kind == "":
		return "it has no kind"
	}
	return "it has no apiVersion"
}

func decodeItems(items json.RawMessage, mark Mark, depth int) ([]model.Object, error) {
	if depth >= maxListDepth {
		return nil, invalid("Lists are nested more than %d deep", maxListDepth)
	}
	var bodies []json.RawMessage
	if err := json.Unmarshal(items, &bodies); err != nil {
		return nil, invalid("items: %v", err)
	}
	var all []model.Object
	for i, b := range bodies {
		objects, err := decodeBody(b, mark, depth+1)
		if err != nil {
			return nil, prefixed(fmt.Sprintf("items[%d]: ", i), err)
		}
		all = append(all, objects...)
	}
	return all, nil
}

func (h *head) object(kind, version string) (model.Object, error) {
	group, version, found := strings.Cut(version, "/")
	if !found {
		group, version = "", group
	}
	o := model.Object{Key: model.ObjectKey{Group: group, Kind: kind}, Version: version}
	if h.Metadata == nil {
		return o, objectError(o.Key, "metadata is missing")
	}
	var ok bool
	if o.Key.Name, ok = text(h.Metadata.Name); !ok {
		return o, objectError(o.Key, "metadata.name is not a string: put it in quotes")
	}
	if o.Key.Namespace, ok = text(h.Metadata.Namespace); !ok {
		return o, objectError(o.Key, "metadata.namespace is not a string: put it in quotes")
	}
	if generate, _ := text(h.Metadata.GenerateName); o.Key.Name == "" && generate == "" {
		return o, objectError(o.Key, "metadata.name is empty")
	}
	for field, values := range map[string]map[string]any{"labels": h.Metadata.Labels, "annotations": h.Metadata.Annotations} {
		for _, key := range sortedKeys(values) {
			if _, ok := text(values[key]); !ok {
				return o, objectError(o.Key, "metadata."+field+": the value of "+strconv.Quote(key)+" is not a string: put it in quotes")
			}
		}
	}
	if wave, _ := text(h.Metadata.Annotations[waveAnnotation]); wave != "" {
		n, err := strconv.Atoi(strings.TrimSpace(wave))
		if err != nil {
			return o, objectError(o.Key, "annotation "+waveAnnotation+" is not a whole number")
		}
		o.Wave = n
	}
	return o, nil
}

// text is v as a string; null is the empty one, as the API server has it.
func text(v any) (string, bool) {
	if v == nil {
		return "", true
	}
	s, ok := v.(string)
	return s, ok
}

func marked(body []byte, mark Mark) ([]byte, error) {
	if mark == nil {
		return bytes.Clone(body), nil
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var object map[string]any
	if err := dec.Decode(&object); err != nil {
		return nil, fmt.Errorf("decoding object: %w", err)
	}
	mark(object)
	return json.Marshal(object)
}

func typeError(err error) string {
	var t *json.UnmarshalTypeError
	if errors.As(err, &t) {
		return fmt.Sprintf("%s is a %s where a map is needed", t.Field, t.Value)
	}
	return err.Error()
}

func invalid(format string, args ...any) error {
	return &model.Error{Kind: model.ErrInvalid, Reason: "InvalidObject", Msg: fmt.Sprintf(format, args...)}
}

func objectError(key model.ObjectKey, msg string) error {
	return &model.Error{Kind: model.ErrInvalid, Reason: "InvalidObject", Object: key, Msg: msg}
}

func prefixed(prefix string, err error) error {
	var e *model.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("%s%w", prefix, err)
	}
	c := *e
	c.Msg = prefix + c.Msg
	return &c
}
