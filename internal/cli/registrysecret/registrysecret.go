// Package registrysecret is the command that creates or updates a pull secret without showing it.
package registrysecret

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/output"
	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// Options of the command.
type Options struct {
	IO        *output.Streams
	Cluster   func() (*cli.Cluster, error)
	Namespace string
	Name      string
	Server    string // as clients look for it
	Username  string
	Email     string
	Password  string
	Add       bool
	DryRun    bool
	Format    output.Format
}

var formats = []string{output.FormatTable, output.FormatName, output.FormatJSON, output.FormatYAML}

var secretName = pattern.New(`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`)

// NewCmdRegistrySecret makes the command.
func NewCmdRegistrySecret(f *cli.Factory, runF func(context.Context, *Options) error) *cobra.Command {
	o := &Options{IO: f.IO, Cluster: f.Cluster}
	var format string
	var stdin, refuse bool
	cmd := &cobra.Command{
		Use:   "registry-secret NAME --server HOST --username USER --password-stdin",
		Short: "Create or update the Secret that a cluster pulls images with",
		Long: `Create a Secret of type kubernetes.io/dockerconfigjson with the credentials of a registry, or update
it: pods name it in imagePullSecrets. The password comes from standard input and is never shown: not by
this command, its errors, -v or -o json.

It can be run again and again: where the Secret holds the same already, nothing is written. A Secret of
another type, and one that a controller keeps, are left alone. With --add the other registries in it
stay; without, it holds this one.`,
		Example: cli.Example(`
			printf '%s' "$CI_DEPLOY_PASSWORD" | fairlead registry-secret pull -n shop --server registry.example.com --username "$CI_DEPLOY_USER" --password-stdin
			fairlead registry-secret pull -n shop --server quay.io --username shop+pull --password-stdin --add < password`),
		GroupID: cli.GroupDeploy,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				// What was given is not repeated: a password may be among it.
				return cli.Usagef(cmd.CommandPath(), "%s needs the name of one Secret, got %d arguments", cmd.CommandPath(), len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if refuse {
				return &cli.UsageError{Command: cmd.CommandPath(), Err: errOnCommandLine}
			}
			var err error
			if o.Format, err = cli.ParseFormat(cmd, format, formats...); err != nil {
				return err
			}
			if o.Name = args[0]; len(o.Name) > 253 || !secretName.MatchString(o.Name) {
				return cli.Usagef(cmd.CommandPath(), "%q is no name of a Secret: want lower case letters, digits, - and .", o.Name)
			}
			if err := o.check(cmd, stdin); err != nil {
				return err
			}
			if o.Password, err = readPassword(f.IO.In); err != nil {
				return &cli.UsageError{Command: cmd.CommandPath(), Err: err}
			}
			if o.Namespace, err = f.TargetNamespace(); err != nil {
				return err
			}
			if runF != nil {
				return runF(cmd.Context(), o)
			}
			return registrySecretRun(cmd.Context(), o)
		},
	}
	cli.AddFormatFlag(cmd, &format, formats...)
	flags := cmd.Flags()
	flags.StringVar(&o.Server, "server", "", "`host` of the registry, as in registry.example.com:5000; docker.io is Docker Hub")
	flags.StringVar(&o.Username, "username", "", "who pulls: a robot or deploy account that may only pull")
	flags.BoolVar(&stdin, "password-stdin", false, "read the password from standard input")
	flags.StringVar(&o.Email, "email", "", "kept beside the credentials, for clients that ask for it")
	flags.BoolVar(&o.Add, "add", false, "keep the other registries that the Secret holds")
	flags.BoolVar(&o.DryRun, "dry-run", false, "ask the API server, and write nothing")
	for name, short := range map[string]string{"password": "p", "docker-password": ""} {
		flags.VarP(refused{&refuse}, name, short, "refused: use --password-stdin")
		if err := flags.MarkHidden(name); err != nil {
			cmd.PrintErrln(err) // only a flag that was not defined above can be unknown
		}
	}
	return cmd
}

// check refuses what cannot become a login.
func (o *Options) check(cmd *cobra.Command, stdin bool) error {
	var missing []string
	for name, value := range map[string]string{"--server": o.Server, "--username": o.Username} {
		if value == "" {
			missing = append(missing, name)
		}
	}
	if !stdin {
		missing = append(missing, "--password-stdin")
	}
	switch {
	case len(missing) == 1:
		return cli.Usagef(cmd.CommandPath(), "%s is missing (or empty)", missing[0])
	case len(missing) > 1:
		return cli.Usagef(cmd.CommandPath(), "--server, --username and --password-stdin are all needed, and not empty")
	case strings.ContainsAny(o.Username, ":\x00\r\n"):
		return cli.Usagef(cmd.CommandPath(), "--username: a name with a colon or a line break cannot log in")
	}
	server, err := parseServer(o.Server)
	if err != nil {
		return &cli.UsageError{Command: cmd.CommandPath(), Err: err}
	}
	o.Server = server
	return nil
}

// document is what -o json prints.
type document struct {
	cli.Header
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	Action    string   `json:"action"` // "created", "updated", "unchanged"
	DryRun    bool     `json:"dryRun,omitempty"`
	Servers   []string `json:"servers"` // that the Secret holds credentials of
}

func (o *Options) print(action string, servers []string) error {
	switch {
	case o.Format.Structured():
		return o.Format.Write(o.IO.Out, document{Header: cli.NewHeader("RegistrySecret"), Namespace: o.Namespace, Name: o.Name, Action: action, DryRun: o.DryRun, Servers: servers})
	case o.Format.Is(output.FormatName):
		return o.IO.Line("secret/" + o.Name)
	}
	text := fmt.Sprintf("Secret %s/%s %s: logs in to %s", o.Namespace, o.Name, action, strings.Join(servers, ", "))
	if o.DryRun && action != unchanged {
		text += " (dry run: nothing was written)"
	}
	if err := o.IO.Line(text); err != nil {
		return err
	}
	if action == created && !o.DryRun {
		o.IO.Say("next  name it where images are pulled: imagePullSecrets: [{name: %s}] of a pod, or of its service account", o.Name)
	}
	return nil
}
