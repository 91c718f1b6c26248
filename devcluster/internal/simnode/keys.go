package simnode

import (
	"context"
	"fmt"
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// keys knows which Secrets and ConfigMaps exist and which keys they have. It implements
// source. Values are dropped as they arrive and never kept.
type keys struct {
	configMaps, secrets cache.SharedIndexInformer
	changed             func(namespace string)
}

// newKeys returns keys that call changed after an object has come or has got other keys.
func newKeys(client kubernetes.Interface, changed func(namespace string)) *keys {
	core := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTransform(dropValues)).Core().V1()
	return &keys{configMaps: core.ConfigMaps().Informer(), secrets: core.Secrets().Informer(), changed: changed}
}

func (k *keys) start(ctx context.Context, wait *sync.WaitGroup) {
	tell := func(o any) {
		if object, err := meta.Accessor(o); err == nil {
			k.changed(object.GetNamespace())
		}
	}
	for _, informer := range []cache.SharedIndexInformer{k.configMaps, k.secrets} {
		_, _ = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    tell,
			UpdateFunc: func(_, o any) { tell(o) },
		})
		wait.Go(func() { informer.RunWithContext(ctx) })
	}
}

func (k *keys) synced() bool { return k.configMaps.HasSynced() && k.secrets.HasSynced() }

func (k *keys) configMapKeys(namespace, name string) (map[string]bool, bool) {
	o, found, err := k.configMaps.GetStore().GetByKey(namespace + "/" + name)
	c, ok := o.(*v1.ConfigMap)
	if err != nil || !found || !ok {
		return nil, false
	}
	names := map[string]bool{}
	for key := range c.Data {
		names[key] = true
	}
	for key := range c.BinaryData {
		names[key] = true
	}
	return names, true
}

func (k *keys) secretKeys(namespace, name string) (map[string]bool, bool) {
	o, found, err := k.secrets.GetStore().GetByKey(namespace + "/" + name)
	s, ok := o.(*v1.Secret)
	if err != nil || !found || !ok {
		return nil, false
	}
	names := map[string]bool{}
	for key := range s.Data {
		names[key] = true
	}
	return names, true
}

// dropValues keeps of an object its name and the names of its keys.
func dropValues(o any) (any, error) {
	switch object := o.(type) {
	case *v1.ConfigMap:
		for key := range object.Data {
			object.Data[key] = ""
		}
		for key := range object.BinaryData {
			object.BinaryData[key] = nil
		}
		object.ManagedFields, object.Annotations, object.Labels = nil, nil, nil
	case *v1.Secret:
		for key := range object.Data {
			object.Data[key] = nil
		}
		object.ManagedFields, object.Annotations, object.Labels = nil, nil, nil
	case cache.DeletedFinalStateUnknown:
	default:
		return nil, fmt.Errorf("dropping values of %T", o)
	}
	return o, nil
}
