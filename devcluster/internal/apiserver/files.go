package apiserver

import (
	"fmt"
	"os"
	"path/filepath"
)

// auditPolicy records who asked for what, once, when the answer is known; bodies are
// left out, or the log would hold Secrets.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
`

// egressSelection sends the server's own calls to nodes, pods and Services to a proxy.
const egressSelection = `apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
- name: cluster
  connection:
    proxyProtocol: HTTPConnect
    transport:
      uds:
        udsName: %q
`

func writeAuditPolicy(dir string) (string, error) {
	return writeConfig(dir, "audit-policy.yaml", auditPolicy)
}

func writeEgressSelection(dir, socket string) (string, error) {
	return writeConfig(dir, "egress.yaml", fmt.Sprintf(egressSelection, socket))
}

func writeConfig(dir, name, content string) (string, error) {
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return "", fmt.Errorf("writing kube-apiserver configuration: %w", err)
	}
	return path, nil
}
