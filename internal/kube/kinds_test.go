package kube

import (
	"context"
	"errors"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/discovery"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// server is discovery as a test wants it.
type server struct {
	lists []*metav1.APIResourceList
	err   error
	asked int
}

func (s *server) ServerVersionWithContext(context.Context) (*version.Info, error) {
	return &version.Info{GitVersion: "v1.36.3"}, nil
}

func (s *server) ServerGroupsAndResourcesWithContext(context.Context) ([]*metav1.APIGroup, []*metav1.APIResourceList, error) {
	s.asked++
	var groups []*metav1.APIGroup
	for _, l := range s.lists {
		gv, _ := schema.ParseGroupVersion(l.GroupVersion)
		v := metav1.GroupVersionForDiscovery{GroupVersion: l.GroupVersion, Version: gv.Version}
		i := slices.IndexFunc(groups, func(g *metav1.APIGroup) bool { return g.Name == gv.Group })
		if i < 0 {
			groups = append(groups, &metav1.APIGroup{Name: gv.Group, PreferredVersion: v})
			i = len(groups) - 1
		}
		groups[i].Versions = append(groups[i].Versions, v)
	}
	return groups, s.lists, s.err
}

func list(gv string, kinds ...string) *metav1.APIResourceList {
	l := &metav1.APIResourceList{GroupVersion: gv}
	for _, k := range kinds {
		l.APIResources = append(l.APIResources, metav1.APIResource{Name: "the" + k, Kind: k, Namespaced: true}, metav1.APIResource{Name: "the" + k + "/scale", Kind: "Scale"})
	}
	return l
}

var metrics = schema.GroupVersionKind{Group: "metrics.example.com", Version: "v1", Kind: "Load"}

func TestKinds(t *testing.T) {
	ctx := context.Background()
	s := &server{lists: []*metav1.APIResourceList{list("apps/v1", "Deployment"), list("apps/v1beta1", "Deployment", "Old"), list("metrics.example.com/v1", "Load")}}
	c := &Client{kinds: &kinds{source: s}}
	caps, err := c.Capabilities(ctx)
	want := []string{"apps/v1", "apps/v1/Deployment", "apps/v1/Scale", "apps/v1beta1", "apps/v1beta1/Deployment", "apps/v1beta1/Old", "apps/v1beta1/Scale",
		"metrics.example.com/v1", "metrics.example.com/v1/Load", "metrics.example.com/v1/Scale"}
	if err != nil || caps.KubeVersion != "v1.36.3" || !slices.Equal(caps.APIVersions, want) {
		t.Fatalf("%v %v", caps, err)
	}
	for gvk, resource := range map[schema.GroupVersionKind]string{
		{Group: "apps", Version: "v1", Kind: "Deployment"}:      "apps/v1, Resource=theDeployment",
		{Group: "apps", Version: "v1beta1", Kind: "Deployment"}: "apps/v1beta1, Resource=theDeployment",
		{Group: "apps", Kind: "Deployment"}:                     "apps/v1, Resource=theDeployment",
		{Group: "apps", Kind: "Old"}:                            "apps/v1beta1, Resource=theOld",
	} {
		if m, err := c.Mapping(ctx, gvk); err != nil || m.Resource.String() != resource {
			t.Errorf("%v: %v %v", gvk, m, err)
		}
	}
	if s.asked != 1 {
		t.Errorf("asked %d times", s.asked)
	}
	for range 5 {
		_, err = c.Mapping(ctx, schema.GroupVersionKind{Group: "apps", Version: "v2", Kind: "Deployment"})
	}
	var e *model.Error
	if !errors.As(err, &e) || e.Reason != ReasonUnknownKind || e.Next != "use apiVersion apps/v1" {
		t.Errorf("%v, next %q", err, e.Next)
	}
	if s.asked != 1 {
		t.Errorf("an unknown kind made %d readings within a second", s.asked-1)
	}
}

// TestDiscoveryErrorsAreNotEmptiness lets the server fail to tell of a group, and then of anything.
func TestDiscoveryErrorsAreNotEmptiness(t *testing.T) {
	ctx := context.Background()
	s := &server{lists: []*metav1.APIResourceList{list("apps/v1", "Deployment"), list("metrics.example.com/v1", "Load")}}
	c := &Client{kinds: &kinds{source: s}}
	before, err := c.Capabilities(ctx)
	if err != nil {
		t.Fatal(err)
	}
	down := &discovery.ErrGroupDiscoveryFailed{Groups: map[schema.GroupVersion]error{metrics.GroupVersion(): errors.New("503")}}
	s.lists, s.err = s.lists[:1], down
	c.Invalidate()
	after, err := c.Capabilities(ctx)
	if err != nil || !slices.Equal(before.APIVersions, after.APIVersions) {
		t.Errorf("with a group down: %v %v", after, err)
	}
	if _, err := c.Mapping(ctx, metrics); err != nil {
		t.Error(err)
	}
	if known, err := c.Known(ctx, metrics); err != nil || !known {
		t.Errorf("known %v, %v", known, err)
	}
	other := metrics
	other.Kind = "Other"
	if _, err := c.Mapping(ctx, other); model.KindOf(err) != model.ErrTransient {
		t.Errorf("a kind that may exist: %v", err)
	}
	if known, err := c.Known(ctx, other); err == nil {
		t.Errorf("a kind that may exist is known: %v", known)
	}

	s.err = errors.New("connection refused")
	c.Invalidate()
	if _, err := c.Mapping(ctx, metrics); err != nil {
		t.Errorf("a known kind with the server down: %v", err)
	}
	if _, err := c.Capabilities(ctx); err == nil {
		t.Error("capabilities with the server down")
	}
	s.err, s.lists = nil, []*metav1.APIResourceList{list("apps/v1", "Deployment")}
	if _, err := c.Mapping(ctx, metrics); model.ReasonOf(err, "") != ReasonUnknownKind {
		t.Errorf("a kind that is gone: %v", err)
	}
}

func TestLearn(t *testing.T) {
	ctx := context.Background()
	s := &server{lists: []*metav1.APIResourceList{list("apps/v1", "Deployment")}}
	c := &Client{kinds: &kinds{source: s}}
	m := Mapping{Resource: metrics.GroupVersion().WithResource("loads"), Namespaced: true}
	c.Learn(metrics, m)
	if got, err := c.Mapping(ctx, metrics); err != nil || got != m || !c.Learned(metrics) {
		t.Errorf("%v %v", got, err)
	}
	c.Forget("loads.metrics.example.com")
	if _, err := c.Mapping(ctx, metrics); model.ReasonOf(err, "") != ReasonUnknownKind {
		t.Errorf("a kind that was deleted: %v", err)
	}
	// Discovery that tells of the kind itself ends the learning.
	c.Learn(metrics, m)
	s.lists = append(s.lists, list("metrics.example.com/v1", "Load"))
	c.Invalidate()
	if _, err := c.Mapping(ctx, metrics); err != nil || c.Learned(metrics) {
		t.Errorf("%v", err)
	}
}
