package chartref

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/chart/open"
	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// Flags are what the flags were given.
type Flags struct {
	Repo    string
	Version string
	Devel   bool
	Access  Access
}

// Access is how to get at a registry or repository.
type Access struct {
	Username      string
	PasswordStdin bool
	CAFile        string
	PlainHTTP     bool
}

// AddFlags adds all of them to a command.
func AddFlags(cmd *cobra.Command, o *Flags) {
	f := cmd.Flags()
	f.StringVar(&o.Repo, "repo", "", "`URL` of the Helm repository that the chart is in")
	f.StringVar(&o.Version, "version", "", "`version` of the chart, or a range; default is the newest stable")
	f.BoolVar(&o.Devel, "devel", false, "pre-releases too, where no --version is given")
	AddAccessFlags(cmd, &o.Access)
}

// AddAccessFlags adds those about access.
func AddAccessFlags(cmd *cobra.Command, o *Access) {
	f := cmd.Flags()
	f.StringVar(&o.Username, "username", "", "`name` to log in with; default is what Docker's or Helm's configuration knows")
	f.BoolVar(&o.PasswordStdin, "password-stdin", false, "read the password for --username from stdin")
	f.StringVar(&o.CAFile, "ca-file", "", "`file` with the certificates to trust, in PEM, instead of the system's")
	f.BoolVar(&o.PlainHTTP, "plain-http", false, "allow http, which is neither encrypted nor authenticated")
}

// Ask is the chart that arg and the flags name.
func (o *Flags) Ask(cmd *cobra.Command, arg string, stdin io.Reader) (open.Ask, error) {
	ask := open.Ask{Chart: arg, Repo: o.Repo, Version: o.Version, PlainHTTP: o.Access.PlainHTTP}
	if ask.Version == "" && o.Devel && ask.Remote() {
		ask.Version = ">0.0.0-0" // Helm's own words for it
	}
	var err error
	ask.Auth, err = o.Access.Auth(cmd, stdin)
	return ask, err
}

// Auth is the credential that the flags give, nil for none.
func (o *Access) Auth(cmd *cobra.Command, stdin io.Reader) (*model.Auth, error) {
	switch {
	case o.PasswordStdin && o.Username == "":
		return nil, cli.Usagef(cmd.CommandPath(), "--password-stdin needs --username")
	case o.Username != "" && !o.PasswordStdin:
		return nil, cli.Usagef(cmd.CommandPath(), "--username needs --password-stdin: echo \"$PASSWORD\" | %s ...", cmd.CommandPath())
	case o.Username == "" && o.CAFile == "":
		return nil, nil
	}
	auth := &model.Auth{Username: o.Username}
	if o.PasswordStdin {
		var err error
		if auth.Password, err = Password(stdin); err != nil {
			return nil, err
		}
	}
	if o.CAFile != "" {
		pem, err := readCA(o.CAFile)
		if err != nil {
			return nil, err
		}
		auth.CA = pem
	}
	return auth, nil
}

const maxSecret = 64 << 10

// Password reads a password without the end of its line.
func Password(stdin io.Reader) (string, error) {
	if stdin == nil {
		return "", errNoPassword
	}
	data, err := io.ReadAll(io.LimitReader(stdin, maxSecret))
	if err != nil {
		return "", fmt.Errorf("reading the password from stdin: %w", err)
	}
	password := strings.TrimRight(string(data), "\r\n")
	if password == "" {
		return "", errNoPassword
	}
	return password, nil
}

var errNoPassword = &model.Error{
	Kind: model.ErrInvalid, Reason: "InvalidCredential", Msg: "there is no password on stdin",
	Next: `echo "$PASSWORD" | fairlead ... --password-stdin: is the variable set in this job?`,
}

func readCA(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err == nil {
		defer f.Close()
		var pem []byte
		if pem, err = io.ReadAll(io.LimitReader(f, 4<<20)); err == nil {
			return pem, nil
		}
	}
	var p *os.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidCredential", File: file, Msg: "the CA file cannot be read", Err: err}
}
