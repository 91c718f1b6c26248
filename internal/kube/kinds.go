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

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/discovery"

	"github.com/fairlead-cd/fairlead/internal/model"
)

const (
	// rereadAfter bounds how often an unknown kind makes discovery run again.
	rereadAfter = time.Second
	// forgetAfter is how long discovery may lag behind a CRD that was applied.
	forgetAfter = 30 * time.Second
)

// discoverer is what is asked of client-go's discovery.
type discoverer interface {
	ServerVersionWithContext(context.Context) (*version.Info, error)
	ServerGroupsAndResourcesWithContext(context.Context) ([]*metav1.APIGroup, []*metav1.APIResourceList, error)
}

// kinds is the REST mapping and discovery of one server, cached.
type kinds struct {
	source discoverer

	reading sync.Mutex // held during a reading, so that there is one at a time

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
	m, ok, table, stale := k.find(gvk)
	if ok && !stale {
		return m, nil
	}
	if stale || time.Since(table.when()) > rereadAfter {
		err := k.read(ctx, table)
		if found, ok, _, _ := k.find(gvk); ok {
			return found, nil // as it was known, when the server cannot be asked now
		}
		if err != nil {
			return Mapping{}, err
		}
	}
	_, _, table, _ = k.find(gvk)
	what := gvk.Kind
	if gvk.Version != "" {
		what = gvk.GroupVersion().String() + " " + gvk.Kind
	}
	if table.failed[gvk.Group] {
		return Mapping{}, &model.Error{
			Kind: model.ErrTransient, Reason: "DiscoveryFailed",
			Msg: fmt.Sprintf("the API server could not tell the kinds of %s, so %s may exist or not", gvk.Group, what),
		}
	}
	return Mapping{}, &model.Error{
		Kind: model.ErrInvalid, Reason: ReasonUnknownKind, Msg: "the cluster has no kind " + what, Next: table.hint(gvk),
	}
}

// hint tells which version of a kind would have been right.
func (t *kindTable) hint(gvk schema.GroupVersionKind) string {
	if v, ok := t.preferred[gvk.GroupKind()]; ok {
		return "use apiVersion " + schema.GroupVersion{Group: gvk.Group, Version: v}.String()
	}
	return "install its CustomResourceDefinition first, or correct apiVersion and kind"
}

// find looks a kind up in what is known, and tells from which reading and whether a new one is due.
func (k *kinds) find(gvk schema.GroupVersionKind) (m Mapping, ok bool, from *kindTable, stale bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	from, stale = k.table, k.table == nil || k.stale
	for known, l := range k.learned {
		if known == gvk || gvk.Version == "" && known.GroupKind() == gvk.GroupKind() {
			return l.Mapping, true, from, stale
		}
	}
	if from == nil {
		return Mapping{}, false, nil, true
	}
	if gvk.Version == "" {
		gvk.Version = from.preferred[gvk.GroupKind()]
	}
	m, ok = from.kinds[gvk]
	return m, ok, from, stale
}

func (k *kinds) current(ctx context.Context) (*kindTable, error) {
	k.mu.Lock()
	table := k.table
	// As long as discovery lags behind a CRD that we applied, the table is not complete.
	lagging := len(k.learned) > 0 && time.Since(table.when()) > rereadAfter
	due := table == nil || k.stale || lagging
	k.mu.Unlock()
	if due {
		if err := k.read(ctx, table); err != nil {
			return nil, err
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		table = k.table
	}
	return table, nil
}

// read asks the server, unless someone did since the reading that was found wanting.
func (k *kinds) read(ctx context.Context, wanting *kindTable) error {
	k.reading.Lock()
	defer k.reading.Unlock()
	k.mu.Lock()
	last := k.table
	if last != wanting && !k.stale {
		k.mu.Unlock()
		return nil
	}
	k.stale = false // before asking: what is invalidated meanwhile needs another reading
	k.mu.Unlock()
	t, err := k.ask(ctx, last)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		k.stale = true
		return err
	}
	for gvk, l := range k.learned {
		if _, ok := t.kinds[gvk]; ok || time.Since(l.at) > forgetAfter {
			delete(k.learned, gvk)
		}
	}
	k.table = t
	return nil
}

// ask reads discovery. What the server cannot tell now is kept from the last reading: an aggregated
// API that is down does not make its kinds, or a chart's capabilities, disappear.
func (k *kinds) ask(ctx context.Context, last *kindTable) (*kindTable, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	info, err := k.source.ServerVersionWithContext(ctx)
	if err != nil {
		return nil, describe("reading the server's version", model.ObjectKey{}, err)
	}
	groups, lists, err := k.source.ServerGroupsAndResourcesWithContext(ctx)
	var partial *discovery.ErrGroupDiscoveryFailed
	if err != nil && !errors.As(err, &partial) {
		return nil, describe("reading the server's kinds", model.ObjectKey{}, err)
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
			t.keep(gv, last, apis)
		}
	}
	for _, g := range groups {
		t.prefer(g, apis)
	}
	t.capabilities.KubeVersion = info.GitVersion
	for api := range apis {
		t.capabilities.APIVersions = append(t.capabilities.APIVersions, api)
	}
	slices.Sort(t.capabilities.APIVersions)
	return t, nil
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
