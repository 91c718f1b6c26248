package open

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/registry"
	"github.com/fairlead-cd/fairlead/internal/source/artifact"
)

// ReadArchive reads an archive on this machine.
func (c *Charts) ReadArchive(name string) ([]byte, error) {
	at, info, err := look(Ask{Chart: name})
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, invalid("%q is no archive", name)
	}
	return readFile(at, name)
}

// Registry is the repository at an oci:// address, with ask's credential.
func (c *Charts) Registry(ctx context.Context, at string, ask Ask) (*registry.Repository, error) {
	name := strings.TrimPrefix(at, "oci://")
	host, _, _ := strings.Cut(name, "/")
	auth, err := c.Auth(ctx, host, ask.Auth)
	if err != nil {
		return nil, err
	}
	return registry.Open(name, registry.Options{Auth: auth, Proxy: c.o.Proxy, PlainHTTP: ask.PlainHTTP, OnlyTLS: !ask.PlainHTTP})
}

// Unpack writes the chart in an archive to dir/name. Nothing leaves that folder, and there are limits
// to what it may unpack to.
func Unpack(data io.Reader, dir, name string) error {
	if _, err := os.Stat(dir); err != nil {
		return err
	}
	_, err := artifact.UnpackChart(data, dir, name, unpacked)
	return err
}

// ValidName reports whether a chart's name can be a file's.
func ValidName(name string) bool { return artifact.ValidChart(name) }

// ForPeople gives an error of a registry or repository the next step of someone at a command line:
// sources speak of a controller's Secrets.
func ForPeople(err error) error {
	var e *model.Error
	if !errors.As(err, &e) {
		return err
	}
	told := *e
	switch e.Reason {
	case "AuthenticationFailed":
		told.Next = "log in with docker login or helm registry login, or give --username and --password-stdin"
	case "CertificateUntrusted":
		told.Next = "--ca-file names a file with the CA's certificate"
	case "PlainHTTP":
		told.Next = "give the registry a certificate; --plain-http allows http all the same"
	default:
		return err
	}
	return &told
}
