package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	authorityValidity = 10 * 365 * 24 * time.Hour
	leafValidity      = 365 * 24 * time.Hour
	// clockSkew is how far in the past a certificate begins to be valid.
	clockSkew = time.Hour
)

// Subject says for whom a certificate is and what it may be used for. A subject with
// names or addresses gets a server certificate, one without a client certificate.
type Subject struct {
	CommonName   string
	Organization []string
	DNSNames     []string
	IPs          []net.IP
}

// Authority signs certificates.
type Authority struct {
	// CertFile and KeyFile are its own PEM files.
	CertFile, KeyFile string

	cert *x509.Certificate
	key  crypto.Signer
}

// LoadAuthority reads the authority name from dir, and makes it if there is none.
func LoadAuthority(dir, name string) (*Authority, error) {
	a := &Authority{CertFile: filepath.Join(dir, name+".crt"), KeyFile: filepath.Join(dir, name+".key")}
	if _, err := os.Stat(a.CertFile); errors.Is(err, fs.ErrNotExist) {
		if err := a.create("fairlead-devcluster-" + name); err != nil {
			return nil, fmt.Errorf("making certificate authority %q: %w", name, err)
		}
		return a, nil
	}
	if err := a.read(); err != nil {
		return nil, fmt.Errorf("reading certificate authority %q: %w", name, err)
	}
	return a, nil
}

func (a *Authority) create(commonName string) error {
	key, err := LoadKey(a.KeyFile)
	if err != nil {
		return err
	}
	template, err := newTemplate(Subject{CommonName: commonName}, authorityValidity)
	if err != nil {
		return err
	}
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = nil
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	a.key = key
	return writePEM(a.CertFile, "CERTIFICATE", der, 0o644)
}

func (a *Authority) read() error {
	data, err := os.ReadFile(a.CertFile)
	if err != nil {
		return err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return fmt.Errorf("%s holds no PEM block", a.CertFile)
	}
	if a.cert, err = x509.ParseCertificate(block.Bytes); err != nil {
		return err
	}
	a.key, err = readKey(a.KeyFile)
	return err
}

// Issue signs a certificate for s and writes it and its key to dir as name.crt, name.key.
func (a *Authority) Issue(dir, name string, s Subject) (certFile, keyFile string, err error) {
	certFile, keyFile = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	certPEM, keyPEM, err := a.Sign(s)
	if err != nil {
		return "", "", fmt.Errorf("issuing certificate %q: %w", name, err)
	}
	if err := writeFile(keyFile, keyPEM, 0o600); err != nil {
		return "", "", err
	}
	if err := writeFile(certFile, certPEM, 0o644); err != nil {
		return "", "", err
	}
	return certFile, keyFile, nil
}

// Sign makes a key and a certificate for s and returns both as PEM.
func (a *Authority) Sign(s Subject) (certPEM, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template, err := newTemplate(s, leafValidity)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), nil
}

// PEM returns the authority's certificate.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// LoadKey reads the private key in path, and makes it if there is none.
func LoadKey(path string) (crypto.Signer, error) {
	key, err := readKey(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	made, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making key %s: %w", path, err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(made)
	if err != nil {
		return nil, fmt.Errorf("making key %s: %w", path, err)
	}
	return made, writePEM(path, "PRIVATE KEY", der, 0o600)
}

func readKey(path string) (crypto.Signer, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading key: %w", err)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("reading key: %s holds no PEM block", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading key %s: %w", path, err)
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("reading key %s: it cannot sign", path)
	}
	return key, nil
}

func newTemplate(s Subject, validity time.Duration) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	usage := x509.ExtKeyUsageClientAuth
	if len(s.DNSNames)+len(s.IPs) > 0 {
		usage = x509.ExtKeyUsageServerAuth
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: s.CommonName, Organization: s.Organization},
		DNSNames:     s.DNSNames,
		IPAddresses:  s.IPs,
		NotBefore:    now.Add(-clockSkew),
		NotAfter:     now.Add(validity),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{usage},
	}, nil
}

func writePEM(path, kind string, der []byte, mode fs.FileMode) error {
	return writeFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode)
}

// writeFile replaces path in one step, so that a run that dies while writing leaves
// either the old file or the new one.
func writeFile(path string, data []byte, mode fs.FileMode) error {
	temporary := path + ".new"
	if err := os.WriteFile(temporary, data, mode); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
