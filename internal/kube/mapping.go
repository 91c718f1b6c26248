package kube

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

const (
	// rereadAfter bounds how often an unknown kind makes discovery run again.
	rereadAfter = time.Second
	// forgetAfter is how long discovery may lag behind a CRD that was applied.
	forgetAfter = 30 * time.Second
)

// Mapping is where the objects of a kind are served.
type Mapping struct {
	Resource   schema.GroupVersionResource
	Namespaced bool
}

// Scope tells whether objects of a kind live in a namespace; version may be empty. A kind that is
// not known makes discovery run again, at most once a second. The error for a kind that the cluster
// does not have is a *model.Error with Reason "UnknownKind".
func (c *Client) Scope(ctx context.Context, gvk schema.GroupVersionKind) (namespaced bool, err error) {
	m, err := c.kinds.mapping(ctx, gvk)
	return m.Namespaced, err
}

// Mapping is Scope with the resource as well.
func (c *Client) Mapping(ctx context.Context, gvk schema.GroupVersionKind) (Mapping, error) {
	return c.kinds.mapping(ctx, gvk)
}

// Capabilities is what charts may ask of the cluster: its version and its API versions as Helm
// lists them. It is read once and again after Invalidate. The slice is shared: do not change it.
func (c *Client) Capabilities(ctx context.Context) (model.Capabilities, error) {
	t, err := c.kinds.current(ctx)
	if err != nil {
		return model.Capabilities{}, err
	}
	return t.capabilities, nil
}

// Known tells whether discovery, as it was read last or after Invalidate, has a kind. It fails when
// discovery could not tell.
func (c *Client) Known(ctx context.Context, gvk schema.GroupVersionKind) (bool, error) {
	t, err := c.kinds.current(ctx)
	if err != nil {
		return false, err
	}
	if _, ok := t.kinds[gvk]; ok {
		return true, nil
	}
	if t.failed[gvk.Group] {
		return false, &model.Error{
			Kind: model.ErrTransient, Reason: "DiscoveryFailed", Msg: "the API server could not tell the kinds of " + gvk.Group,
		}
	}
	return false, nil
}

// Invalidate makes the next question about kinds read discovery again: a CRD came or went.
func (c *Client) Invalidate() { c.kinds.invalidate() }

// Learn adds a kind before discovery tells of it: the CRD was applied a moment ago and says all
// there is to know.
func (c *Client) Learn(gvk schema.GroupVersionKind, m Mapping) { c.kinds.learn(gvk, m) }

// Learned tells whether a kind is known by Learn alone: servers may take a moment to serve it.
func (c *Client) Learned(gvk schema.GroupVersionKind) bool {
	c.kinds.mu.Lock()
	defer c.kinds.mu.Unlock()
	l, ok := c.kinds.learned[gvk]
	return ok && time.Since(l.at) < forgetAfter
}

// Forget takes back what was learned of a CustomResourceDefinition, named "plural.group": it is
// deleted.
func (c *Client) Forget(crd string) {
	k := c.kinds
	k.mu.Lock()
	defer k.mu.Unlock()
	for gvk, l := range k.learned {
		if l.Resource.GroupResource().String() == crd {
			delete(k.learned, gvk)
		}
	}
	k.stale = true
}

// kinds is the REST mapping and discovery of one server, cached.
type kinds struct {
	source discovery.DiscoveryInterfaceWithContext

	mu      sync.Mutex
	table   *kindTable // nil before the first read
	learned map[schema.GroupVersionKind]learned
	stale   bool
}

// learned is a kind that discovery may not tell of yet.
type learned struct {
	Mapping
	at time.Time
}

// kindTable is one reading of discovery; it does not change.
type kindTable struct {
	at           time.Time
	kinds        map[schema.GroupVersionKind]Mapping
	preferred    map[schema.GroupKind]string // version
	failed       map[string]bool             // groups of which discovery told nothing
	capabilities model.Capabilities
}

// when the table was read; long ago when it never was.
func (t *kindTable) when() time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.at
}

func (k *kinds) invalidate() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stale = true
}

func (k *kinds) learn(gvk schema.GroupVersionKind, m Mapping) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.learned == nil {
		k.learned = map[schema.GroupVersionKind]learned{}
	}
	k.learned[gvk] = learned{m, time.Now()}
}

func (k *kinds) mapping(ctx context.Context, gvk schema.GroupVersionKind) (Mapping, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var trouble error
	if k.table == nil || k.stale {
		trouble = k.read(ctx)
	}
	// What was known is still an answer when the server cannot be asked now.
	if m, ok := k.find(gvk); ok {
		return m, nil
	}
	if trouble != nil {
		return Mapping{}, trouble
	}
	if time.Since(k.table.at) > rereadAfter {
		if err := k.read(ctx); err != nil {
			return Mapping{}, err
		}
		if m, ok := k.find(gvk); ok {
			return m, nil
		}
	}
	what := gvk.Kind
	if gvk.Version != "" {
		what = gvk.GroupVersion().String() + " " + gvk.Kind
	}
	if k.table.failed[gvk.Group] {
		return Mapping{}, &model.Error{
			Kind: model.ErrTransient, Reason: "DiscoveryFailed",
			Msg: fmt.Sprintf("the API server could not tell the kinds of %s, so %s may exist or not", gvk.Group, what),
		}
	}
	return Mapping{}, &model.Error{
		Kind: model.ErrInvalid, Reason: ReasonUnknownKind, Msg: "the cluster has no kind " + what, Next: k.hint(gvk),
	}
}

// hint tells which version of a kind would have been right.
func (k *kinds) hint(gvk schema.GroupVersionKind) string {
	if v, ok := k.table.preferred[gvk.GroupKind()]; ok {
		return "use apiVersion " + schema.GroupVersion{Group: gvk.Group, Version: v}.String()
	}
	return "install its CustomResourceDefinition first, or correct apiVersion and kind"
}

func (k *kinds) find(gvk schema.GroupVersionKind) (Mapping, bool) {
	if l, ok := k.learned[gvk]; ok {
		return l.Mapping, true
	}
	if gvk.Version == "" {
		for known, l := range k.learned {
			if known.GroupKind() == gvk.GroupKind() {
				return l.Mapping, true
			}
		}
	}
	if k.table == nil {
		return Mapping{}, false
	}
	if gvk.Version == "" {
		gvk.Version = k.table.preferred[gvk.GroupKind()]
	}
	m, ok := k.table.kinds[gvk]
	return m, ok
}

func (k *kinds) current(ctx context.Context) (*kindTable, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	// As long as discovery lags behind a CRD that we applied, the table is not complete.
	lagging := len(k.learned) > 0 && time.Since(k.table.when()) > rereadAfter
	if k.table == nil || k.stale || lagging {
		if err := k.read(ctx); err != nil {
			return nil, err
		}
	}
	return k.table, nil
}

// read asks the server. What it cannot tell now is kept from the last reading: an aggregated API
// that is down does not make its kinds, or a chart's capabilities, disappear.
func (k *kinds) read(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	version, err := k.source.ServerVersionWithContext(ctx)
	if err != nil {
		return describe("reading the server's version", model.ObjectKey{}, err)
	}
	groups, lists, err := k.source.ServerGroupsAndResourcesWithContext(ctx)
	var partial *discovery.ErrGroupDiscoveryFailed
	if err != nil && !errors.As(err, &partial) {
		return describe("reading the server's kinds", model.ObjectKey{}, err)
	}
	t := &kindTable{
		at: time.Now(), kinds: map[schema.GroupVersionKind]Mapping{},
		preferred: map[schema.GroupKind]string{}, failed: map[string]bool{},
	}
	apis := map[string]bool{}
	for _, l := range lists {
		t.add(l, apis)
	}
	if partial != nil {
		for gv := range partial.Groups {
			t.failed[gv.Group] = true
			t.keep(gv, k.table, apis)
		}
	}
	for _, g := range groups {
		t.prefer(g, apis)
	}
	t.capabilities.KubeVersion = version.GitVersion
	for api := range apis {
		t.capabilities.APIVersions = append(t.capabilities.APIVersions, api)
	}
	slices.Sort(t.capabilities.APIVersions)
	for gvk, l := range k.learned {
		if _, ok := t.kinds[gvk]; ok || time.Since(l.at) > forgetAfter {
			delete(k.learned, gvk)
		}
	}
	k.stale = false
	k.table = t
	return nil
}

// add takes in one group version. Helm lists the kinds of subresources too.
func (t *kindTable) add(l *metav1.APIResourceList, apis map[string]bool) {
	gv, err := schema.ParseGroupVersion(l.GroupVersion)
	if err != nil {
		return
	}
	apis[l.GroupVersion] = true
	for _, r := range l.APIResources {
		if r.Kind == "" {
			continue
		}
		apis[path.Join(l.GroupVersion, r.Kind)] = true
		if strings.Contains(r.Name, "/") {
			continue
		}
		gvk := gv.WithKind(r.Kind)
		m := Mapping{Resource: gv.WithResource(r.Name), Namespaced: r.Namespaced}
		if old, ok := t.kinds[gvk]; ok && old.Resource.Resource <= r.Name {
			continue // one kind at two resources: always the same one
		}
		t.kinds[gvk] = m
	}
}

// keep carries a group version over from the last reading.
func (t *kindTable) keep(gv schema.GroupVersion, last *kindTable, apis map[string]bool) {
	if last == nil {
		return
	}
	for gvk, m := range last.kinds {
		if gvk.GroupVersion() == gv {
			t.kinds[gvk] = m
			t.preferred[gvk.GroupKind()] = gvk.Version
		}
	}
	for _, api := range last.capabilities.APIVersions {
		if api == gv.String() || strings.HasPrefix(api, gv.String()+"/") {
			apis[api] = true
		}
	}
}

// prefer notes which version of each kind of a group the server prefers: the group's preferred
// version when it has the kind, else the first that has it.
func (t *kindTable) prefer(g *metav1.APIGroup, apis map[string]bool) {
	versions := make([]string, 0, len(g.Versions)+1)
	versions = append(versions, g.PreferredVersion.Version)
	for _, v := range g.Versions {
		apis[v.GroupVersion] = true
		versions = append(versions, v.Version)
	}
	slices.Reverse(versions)
	for _, v := range versions {
		for gvk := range t.kinds {
			if gvk.Group == g.Name && gvk.Version == v {
				t.preferred[gvk.GroupKind()] = v
			}
		}
	}
}
