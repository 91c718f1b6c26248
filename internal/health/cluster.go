package health

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	appsv1client "k8s.io/client-go/kubernetes/typed/apps/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Bounds of what is read of a cluster.
const (
	maxPods     = 500
	maxEvents   = 500
	maxSets     = 200
	logRead     = 64 << 10
	logDeadline = 5 * time.Second
)

// Cluster is a Reader over an API server.
type Cluster struct {
	typed   typed
	dynamic dynamic.Interface
	mapper  meta.RESTMapper
}

// typed are clients of the kinds that are read by type.
type typed interface {
	CoreV1() corev1client.CoreV1Interface
	AppsV1() appsv1client.AppsV1Interface
}

// NewCluster reads through the given clients. The mapper tells the resource of kinds that are not
// built in; nil leaves those unread.
func NewCluster(typed typed, dyn dynamic.Interface, mapper meta.RESTMapper) *Cluster {
	return &Cluster{typed: typed, dynamic: dyn, mapper: mapper}
}

// builtIn spares the discovery of what every cluster serves.
var builtIn = map[groupKind]schema.GroupVersionResource{
	{"apps", "Deployment"}:        {Group: "apps", Version: "v1", Resource: "deployments"},
	{"apps", "ReplicaSet"}:        {Group: "apps", Version: "v1", Resource: "replicasets"},
	{"apps", "StatefulSet"}:       {Group: "apps", Version: "v1", Resource: "statefulsets"},
	{"apps", "DaemonSet"}:         {Group: "apps", Version: "v1", Resource: "daemonsets"},
	{"batch", "Job"}:              {Group: "batch", Version: "v1", Resource: "jobs"},
	{"batch", "CronJob"}:          {Group: "batch", Version: "v1", Resource: "cronjobs"},
	{"", "Pod"}:                   {Version: "v1", Resource: "pods"},
	{"", "Service"}:               {Version: "v1", Resource: "services"},
	{"", "ServiceAccount"}:        {Version: "v1", Resource: "serviceaccounts"},
	{"", "ConfigMap"}:             {Version: "v1", Resource: "configmaps"},
	{"", "Secret"}:                {Version: "v1", Resource: "secrets"},
	{"", "Namespace"}:             {Version: "v1", Resource: "namespaces"},
	{"", "Node"}:                  {Version: "v1", Resource: "nodes"},
	{"", "PersistentVolumeClaim"}: {Version: "v1", Resource: "persistentvolumeclaims"},
}

// Object reads one object of any kind.
func (c *Cluster) Object(ctx context.Context, key model.ObjectKey) (map[string]any, error) {
	resource, ok := builtIn[groupKind{key.Group, key.Kind}]
	if !ok {
		gk := schema.GroupKind{Group: key.Group, Kind: key.Kind}
		if c.mapper == nil {
			return nil, &meta.NoKindMatchError{GroupKind: gk}
		}
		mapping, err := c.mapper.RESTMapping(gk)
		if err != nil {
			return nil, err
		}
		resource = mapping.Resource
	}
	var client dynamic.ResourceInterface = c.dynamic.Resource(resource)
	if key.Namespace != "" {
		client = c.dynamic.Resource(resource).Namespace(key.Namespace)
	}
	obj, err := client.Get(ctx, key.Name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return obj.Object, nil
}

// ReplicaSets lists the ReplicaSets that selector matches.
func (c *Cluster) ReplicaSets(ctx context.Context, namespace string, selector labels.Selector) ([]appsv1.ReplicaSet, error) {
	list, err := c.typed.AppsV1().ReplicaSets(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector.String(), Limit: maxSets})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// Pods lists the pods that selector matches.
func (c *Cluster) Pods(ctx context.Context, namespace string, selector labels.Selector) ([]corev1.Pod, error) {
	list, err := c.typed.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector.String(), Limit: maxPods})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// Events lists what was reported about one object.
func (c *Cluster) Events(ctx context.Context, key model.ObjectKey) ([]corev1.Event, error) {
	about := fields.Set{"involvedObject.kind": key.Kind, "involvedObject.name": key.Name}
	namespace := key.Namespace
	if namespace == "" {
		namespace = metav1.NamespaceDefault // where events about cluster-wide objects are kept
	}
	list, err := c.typed.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{FieldSelector: about.String(), Limit: maxEvents})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// Log reads the last lines a container wrote.
func (c *Cluster) Log(ctx context.Context, pod model.ObjectKey, container string, previous bool) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, logDeadline)
	defer cancel()
	tail, limit := int64(2*LogLines), int64(logRead)
	stream, err := c.typed.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{
		Container: container, Previous: previous, TailLines: &tail, LimitBytes: &limit,
	}).Stream(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = stream.Close() }()
	text, err := io.ReadAll(io.LimitReader(stream, logRead))
	if err != nil {
		return "", fmt.Errorf("reading the log of %s: %w", pod.Short(), err)
	}
	if len(text) == logRead {
		// The bound cuts the end; what is left of the last line may be half a secret.
		text = text[:bytes.LastIndexByte(text, '\n')+1]
	}
	return string(text), nil
}

// Keys lists the keys of a Secret or ConfigMap.
func (c *Cluster) Keys(ctx context.Context, key model.ObjectKey) ([]DataKey, error) {
	var keys []DataKey
	if key.Kind == "ConfigMap" {
		m, err := c.typed.CoreV1().ConfigMaps(key.Namespace).Get(ctx, key.Name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		for k, v := range m.Data {
			keys = append(keys, DataKey{k, v == ""})
		}
		for k, v := range m.BinaryData {
			keys = append(keys, DataKey{k, len(v) == 0})
		}
		return sortKeys(keys), nil
	}
	s, err := c.typed.CoreV1().Secrets(key.Namespace).Get(ctx, key.Name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	for k, v := range s.Data {
		keys = append(keys, DataKey{k, len(v) == 0})
	}
	return sortKeys(keys), nil
}

// SecretValues gives a Secret's values, to be struck out of text.
func (c *Cluster) SecretValues(ctx context.Context, namespace, name string) ([]string, error) {
	s, err := c.typed.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	values := make([]string, 0, len(s.Data))
	for _, v := range s.Data {
		values = append(values, string(v))
	}
	return values, nil
}
