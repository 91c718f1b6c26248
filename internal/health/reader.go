package health

import (
	"context"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Reader is what diagnosis asks of a cluster. Cluster implements it over an API server.
//
// An object that does not exist is an error for which apierrors.IsNotFound is true; any other
// error means "not known" and never stands for absence.
type Reader interface {
	// Object reads one object of any kind.
	Object(ctx context.Context, key model.ObjectKey) (map[string]any, error)
	ReplicaSets(ctx context.Context, namespace string, selector labels.Selector) ([]appsv1.ReplicaSet, error)
	Pods(ctx context.Context, namespace string, selector labels.Selector) ([]corev1.Pod, error)
	// Events lists what was reported about one object, oldest first.
	Events(ctx context.Context, key model.ObjectKey) ([]corev1.Event, error)
	// Log reads the last lines a container wrote: whole lines, at least LogLines of them where
	// there are so many, bounded in size. The caller strikes out secrets before it cuts lines
	// down, so that half a secret is never mistaken for none.
	Log(ctx context.Context, pod model.ObjectKey, container string, previous bool) (string, error)
	// Keys lists the keys of a Secret or ConfigMap, without their values.
	Keys(ctx context.Context, key model.ObjectKey) ([]DataKey, error)
	// SecretValues gives a Secret's values for one purpose: to strike them out of text.
	SecretValues(ctx context.Context, namespace, name string) ([]string, error)
}

// DataKey is one key of a Secret or ConfigMap.
type DataKey struct {
	Name  string
	Empty bool // the value has no bytes
}

func sortKeys(keys []DataKey) []DataKey {
	slices.SortFunc(keys, func(a, b DataKey) int { return strings.Compare(a.Name, b.Name) })
	return keys
}

// Bounds of what is told of a container's log.
const (
	LogLines = 10
	LogBytes = 2 << 10
)
