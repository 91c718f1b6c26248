package health

import (
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
)

// Cluster is a Reader over an API server.
type Cluster struct {
	typed   kubernetes.Interface
	dynamic dynamic.Interface
	mapper  meta.RESTMapper
}

// NewCluster reads through the given clients. The mapper tells the resource of kinds that are not
// built in; nil leaves those unread.
func NewCluster(typed kubernetes.Interface, dyn dynamic.Interface, mapper meta.RESTMapper) *Cluster {
	return &Cluster{typed: typed, dynamic: dyn, mapper: mapper}
}
