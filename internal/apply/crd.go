package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
)

const (
	kindCRD  = "CustomResourceDefinition"
	groupCRD = "apiextensions.k8s.io"

	establishTimeout = time.Minute
)

// establish waits, by watch, until the server serves the kind that a CustomResourceDefinition
// defines, and tells the client of it: discovery lags behind.
func (a *Applier) establish(ctx context.Context, gvk schema.GroupVersionKind, c model.Change) error {
	ctx, cancel := context.WithTimeout(ctx, establishTimeout)
	defer cancel()
	last := "no condition yet"
	err := a.retry(ctx, func(context.Context) error {
		w, err := a.own.Watch(ctx, gvk, kube.WatchOptions{Name: c.Key.Name, Full: true, TimeoutSeconds: 60})
		if err != nil {
			return err
		}
		defer w.Stop()
		for e := range w.ResultChan() {
			if e.Type == watch.Error {
				break
			}
			crd, ok := e.Object.(*unstructured.Unstructured)
			if !ok {
				continue
			}
			var done bool
			if done, last = established(crd); done {
				return nil
			}
		}
		return &model.Error{Kind: model.ErrTransient, Reason: "NotEstablished", Msg: "the server does not serve the kind: " + last}
	})
	if err != nil {
		return fmt.Errorf("waiting for the kind to be served: %w", err)
	}
	a.learn(c.Desired.Body)
	return nil
}

// established reads the conditions of a CustomResourceDefinition.
func established(crd *unstructured.Unstructured) (done bool, message string) {
	conditions, _, _ := unstructured.NestedSlice(crd.Object, "status", "conditions")
	message = "no condition yet"
	for _, c := range conditions {
		m, _ := c.(map[string]any)
		switch {
		case m["type"] == "Established" && m["status"] == "True":
			done = true
		case m["status"] == "False":
			message = fmt.Sprintf("%v: %v", m["reason"], m["message"])
		}
	}
	return done, message
}

// learn tells the client the kinds that a CustomResourceDefinition defines.
func (a *Applier) learn(body []byte) {
	var crd struct {
		Spec struct {
			Group    string
			Scope    string
			Names    struct{ Kind, Plural string }
			Versions []struct {
				Name   string
				Served bool
			}
		}
	}
	if json.Unmarshal(body, &crd) != nil {
		return // the server took it, so this cannot be; discovery will tell
	}
	for _, v := range crd.Spec.Versions {
		if !v.Served {
			continue
		}
		gv := schema.GroupVersion{Group: crd.Spec.Group, Version: v.Name}
		a.client.Learn(gv.WithKind(crd.Spec.Names.Kind), kube.Mapping{
			Resource: gv.WithResource(crd.Spec.Names.Plural), Namespaced: crd.Spec.Scope != "Cluster",
		})
	}
}
