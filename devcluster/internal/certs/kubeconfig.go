package certs

import (
	"fmt"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// ContextName is the name of the cluster, user and context in every kubeconfig.
const ContextName = "fairlead-devcluster"

// WriteKubeconfig writes to path a kubeconfig for server with a fresh client
// certificate for s, readable by the owner alone.
func (a *Authority) WriteKubeconfig(path, server string, s Subject) error {
	cert, key, err := a.Sign(s)
	if err != nil {
		return fmt.Errorf("making kubeconfig for %q: %w", s.CommonName, err)
	}
	config := clientcmdapi.NewConfig()
	config.Clusters[ContextName] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: a.PEM()}
	config.AuthInfos[ContextName] = &clientcmdapi.AuthInfo{ClientCertificateData: cert, ClientKeyData: key}
	config.Contexts[ContextName] = &clientcmdapi.Context{Cluster: ContextName, AuthInfo: ContextName, Namespace: "default"}
	config.CurrentContext = ContextName
	data, err := clientcmd.Write(*config)
	if err != nil {
		return fmt.Errorf("making kubeconfig for %q: %w", s.CommonName, err)
	}
	return writeFile(path, data, 0o600)
}
