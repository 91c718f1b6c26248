package node

import (
	"context"
	"io"
)

// Config is what any node needs to join the cluster.
type Config struct {
	// Dir is a directory of the node's own, kept between runs.
	Dir string
	// Kubeconfig is the path of a kubeconfig with cluster-admin rights.
	Kubeconfig string
	// CACert and CAKey are PEM files of the cluster's certificate authority. Client
	// certificates it signs are accepted by the API server, and it alone vouches for
	// the node's serving certificate: the API server refuses logs and exec from a
	// kubelet whose certificate it did not sign for the node's address.
	CACert, CAKey string
	// Server is the API server's address, https://127.0.0.1:PORT.
	Server string
	// Advertise is host:port under which pods reach the API server, also the endpoint
	// of Service default/kubernetes. The host is the first address of PodCIDR, which a
	// node that runs pods gives to its bridge; the cluster itself listens there.
	Advertise string
	// ServiceCIDR and PodCIDR are the ranges of Service and pod addresses.
	ServiceCIDR, PodCIDR string
	// NodeName is the name under which the node registers.
	NodeName string
	// RegistryMirrors maps a registry host to the plain HTTP endpoint that answers for it.
	RegistryMirrors map[string]string
	// RegistryOverlays likewise, but what the endpoint does not have comes from the host itself.
	RegistryOverlays map[string]string
	// Log receives what the node has to say, one line at a time.
	Log io.Writer
}

// Node is one node of the cluster.
//
// The order of calls is Cleanup, Start, Stop. Cleanup removes what a run that was
// killed left behind; it is idempotent and does nothing on a machine that is clean.
// Start returns when the Node object is Ready, or with the reason why it cannot be; the
// context bounds the starting alone, the node then runs until Stop. Stop ends the node
// and removes everything it made on the machine, also after a failed Start.
type Node interface {
	Start(ctx context.Context) error
	Stop() error
	Cleanup() error
}
