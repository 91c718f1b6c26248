package helm

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/engine"
)

// Lookup is what a template asks of the cluster by Helm's function of that name. Without a name it
// asks for all objects of the kind, without a namespace for those of every one.
type Lookup struct {
	APIVersion, Kind string
	Namespace, Name  string
}

// String is for people.
func (l Lookup) String() string {
	s := l.APIVersion + " " + l.Kind
	if l.Name != "" {
		s += " " + l.Name
	}
	if l.Namespace != "" {
		s += " in namespace " + l.Namespace
	}
	return s
}

// Found is the answer to a Lookup: the object or the list as JSON, nothing where there is none.
type Found struct {
	Lookup
	Object     []byte
	Unreadable bool // it is an error to ask for it: the render fails there, so that its place is known
}

// NeedLookups says what of the cluster a chart asks for that the request did not hold. A chart that
// decides by one answer what to ask next needs several.
type NeedLookups struct {
	Missing []Lookup
}

// Error names the first of them.
func (n *NeedLookups) Error() string { return "the chart looks up " + n.Missing[0].String() }

// Unread is in the message of a template that fails because it asks for what is Unreadable.
func Unread(q Lookup) string { return "cannot read " + q.String() + " in the cluster" }

// lookups answers a chart's questions from what is known. It reaches no cluster: what is not known is
// noted, and answered as Helm answers for what does not exist.
type lookups struct {
	known   map[Lookup]Found
	failed  bool // something unreadable was asked for
	missing []Lookup
	noted   map[Lookup]bool
}

func newLookups(found []Found) *lookups {
	l := &lookups{known: map[Lookup]Found{}, noted: map[Lookup]bool{}}
	for _, f := range found {
		l.known[f.Lookup] = f
	}
	return l
}

// render executes a chart's templates with a cluster to look into.
func (l *lookups) render(c *chart.Chart, top common.Values) (map[string]string, error) {
	return engine.RenderWithClientProvider(c, top, l)
}

// GetClientFor is part of engine.ClientProvider. Every kind counts as namespaced, so that what a
// template says reaches Get and List; whoever asks the cluster knows better.
func (l *lookups) GetClientFor(apiVersion, kind string) (dynamic.NamespaceableResourceInterface, bool, error) {
	return &looking{of: l, at: Lookup{APIVersion: apiVersion, Kind: kind}}, true, nil
}

func (l *lookups) answer(q Lookup) ([]byte, error) {
	found, known := l.known[q]
	if found.Unreadable {
		l.failed = true
		return nil, errors.New(Unread(q))
	}
	if !known && !l.noted[q] {
		l.noted[q] = true
		l.missing = append(l.missing, q)
	}
	if len(found.Object) == 0 {
		gv, err := schema.ParseGroupVersion(q.APIVersion)
		if err != nil {
			return nil, fmt.Errorf("looking up %s: %w", q, err)
		}
		return nil, apierrors.NewNotFound(schema.GroupResource{Group: gv.Group, Resource: q.Kind}, q.Name)
	}
	return found.Object, nil
}

// looking is the part of a client that Helm's function uses.
type looking struct {
	dynamic.NamespaceableResourceInterface // nothing else is called
	of                                     *lookups
	at                                     Lookup
}

// Namespace is part of dynamic.NamespaceableResourceInterface.
func (k *looking) Namespace(ns string) dynamic.ResourceInterface {
	at := k.at
	at.Namespace = ns
	return &looking{of: k.of, at: at}
}

// Get is part of dynamic.ResourceInterface.
func (k *looking) Get(_ context.Context, name string, _ metav1.GetOptions, _ ...string) (*unstructured.Unstructured, error) {
	q := k.at
	q.Name = name
	text, err := k.of.answer(q)
	if err != nil {
		return nil, err
	}
	u := &unstructured.Unstructured{}
	return u, u.UnmarshalJSON(text)
}

// List is part of dynamic.ResourceInterface.
func (k *looking) List(context.Context, metav1.ListOptions) (*unstructured.UnstructuredList, error) {
	text, err := k.of.answer(k.at)
	if err != nil {
		return nil, err
	}
	u := &unstructured.UnstructuredList{}
	return u, u.UnmarshalJSON(text)
}

// hideFound hides the content of Secrets that were found: a template can quote it where it fails.
func hideFound(hide *mask, found []Found) {
	for _, f := range found {
		if f.Kind != "Secret" || len(f.Object) == 0 {
			continue
		}
		type secret struct {
			Data map[string]string `json:"data"`
		}
		var o struct {
			secret
			Items []secret `json:"items"`
		}
		if json.Unmarshal(f.Object, &o) != nil {
			continue
		}
		hide.layer()
		for _, s := range append(o.Items, o.secret) {
			for _, encoded := range s.Data {
				hide.scalar(encoded)
				if text, err := base64.StdEncoding.DecodeString(encoded); err == nil {
					hide.scalar(string(text))
				}
			}
		}
	}
}
