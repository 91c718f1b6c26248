package cluster

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"path/filepath"
)

// Kinds of node.
const (
	NodeAuto       = "auto"
	NodeNone       = "none"
	NodeSimulated  = "simulated"
	NodeContainerd = "containerd"
)

// NodeName is the name of the cluster's one node.
const NodeName = "fairlead-node"

// Options is what a cluster is told.
type Options struct {
	// Dir holds everything the cluster keeps.
	Dir string
	// Node is one of the kinds above.
	Node string
	// Port is the API server's; 0 takes the port of the run before, or a free one.
	Port int
	// AuditLog is a file for one JSON line a request, or empty.
	AuditLog string
	// Authentication is a file with the API server's AuthenticationConfiguration (whose tokens
	// it accepts beside certificates and service accounts), or empty.
	Authentication string
	// ServiceCIDR and PodCIDR are the ranges of Service and pod addresses.
	ServiceCIDR, PodCIDR string
	// Fresh forgets the data of runs before.
	Fresh bool
	// Verbosity is klog's.
	Verbosity int
	// RegistryMirrors maps a registry host to the HTTP endpoint that answers for it.
	RegistryMirrors map[string]string
	// RegistryOverlays likewise, but what the endpoint does not have comes from the host itself.
	RegistryOverlays map[string]string
	// Log receives what a person watching should know, one line at a time.
	Log io.Writer
}

// Info describes a cluster that is ready.
type Info struct {
	Kubeconfig string `json:"kubeconfig"`
	Server     string `json:"server"`
	Version    string `json:"version"`
	// Node is the kind of node that runs, NodeReason why it is that and what to install
	// for another.
	Node       string `json:"node"`
	NodeReason string `json:"nodeReason"`
	PID        int    `json:"pid"`
	// Startup is how long it took to become ready.
	Startup string `json:"startup"`
}

// ranges are the address ranges after checking.
type ranges struct {
	// service is the first Service address, which is that of Service default/kubernetes.
	service net.IP
	// gateway is the first pod address, under which pods reach the API server.
	gateway net.IP
}

// Validate says what is wrong with what the cluster is told, before anything is touched.
func (o Options) Validate() error {
	_, err := o.validate()
	return err
}

func (o *Options) validate() (ranges, error) {
	var r ranges
	switch o.Node {
	case NodeAuto, NodeNone, NodeSimulated, NodeContainerd:
	default:
		return r, fmt.Errorf("parsing --node: %q is none of auto, none, simulated, containerd", o.Node)
	}
	if o.Dir == "" {
		return r, fmt.Errorf("parsing --dir: a directory is needed")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return r, fmt.Errorf("parsing --dir: %w", err)
	}
	o.Dir = dir
	service, err := parseRange("--service-cidr", o.ServiceCIDR)
	if err != nil {
		return r, err
	}
	pod, err := parseRange("--pod-cidr", o.PodCIDR)
	if err != nil {
		return r, err
	}
	if service.Overlaps(pod) {
		return r, fmt.Errorf("parsing --pod-cidr: %s overlaps the service range %s", pod, service)
	}
	r.service = net.IP(service.Addr().Next().AsSlice())
	r.gateway = net.IP(pod.Addr().Next().AsSlice())
	return r, nil
}

// parseRange accepts private IPv4 ranges: the cluster must not claim addresses that belong
// to someone else.
func parseRange(flag, value string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(value)
	if err != nil {
		return prefix, fmt.Errorf("parsing %s: %w", flag, err)
	}
	prefix = prefix.Masked()
	if !prefix.Addr().Is4() || !prefix.Addr().IsPrivate() || prefix.Bits() > 24 {
		return prefix, fmt.Errorf("parsing %s: %s is not a private IPv4 range of at least 256 addresses", flag, value)
	}
	return prefix, nil
}
