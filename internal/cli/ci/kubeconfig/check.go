package kubeconfig

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	authv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairlead-cd/fairlead/internal/ci/idtoken"
	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// maxAuthority bounds a file of certificates.
const maxAuthority = 1 << 20

// validate says what is missing before anything is read.
func (o *Options) validate(command string) error {
	if o.Server == "" {
		return cli.Usagef(command, "which cluster? --server and $%s are empty", serverVariable)
	}
	u, err := url.Parse(o.Server)
	switch {
	case err != nil || u.Host == "":
		return cli.Usagef(command, "--server: %q is no URL", o.Server)
	case u.User != nil:
		return cli.Usagef(command, "--server: a URL with a password in it; the job's ID token is all it needs")
	case u.Scheme != "https":
		return cli.Usagef(command, "--server: %q is not https: a token sent there could be read by anyone on the way", o.Server)
	}
	if o.CA == "" {
		return cli.Usagef(command, "how is the cluster recognised? --certificate-authority and $%s are empty", caVariable)
	}
	if o.File == "" {
		return cli.Usagef(command, "which file? --file and $%s are empty", fileVariable)
	}
	if strings.ContainsRune(o.File, filepath.ListSeparator) {
		return cli.Usagef(command, "$%s names several files: say which with --file", fileVariable)
	}
	if o.Source.Variable == "" {
		return cli.Usagef(command, "--token-variable is empty")
	}
	return nil
}

// authority reads certificates from a file (GitLab's file variables), or takes value for their text
// (a plain variable).
func authority(value string) ([]byte, error) {
	data := []byte(value)
	if !strings.Contains(value, "-----BEGIN") {
		var err error
		if data, err = readBounded(value); err != nil {
			return nil, fmt.Errorf("reading the cluster's certificate authority: %w", err)
		}
	}
	rest, found := data, false
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, &model.Error{Kind: model.ErrInvalid, Reason: "NoAuthority",
				Msg:  "the cluster's certificate authority holds a " + block.Type + ", which does not belong there",
				Next: "give certificates only; a private key that got there should be replaced"}
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return nil, fmt.Errorf("reading the cluster's certificate authority: %w", err)
		}
		found = true
	}
	if !found {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "NoAuthority",
			Msg:  "the cluster's certificate authority holds no certificate",
			Next: "kubectl config view --raw --minify -o 'jsonpath={.clusters[0].cluster.certificate-authority-data}' | base64 -d prints it"}
	}
	return data, nil
}

func readBounded(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var b bytes.Buffer
	if n, err := io.Copy(&b, io.LimitReader(f, maxAuthority+1)); err != nil {
		return nil, err
	} else if n > maxAuthority {
		return nil, fmt.Errorf("%s is larger than 1 MiB", file)
	}
	return b.Bytes(), nil
}

// check asks the cluster who it takes the job for, so that a wrong configuration is told as what it
// is and not by a deployment that fails.
func (o *Options) check(ctx context.Context, t idtoken.Token) error {
	c, err := o.Connect(o.File)
	if err != nil {
		return err
	}
	me, err := c.Typed.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authv1.SelfSubjectReview{}, metav1.CreateOptions{})
	var authority x509.UnknownAuthorityError
	switch {
	case apierrors.IsUnauthorized(err):
		return &model.Error{Kind: model.ErrDenied, Reason: "TokenRefused",
			Msg: fmt.Sprintf("%s does not accept the job's ID token (issuer %q, audience %q, subject %q)",
				o.Server, t.Issuer, strings.Join(t.Audience, ", "), t.Subject),
			Next: "the API server's AuthenticationConfiguration needs a jwt entry with this issuer and audience whose rules admit this job; its log says which rule refused it"}
	case errors.As(err, &authority):
		return &model.Error{Kind: model.ErrDenied, Reason: "UnknownAuthority",
			Msg: o.Server + " is not the cluster of this certificate authority", Err: err,
			Next: "give the cluster's own authority in --certificate-authority or $" + caVariable}
	case err != nil:
		return fmt.Errorf("asking %s who this job is: %w", o.Server, err)
	}
	o.IO.Say("this job is %s", me.Status.UserInfo.Username)
	return nil
}
