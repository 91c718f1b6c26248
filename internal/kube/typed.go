package kube

import (
	"net/http"

	"k8s.io/client-go/discovery"
	appsv1 "k8s.io/client-go/kubernetes/typed/apps/v1"
	authenticationv1 "k8s.io/client-go/kubernetes/typed/authentication/v1"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/flowcontrol"
)

// Typed has the clients of the groups that are spoken to by type. Those of all groups, which
// kubernetes.Clientset has, would be linked whether they are used or not.
type Typed struct {
	core           *corev1.CoreV1Client
	apps           *appsv1.AppsV1Client
	authentication *authenticationv1.AuthenticationV1Client
	coordination   *coordinationv1.CoordinationV1Client
	discovery      *discovery.DiscoveryClient
}

// NewTyped makes clients that share connections and one limit on requests, as a Clientset does. Without
// client they get one of their own. Nothing is sent.
func NewTyped(cfg *rest.Config, client *http.Client) (*Typed, error) {
	shared := rest.CopyConfig(cfg)
	if shared.UserAgent == "" {
		shared.UserAgent = rest.DefaultKubernetesUserAgent()
	}
	if shared.RateLimiter == nil && shared.QPS > 0 {
		shared.RateLimiter = flowcontrol.NewTokenBucketRateLimiter(shared.QPS, shared.Burst)
	}
	var err error
	if client == nil {
		if client, err = rest.HTTPClientFor(shared); err != nil {
			return nil, err
		}
	}
	t := &Typed{}
	if t.core, err = corev1.NewForConfigAndClient(shared, client); err == nil {
		t.apps, err = appsv1.NewForConfigAndClient(shared, client)
	}
	if err == nil {
		t.authentication, err = authenticationv1.NewForConfigAndClient(shared, client)
	}
	if err == nil {
		t.coordination, err = coordinationv1.NewForConfigAndClient(shared, client)
	}
	if err == nil {
		t.discovery, err = discovery.NewDiscoveryClientForConfigAndClient(shared, client)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// These are named as in kubernetes.Interface.

func (t *Typed) CoreV1() corev1.CoreV1Interface { return t.core }
func (t *Typed) AppsV1() appsv1.AppsV1Interface { return t.apps }
func (t *Typed) AuthenticationV1() authenticationv1.AuthenticationV1Interface {
	return t.authentication
}
func (t *Typed) CoordinationV1() coordinationv1.CoordinationV1Interface { return t.coordination }
func (t *Typed) Discovery() discovery.DiscoveryInterfaces               { return t.discovery }
