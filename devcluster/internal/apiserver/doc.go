// Package apiserver runs kube-apiserver inside this process.
//
// In go a listener, certificates and the database's endpoint; out comes an API with
// node and RBAC authorization. It is driven through the component's own flags, so that
// what runs is what the Kubernetes reference describes. It keeps the API server's own
// calls to pods and Services (webhooks, aggregated APIs, proxying) on this machine when
// asked to, and never opens a port besides the listener it is given.
package apiserver
