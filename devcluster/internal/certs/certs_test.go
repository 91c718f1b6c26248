package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

func readCert(t *testing.T, path string) *x509.Certificate {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestLoadSet(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	first, err := LoadSet(dir, []net.IP{net.IPv4(10, 96, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	token, err := os.ReadFile(first.ServiceAccountKey)
	if err != nil {
		t.Fatal(err)
	}
	second, err := LoadSet(dir, []net.IP{net.IPv4(10, 97, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.CA.PEM(), second.CA.PEM()) {
		t.Error("the authority changed from one start to the next")
	}
	if again, err := os.ReadFile(second.ServiceAccountKey); err != nil || !bytes.Equal(token, again) {
		t.Errorf("the key of service account tokens changed from one start to the next (%v)", err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(first.CA.cert)
	server := readCert(t, second.ServerCert)
	for _, name := range []string{"localhost", "127.0.0.1", "10.97.0.1", "kubernetes.default.svc"} {
		if _, err := server.Verify(x509.VerifyOptions{DNSName: name, Roots: pool}); err != nil {
			t.Errorf("the API server's certificate does not hold for %s: %v", name, err)
		}
	}
	client := readCert(t, second.KubeletClientCert)
	if _, err := client.Verify(x509.VerifyOptions{Roots: pool}); err == nil {
		t.Error("a client's certificate is accepted as a server's")
	}
}

func TestKeysArePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	set, err := LoadSet(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := set.CA.WriteKubeconfig(filepath.Join(dir, "admin.config"), "https://127.0.0.1:1", Subject{CommonName: "admin"}); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		secret := strings.HasSuffix(e.Name(), ".key") || strings.HasSuffix(e.Name(), ".config")
		if secret && info.Mode().Perm() != 0o600 {
			t.Errorf("%s can be read by others: %s", e.Name(), info.Mode())
		}
	}
	config, err := clientcmd.LoadFromFile(filepath.Join(dir, "admin.config"))
	if err != nil {
		t.Fatal(err)
	}
	if got := config.Clusters[config.Contexts[config.CurrentContext].Cluster].Server; got != "https://127.0.0.1:1" {
		t.Errorf("kubeconfig leads to %q", got)
	}
}
