package registry

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// dockerConfig is what is read of a Docker configuration file, which Helm and the other tools that
// talk to registries use too (docker/cli, cli/config/configfile).
type dockerConfig struct {
	Auths       map[string]dockerAuth `json:"auths"`
	CredsStore  string                `json:"credsStore"`
	CredHelpers map[string]string     `json:"credHelpers"`
}

type dockerAuth struct {
	Auth          string `json:"auth"` // base64 of "name:password"
	Username      string `json:"username"`
	Password      string `json:"password"`
	IdentityToken string `json:"identitytoken"`
	RegistryToken string `json:"registrytoken"`
}

const maxConfig = 1 << 20

// DockerCredential finds the credential for a host in Docker's configuration files, asking the
// credential programs that they name. The first file that knows one wins; files that do not exist
// are passed over. It is nil when none knows any.
func DockerCredential(ctx context.Context, files []string, host string) (*model.Auth, error) {
	for _, file := range files {
		auth, err := credentialIn(ctx, file, host)
		if auth != nil || err != nil {
			return auth, err
		}
	}
	return nil, nil
}

func credentialIn(ctx context.Context, file, host string) (*model.Auth, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading registry credentials: %w", err)
	}
	defer f.Close()
	var config dockerConfig
	if err := json.NewDecoder(io.LimitReader(f, maxConfig)).Decode(&config); err != nil && !errors.Is(err, io.EOF) {
		// The parser's message could quote a part of the file.
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidCredential", File: file, Msg: "the registry credentials are not valid JSON"}
	}
	names := configNames(host)
	for _, name := range names {
		if program := config.CredHelpers[name]; program != "" {
			return askProgram(ctx, program, name)
		}
	}
	for _, name := range names {
		if a, ok := config.Auths[name]; ok && a != (dockerAuth{}) {
			return a.credential(file, host)
		}
	}
	if config.CredsStore == "" {
		return nil, nil
	}
	for _, name := range names {
		if auth, err := askProgram(ctx, config.CredsStore, name); auth != nil || err != nil {
			return auth, err
		}
	}
	return nil, nil
}

// configNames are the names that a host goes by in a configuration file.
func configNames(host string) []string {
	if host == "docker.io" || host == "index.docker.io" || host == "registry-1.docker.io" {
		return []string{"https://index.docker.io/v1/", "index.docker.io", "docker.io"}
	}
	return []string{host, "https://" + host, "https://" + host + "/", "https://" + host + "/v1/", "https://" + host + "/v2/", "http://" + host}
}

func (a dockerAuth) credential(file, host string) (*model.Auth, error) {
	auth := &model.Auth{Username: a.Username, Password: a.Password, Token: a.RegistryToken}
	if a.Auth != "" {
		text, err := base64.StdEncoding.DecodeString(a.Auth)
		name, password, ok := strings.Cut(strings.TrimRight(string(text), "\x00"), ":")
		if err != nil || !ok {
			return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidCredential", File: file, Msg: "the credential for " + host + " is not usable", Next: "log in to the registry again"}
		}
		auth.Username, auth.Password = name, password
	}
	if auth.Password == "" && auth.Token == "" && a.IdentityToken != "" {
		return nil, &model.Error{
			Kind: model.ErrInvalid, Reason: "InvalidCredential", File: file, Msg: "the credential for " + host + " is an identity token, which is not supported",
			Next: "log in with a user name and a password or token",
		}
	}
	return auth, nil
}

// programName keeps what a configuration names a program by from being a path.
var programName = pattern.New(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)

// askProgram asks a credential program (docker/docker-credential-helpers: "get", the server's name on
// stdin, JSON on stdout).
func askProgram(ctx context.Context, program, name string) (*model.Auth, error) {
	if !programName.MatchString(program) {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidCredential", Msg: fmt.Sprintf("%q is no name of a credential program", program)}
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "docker-credential-"+program, "get")
	cmd.Stdin = strings.NewReader(name)
	out := &bounded{left: maxConfig}
	cmd.Stdout = out
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		if strings.Contains(strings.ToLower(out.String()), "credentials not found") {
			return nil, nil
		}
		return nil, &model.Error{
			Kind: model.ErrDenied, Reason: "InvalidCredential", Msg: fmt.Sprintf("docker-credential-%s gives no credential for %s", program, name),
			Next: "log in to the registry, or use --username and --password-stdin", Err: err,
		}
	}
	var answer struct{ Username, Secret string }
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidCredential", Msg: fmt.Sprintf("docker-credential-%s gave an answer that is not valid JSON", program)}
	}
	if answer.Secret == "" {
		return nil, nil
	}
	return &model.Auth{Username: answer.Username, Password: answer.Secret}, nil
}

// bounded keeps the beginning of what is written.
type bounded struct {
	bytes.Buffer
	left int
}

// Write is part of io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	n := min(len(p), b.left)
	b.left -= n
	b.Buffer.Write(p[:n])
	return len(p), nil
}
