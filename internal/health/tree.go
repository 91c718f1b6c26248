package health

import (
	"context"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Node is one object in a status tree, with what belongs to it: a Deployment has its current
// ReplicaSet, which has its Pods.
type Node struct {
	Key      model.ObjectKey `json:"key"`
	Health   model.Health    `json:"health"`
	Children []Node          `json:"children,omitempty"`
}

// Tree reads the objects in keys and what belongs to them. An object that cannot be read is
// Unknown, with the reason as its message; one that does not exist is Missing.
func Tree(ctx context.Context, r Reader, keys []model.ObjectKey) []Node {
	nodes := make([]Node, 0, len(keys))
	d := &diagnosis{r: r}
	for _, k := range keys {
		nodes = append(nodes, d.node(ctx, k))
	}
	return nodes
}

func (d *diagnosis) node(ctx context.Context, key model.ObjectKey) Node {
	n := Node{Key: key}
	if !HasRule(key.Group, key.Kind) && key.Kind == "Secret" {
		// A Secret is not read for its health alone; its keys tell that it is there.
		_, err := d.r.Keys(ctx, key)
		n.Health = existence(err)
		return n
	}
	obj, err := d.r.Object(ctx, key)
	if err != nil {
		n.Health = existence(err)
		return n
	}
	n.Health = Of(obj)
	n.Children, err = d.children(ctx, key, obj)
	if err != nil {
		n.Children = []Node{{
			Key:    model.ObjectKey{Kind: "Pod", Namespace: key.Namespace, Name: "?"},
			Health: model.Health{Status: model.Unknown, Reason: "Unreadable", Message: oneLine(err.Error())},
		}}
	}
	return n
}

// existence is the health of an object of which only an attempt to read it is known.
func existence(err error) model.Health {
	switch {
	case err == nil:
		return model.Health{Status: model.Healthy}
	case apierrors.IsNotFound(err):
		return model.Health{Status: model.Missing, Reason: "Missing", Message: "does not exist"}
	}
	return model.Health{Status: model.Unknown, Reason: "Unreadable", Message: oneLine(err.Error())}
}

func (d *diagnosis) children(ctx context.Context, key model.ObjectKey, obj content) ([]Node, error) {
	switch (groupKind{key.Group, key.Kind}) {
	case groupKind{"apps", "Deployment"}:
		return d.currentSetNode(ctx, obj)
	case groupKind{"apps", "StatefulSet"}, groupKind{"apps", "DaemonSet"}, groupKind{"apps", "ReplicaSet"}:
		var selector metav1.LabelSelector
		if err := decode(obj.at("spec", "selector"), &selector); err != nil {
			return nil, err
		}
		pods, err := d.podsOf(ctx, key.Namespace, &selector, obj.str("metadata", "uid"))
		return podNodes(pods), err
	case groupKind{"batch", "Job"}:
		uid := obj.str("metadata", "uid")
		pods, err := d.podsBy(ctx, key.Namespace, labels.Set{labelControllerUID: uid}.AsSelector(), uid)
		return podNodes(pods), err
	}
	return nil, nil
}

func (d *diagnosis) currentSetNode(ctx context.Context, obj content) ([]Node, error) {
	var dep appsv1.Deployment
	if err := decode(obj, &dep); err != nil {
		return nil, err
	}
	sets, err := d.replicaSets(ctx, &dep)
	if err != nil {
		return nil, err
	}
	set := currentSet(sets)
	if set == nil {
		return nil, nil
	}
	pods, err := d.podsOf(ctx, dep.Namespace, set.Spec.Selector, set.UID)
	if err != nil {
		return nil, err
	}
	n := Node{
		Key:      model.ObjectKey{Group: "apps", Kind: "ReplicaSet", Namespace: set.Namespace, Name: set.Name},
		Health:   typedHealth("apps/v1", "ReplicaSet", set),
		Children: podNodes(pods),
	}
	if rev := set.Annotations[annRevision]; rev != "" {
		n.Health.Message = strings.TrimSuffix("revision "+rev+", "+n.Health.Message, ", ")
	}
	return []Node{n}, nil
}

func podNodes(pods []corev1.Pod) []Node {
	var nodes []Node
	for i := range pods {
		nodes = append(nodes, Node{Key: podKey(&pods[i]), Health: typedHealth("v1", "Pod", &pods[i])})
	}
	return nodes
}

// typedHealth judges an object that came from a typed list, whose items leave out their kind.
func typedHealth(apiVersion, kind string, obj any) model.Health {
	m, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		return model.Health{Status: model.Unknown, Message: oneLine(err.Error())}
	}
	m["apiVersion"], m["kind"] = apiVersion, kind
	return Of(m)
}
