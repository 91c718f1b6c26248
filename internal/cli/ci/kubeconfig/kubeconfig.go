// Package kubeconfig is the command by which a pipeline's job reaches a cluster as itself.
package kubeconfig

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/fairlead-cd/fairlead/internal/ci/idtoken"
	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/ci/token"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// The variables that the flags' values come from when they are not given.
const (
	serverVariable = "KUBE_SERVER"
	caVariable     = "KUBE_CA"
	fileVariable   = "KUBECONFIG"
)

// Options of the command.
type Options struct {
	IO        *output.Streams
	Source    idtoken.Source
	Server    string
	CA        string // a file, or the certificates themselves
	File      string
	Namespace string
	Check     bool
	// Self is this program: the kubeconfig names it.
	Self func() (string, error)
	// Connect makes clients of a kubeconfig.
	Connect func(file string) (*cli.Cluster, error)
}

// NewCmdKubeconfig makes the command. getenv reads the job's environment.
func NewCmdKubeconfig(f *cli.Factory, getenv func(string) string, runF func(context.Context, *Options) error) *cobra.Command {
	o := &Options{IO: f.IO, Source: idtoken.Source{Env: getenv, Now: f.Now}, Self: os.Executable}
	o.Connect = func(file string) (*cli.Cluster, error) {
		return cli.Connect(cli.Kubeconfigs{Explicit: file, Verbosity: f.Global.Verbosity}, "fairlead/"+f.Build.Version, f.IO.Err)
	}
	cmd := &cobra.Command{
		Use:   "kubeconfig",
		Short: "Let a pipeline's job reach a cluster with its ID token",
		Long: `Write a kubeconfig with which fairlead, kubectl and helm reach a cluster as the job that runs them.
It holds the server and its certificate authority and no credentials: clients ask fairlead for the
job's ID token (GitLab's id_tokens, GitHub's id-token: write), which the API server checks itself.

The server's certificate is always checked. Unless --check=false, it says who the cluster takes the
job for.`,
		Example: cli.Example(`
			fairlead ci kubeconfig --audience fairlead-dev
			fairlead ci kubeconfig --server https://k8s.example.com:6443 --certificate-authority ca.pem --file kubeconfig`),
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Namespace = f.Global.Namespace
			for value, variable := range map[*string]string{&o.Server: serverVariable, &o.CA: caVariable, &o.File: fileVariable} {
				if *value == "" {
					*value = getenv(variable)
				}
			}
			if err := o.validate(cmd.CommandPath()); err != nil {
				return err
			}
			if runF != nil {
				return runF(cmd.Context(), o)
			}
			return kubeconfigRun(cmd.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Server, "server", "", "`URL` of the API server; default: $"+serverVariable)
	flags.StringVar(&o.CA, "certificate-authority", "", "`file` with the certificate authority of the API server; default: $"+caVariable+", a file's name or its content")
	flags.StringVar(&o.File, "file", "", "`file` to write; default: $"+fileVariable)
	flags.BoolVar(&o.Check, "check", true, "ask the cluster who it takes the job for")
	token.AddFlags(cmd, &o.Source)
	return cmd
}

func kubeconfigRun(ctx context.Context, o *Options) error {
	t, err := o.Source.Get(ctx) // a job without one is told so before anything is written
	if err != nil {
		return err
	}
	data, err := o.render()
	if err != nil {
		return err
	}
	if err := write(o.File, data); err != nil {
		return err
	}
	o.IO.Say("wrote %s: %s", o.File, o.Server)
	if !o.Check {
		return nil
	}
	return o.check(ctx, t)
}

// render gives the kubeconfig. Nothing in it is secret.
func (o *Options) render() ([]byte, error) {
	ca, err := authority(o.CA)
	if err != nil {
		return nil, err
	}
	self, err := o.Self()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	args := []string{"ci", "token", "--token-variable", o.Source.Variable}
	if o.Source.Audience != "" {
		args = append(args, "--audience", o.Source.Audience)
	}
	const name = "ci"
	cfg := clientcmdapi.NewConfig()
	cfg.Clusters[name] = &clientcmdapi.Cluster{Server: o.Server, CertificateAuthorityData: ca}
	cfg.AuthInfos[name] = &clientcmdapi.AuthInfo{Exec: &clientcmdapi.ExecConfig{
		APIVersion: "client.authentication.k8s.io/v1", Command: self, Args: args,
		InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
	}}
	cfg.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name, Namespace: o.Namespace}
	cfg.CurrentContext = name
	data, err := clientcmd.Write(*cfg)
	if err != nil {
		return nil, fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return data, nil
}

// write puts data at file, whole or not at all.
func write(file string, data []byte) error {
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	tmp, err := os.CreateTemp(dir, ".kubeconfig-") // readable by its owner only
	if err != nil {
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return nil
}
