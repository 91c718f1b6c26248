package certs

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// KubeletClientName is the name under which the API server calls a kubelet.
const KubeletClientName = "fairlead-apiserver-kubelet-client"

// Set is every file a control plane needs, as paths.
type Set struct {
	// CA signs every certificate but the aggregator's.
	CA *Authority
	// FrontProxyCA is the file of the authority behind the aggregator's client certificate.
	FrontProxyCA string
	// ServerCert and ServerKey are the API server's.
	ServerCert, ServerKey string
	// KubeletClientCert and KubeletClientKey identify the API server to kubelets.
	KubeletClientCert, KubeletClientKey string
	// ProxyClientCert and ProxyClientKey identify the aggregator to extension servers.
	ProxyClientCert, ProxyClientKey string
	// ServiceAccountKey signs service account tokens, ServiceAccountPublic verifies them.
	ServiceAccountKey, ServiceAccountPublic string
}

// LoadSet reads the authorities in dir, making them at the first start, and issues
// the API server's certificates for localhost, the in-cluster names of the Service
// default/kubernetes, and ips.
func LoadSet(dir string, ips []net.IP) (*Set, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making directory of certificates: %w", err)
	}
	ca, err := LoadAuthority(dir, "ca")
	if err != nil {
		return nil, err
	}
	front, err := LoadAuthority(dir, "front-proxy-ca")
	if err != nil {
		return nil, err
	}
	set := &Set{CA: ca, FrontProxyCA: front.CertFile}
	set.ServerCert, set.ServerKey, err = ca.Issue(dir, "apiserver", Subject{
		CommonName: "kube-apiserver",
		DNSNames: []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
			"kubernetes.default.svc.cluster.local"},
		IPs: append([]net.IP{net.IPv4(127, 0, 0, 1)}, ips...),
	})
	if err != nil {
		return nil, err
	}
	set.KubeletClientCert, set.KubeletClientKey, err = ca.Issue(dir, "apiserver-kubelet-client",
		Subject{CommonName: KubeletClientName, Organization: []string{"system:masters"}})
	if err != nil {
		return nil, err
	}
	set.ProxyClientCert, set.ProxyClientKey, err = front.Issue(dir, "front-proxy-client",
		Subject{CommonName: "front-proxy-client"})
	if err != nil {
		return nil, err
	}
	return set, set.loadServiceAccountKey(dir)
}

func (s *Set) loadServiceAccountKey(dir string) error {
	s.ServiceAccountKey = filepath.Join(dir, "service-account.key")
	s.ServiceAccountPublic = filepath.Join(dir, "service-account.pub")
	key, err := LoadKey(s.ServiceAccountKey)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("writing public key of service account tokens: %w", err)
	}
	return writeFile(s.ServiceAccountPublic, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o644)
}
