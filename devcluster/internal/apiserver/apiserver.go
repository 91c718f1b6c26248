package apiserver

import (
	"context"
	"fmt"
	"net"

	"github.com/spf13/pflag"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/client-go/rest"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"

	"github.com/fairlead-cd/fairlead/devcluster/internal/certs"
)

// Options is what the API server is told.
type Options struct {
	// Dir is where configuration files that the server reads are written.
	Dir string
	// Listener is the only place where it serves.
	Listener net.Listener
	// Etcd is the database's endpoint.
	Etcd string
	// Certs are its certificates and keys.
	Certs *certs.Set
	// Advertise is the address published as endpoint of Service default/kubernetes. It
	// may not be a loopback address.
	Advertise net.IP
	// ServiceCIDR is the range of Service addresses.
	ServiceCIDR string
	// AuditLog is a file for one JSON line a request, or empty.
	AuditLog string
	// Authentication is a file with an AuthenticationConfiguration, or empty. The server
	// reads it again when it changes.
	Authentication string
	// Egress is the Unix socket of a proxy through which the server reaches nodes, pods
	// and Services, or empty to let it dial them.
	Egress string
}

// Run serves until ctx ends, and returns earlier only with the error that ended it.
func Run(ctx context.Context, o Options) error {
	args, err := o.args()
	if err != nil {
		return err
	}
	s := options.NewServerRunOptions()
	flags := pflag.NewFlagSet("kube-apiserver", pflag.ContinueOnError)
	for _, set := range s.Flags().FlagSets {
		flags.AddFlagSet(set)
	}
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("parsing kube-apiserver flags: %w", err)
	}
	s.SecureServing.Listener = o.Listener
	if err := s.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return fmt.Errorf("setting feature gates: %w", err)
	}
	// The components' own clients are told about deprecated APIs on every call otherwise.
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	completed, err := s.Complete(ctx)
	if err != nil {
		return fmt.Errorf("completing kube-apiserver options: %w", err)
	}
	if errs := completed.Validate(); len(errs) > 0 {
		return fmt.Errorf("validating kube-apiserver options: %w", utilerrors.NewAggregate(errs))
	}
	if err := app.Run(ctx, completed); err != nil {
		return fmt.Errorf("running kube-apiserver: %w", err)
	}
	return nil
}

func (o Options) args() ([]string, error) {
	c := o.Certs
	args := []string{
		"--etcd-servers=" + o.Etcd,
		"--bind-address=127.0.0.1",
		"--advertise-address=" + o.Advertise.String(),
		"--service-cluster-ip-range=" + o.ServiceCIDR,
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--allow-privileged=true",
		"--profiling=false",
		"--client-ca-file=" + c.CA.CertFile,
		"--tls-cert-file=" + c.ServerCert,
		"--tls-private-key-file=" + c.ServerKey,
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + c.ServiceAccountPublic,
		"--service-account-signing-key-file=" + c.ServiceAccountKey,
		"--kubelet-certificate-authority=" + c.CA.CertFile,
		"--kubelet-client-certificate=" + c.KubeletClientCert,
		"--kubelet-client-key=" + c.KubeletClientKey,
		"--kubelet-preferred-address-types=InternalIP,Hostname",
		"--requestheader-client-ca-file=" + c.FrontProxyCA,
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-username-headers=X-Remote-User",
		"--proxy-client-cert-file=" + c.ProxyClientCert,
		"--proxy-client-key-file=" + c.ProxyClientKey,
	}
	if o.AuditLog != "" {
		policy, err := writeAuditPolicy(o.Dir)
		if err != nil {
			return nil, err
		}
		args = append(args, "--audit-log-path="+o.AuditLog, "--audit-policy-file="+policy)
	}
	if o.Authentication != "" {
		args = append(args, "--authentication-config="+o.Authentication)
	}
	if o.Egress != "" {
		selection, err := writeEgressSelection(o.Dir, o.Egress)
		if err != nil {
			return nil, err
		}
		args = append(args, "--egress-selector-config-file="+selection)
	}
	return args, nil
}
