// Package token is the hidden command that a kubeconfig of "fairlead ci kubeconfig" names: clients
// of Kubernetes run it to get the job's ID token.
package token

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientauth "k8s.io/client-go/pkg/apis/clientauthentication/v1"

	"github.com/fairlead-cd/fairlead/internal/ci/idtoken"
	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// Options of the command.
type Options struct {
	IO     *output.Streams
	Source idtoken.Source
}

// execInfo is set by clients that run credential plugins; a person's shell has none.
const execInfo = "KUBERNETES_EXEC_INFO"

// NewCmdToken makes the command. getenv reads the job's environment.
func NewCmdToken(f *cli.Factory, getenv func(string) string, runF func(context.Context, *Options) error) *cobra.Command {
	o := &Options{IO: f.IO, Source: idtoken.Source{Env: getenv, Now: f.Now}}
	cmd := &cobra.Command{
		Use:    "token",
		Short:  "Give a client of Kubernetes the job's ID token",
		Hidden: true,
		Long: `Give a client of Kubernetes the job's ID token, as a credential plugin. A kubeconfig written by
fairlead ci kubeconfig names this command. It refuses to run otherwise: a token in a job's log is a
token that is lost.`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if getenv(execInfo) == "" {
				return cli.Usagef(cmd.CommandPath(), "%s is for clients of Kubernetes: it would print a token", cmd.CommandPath())
			}
			if runF != nil {
				return runF(cmd.Context(), o)
			}
			return tokenRun(cmd.Context(), o)
		},
	}
	AddFlags(cmd, &o.Source)
	return cmd
}

// AddFlags adds the flags that say which token is meant.
func AddFlags(cmd *cobra.Command, s *idtoken.Source) {
	flags := cmd.Flags()
	flags.StringVar(&s.Audience, "audience", "", "who the token has to be for, as in the pipeline and the API server's configuration")
	flags.StringVar(&s.Variable, "token-variable", idtoken.DefaultVariable, "environment `variable` that holds the token")
}

func tokenRun(ctx context.Context, o *Options) error {
	t, err := o.Source.Get(ctx)
	if err != nil {
		return err
	}
	cred := clientauth.ExecCredential{
		TypeMeta: metav1.TypeMeta{APIVersion: clientauth.SchemeGroupVersion.String(), Kind: "ExecCredential"},
		Status:   &clientauth.ExecCredentialStatus{Token: t.Raw},
	}
	if !t.Expires.IsZero() {
		// Asked for anew before it is refused: a deployment waits longer than some tokens live.
		at := metav1.NewTime(t.Expires.Add(-30 * time.Second))
		cred.Status.ExpirationTimestamp = &at
	}
	format, err := output.ParseFormat(output.FormatJSON, output.FormatJSON)
	if err != nil {
		return err
	}
	return format.Write(o.IO.Out, cred)
}
