package git

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Remote is a repository elsewhere and the way in. Git.Remote makes one.
type Remote struct {
	Address Address
	auth    *model.Auth
	smart   *smart // nil where only the binary knows how
}

// Remote is the repository at addr; auth may be nil.
func (g *Git) Remote(addr Address, auth *model.Auth) (Remote, error) {
	r := Remote{Address: addr, auth: auth}
	if addr.Scheme != "http" && addr.Scheme != "https" {
		return r, nil
	}
	var err error
	r.smart, err = newSmart(r, g.opts.Proxy)
	return r, err
}

// Close gives up idle connections.
func (r Remote) Close() {
	if r.smart != nil {
		r.smart.client.CloseIdleConnections()
	}
}

// access is what one command needs to reach a remote. done removes its files.
type access struct {
	env    []string
	config [][2]string
	done   func()
}

// open puts the remote's credential where the git binary finds it: a folder of mode 0700 that
// lives as long as the command.
func (g *Git) open(r Remote) (access, error) {
	a := access{done: func() {}}
	auth := r.auth
	if auth == nil {
		auth = &model.Auth{}
	}
	needsFiles := r.Address.Scheme == "ssh" || auth.Password != "" || r.Address.Password != "" || len(auth.CA) > 0
	if !needsFiles && auth.Token == "" {
		return a, nil
	}
	dir, err := os.MkdirTemp(g.opts.TempDir, "cred-")
	if err != nil {
		return a, fmt.Errorf("making a folder for credentials: %w", err)
	}
	a.done = func() { _ = os.RemoveAll(dir) }
	switch r.Address.Scheme {
	case "ssh":
		err = g.openSSH(&a, dir, r.Address, auth)
	case "http", "https":
		err = openHTTP(&a, dir, r.Address, auth)
	}
	if err != nil {
		a.done()
		return access{}, err
	}
	return a, nil
}

// credential is the user name and password for an address. What is in its URL comes last.
func credential(addr Address, auth *model.Auth) (user, password string) {
	if auth != nil {
		user, password = auth.Username, auth.Password
	}
	if password == "" && addr.Password != "" {
		user, password = addr.User, addr.Password
	}
	if user == "" {
		user = "git" // GitHub, GitLab and Gitea take a token with any name
	}
	return user, password
}

func openHTTP(a *access, dir string, addr Address, auth *model.Auth) error {
	user, password := credential(addr, auth)
	switch {
	case password != "":
		// git-credential-store hands a credential only to the origin it is written for, so a
		// redirect to another host never sees it.
		origin, _ := url.Parse(addr.origin())
		origin.User = url.UserPassword(user, password)
		file := filepath.Join(dir, "credentials")
		if err := os.WriteFile(file, []byte(origin.String()+"\n"), 0o600); err != nil {
			return fmt.Errorf("writing a credential: %w", err)
		}
		a.config = append(a.config, [2]string{"credential.helper", "store --file=" + shellQuote(file)})
	case auth.Token != "":
		// git before 2.46 has no other way to send a bearer token. The header is bound to this
		// origin, and redirects are off because it would be sent along.
		if strings.ContainsAny(auth.Token, "\r\n") {
			return &model.Error{Kind: model.ErrInvalid, Reason: "InvalidCredential", Msg: "the bearer token contains a line break"}
		}
		a.config = append(a.config,
			[2]string{"http." + addr.origin() + "/.extraHeader", "Authorization: Bearer " + auth.Token},
			[2]string{"http.followRedirects", "false"})
	}
	if len(auth.CA) > 0 {
		file := filepath.Join(dir, "ca.pem")
		if err := os.WriteFile(file, auth.CA, 0o600); err != nil {
			return fmt.Errorf("writing a CA certificate: %w", err)
		}
		a.config = append(a.config, [2]string{"http." + addr.origin() + "/.sslCAInfo", file})
	}
	return nil
}

func (g *Git) openSSH(a *access, dir string, addr Address, auth *model.Auth) error {
	if len(auth.SSHKey) == 0 {
		return &model.Error{
			Kind: model.ErrDenied, Reason: "MissingCredential",
			Msg:  "no SSH key is given for " + addr.String(),
			Next: "name a Secret with the keys identity and known_hosts, or use the repository's https URL",
		}
	}
	hosts := auth.KnownHosts
	if len(hosts) == 0 {
		hosts = g.opts.KnownHosts
	}
	if len(hosts) == 0 {
		return &model.Error{
			Kind: model.ErrDenied, Reason: "MissingKnownHosts",
			Msg:  "no known_hosts is given for " + addr.Host + ": the server's identity cannot be checked",
			Next: "add the output of ssh-keyscan " + addr.Host + ", compared with what its owner publishes, to the Secret as known_hosts",
		}
	}
	key := append([]byte{}, auth.SSHKey...)
	if len(key) > 0 && key[len(key)-1] != '\n' {
		key = append(key, '\n') // OpenSSH refuses a PEM file without it
	}
	keyFile, hostsFile := filepath.Join(dir, "identity"), filepath.Join(dir, "known_hosts")
	for file, content := range map[string][]byte{keyFile: key, hostsFile: hosts} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			return fmt.Errorf("writing an SSH credential: %w", err)
		}
	}
	ssh := []string{
		"ssh", "-F", "/dev/null", "-i", shellQuote(keyFile),
		"-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "BatchMode=yes",
		"-o", "StrictHostKeyChecking=yes", "-o", shellQuote("UserKnownHostsFile=" + hostsFile),
		"-o", "GlobalKnownHostsFile=/dev/null", "-o", "PreferredAuthentications=publickey",
		"-o", "ForwardAgent=no", "-o", "PermitLocalCommand=no", "-o", "ConnectTimeout=10",
	}
	a.env = append(a.env, "GIT_SSH_COMMAND="+strings.Join(ssh, " "), "GIT_SSH_VARIANT=ssh")
	return nil
}

// shellQuote quotes for sh, which git runs these two commands through. Only paths below TempDir
// come here.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
