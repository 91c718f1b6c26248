package kube

import (
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/kubernetes/scheme"
)

// builtin are the kinds that client-go has Go types for. It is a scheme of our own, because
// client-go's is the whole program's: Helm adds CustomResourceDefinitions to it, which would then
// arrive as a Go type in the program, and as unstructured objects in tests. It
// is made when a cluster is first spoken to.
var (
	builtin       = sync.OnceValue(newBuiltin)
	builtinCodecs = sync.OnceValue(func() serializer.CodecFactory { return serializer.NewCodecFactory(builtin()) })
)

func newBuiltin() *runtime.Scheme {
	s := runtime.NewScheme()
	metav1.AddToGroupVersion(s, schema.GroupVersion{Version: "v1"}) // Status, WatchEvent
	utilruntime.Must(scheme.AddToScheme(s))
	return s
}
