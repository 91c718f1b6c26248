package controllermanager

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app/options"

	"github.com/fairlead-cd/fairlead/devcluster/internal/certs"
)

// Options is what the controller-manager is told.
type Options struct {
	// Kubeconfig acts as system:kube-controller-manager.
	Kubeconfig string
	// Certs are the cluster's certificates and keys.
	Certs *certs.Set
	// ServiceCIDR and PodCIDR are the ranges of Service and pod addresses.
	ServiceCIDR, PodCIDR string
}

// Run runs the controllers until ctx ends. The API server must be serving by then.
func Run(ctx context.Context, o Options) error {
	s, err := options.NewKubeControllerManagerOptions()
	if err != nil {
		return fmt.Errorf("making kube-controller-manager options: %w", err)
	}
	known, disabled, aliases := app.KnownControllers(), app.ControllersDisabledByDefault(), app.ControllerAliases()
	sets := s.Flags(known, disabled, aliases)
	flags := pflag.NewFlagSet("kube-controller-manager", pflag.ContinueOnError)
	for _, set := range sets.FlagSets {
		flags.AddFlagSet(set)
	}
	s.ParsedFlags = &sets
	if err := flags.Parse(o.args()); err != nil {
		return fmt.Errorf("parsing kube-controller-manager flags: %w", err)
	}
	if err := s.ComponentGlobalsRegistry.Set(); err != nil {
		return fmt.Errorf("setting feature gates: %w", err)
	}
	config, err := s.Config(ctx, known, disabled, aliases)
	if err != nil {
		return fmt.Errorf("configuring kube-controller-manager: %w", err)
	}
	if err := app.Run(ctx, config.Complete()); err != nil && ctx.Err() == nil {
		return fmt.Errorf("running kube-controller-manager: %w", err)
	}
	return nil
}

func (o Options) args() []string {
	c := o.Certs
	return []string{
		"--kubeconfig=" + o.Kubeconfig,
		// The default of 20 requests a second caps any tool at four or five Deployments
		// a second.
		"--kube-api-qps=300",
		"--kube-api-burst=600",
		"--leader-elect=false",
		"--secure-port=0",
		"--profiling=false",
		"--use-service-account-credentials=true",
		"--service-account-private-key-file=" + c.ServiceAccountKey,
		"--root-ca-file=" + c.CA.CertFile,
		"--cluster-signing-cert-file=" + c.CA.CertFile,
		"--cluster-signing-key-file=" + c.CA.KeyFile,
		"--cluster-cidr=" + o.PodCIDR,
		"--service-cluster-ip-range=" + o.ServiceCIDR,
		"--allocate-node-cidrs=false",
		"--configure-cloud-routes=false",
		"--controller-shutdown-timeout=2s",
	}
}
