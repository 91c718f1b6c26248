package registrysecret

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// dockerHub is the name under which clients look for Docker Hub's credentials.
const dockerHub = "https://index.docker.io/v1/"

// login is what one registry is told.
type login struct {
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
	Email    string `json:"email,omitempty"`
	Auth     string `json:"auth,omitempty"` // Base64 of username:password
}

// dockerConfig is the content of a Secret of type kubernetes.io/dockerconfigjson. What else the file
// of Docker's can hold, such as the names of programs that give out credentials, means nothing to a
// kubelet and is left out.
type dockerConfig struct {
	Auths map[string]login `json:"auths"`
}

func newLogin(username, password, email string) login {
	return login{Username: username, Password: password, Email: email,
		Auth: base64.StdEncoding.EncodeToString([]byte(username + ":" + password))}
}

// parseConfig reads what a Secret holds. Its error never quotes it.
func parseConfig(data []byte) (dockerConfig, error) {
	var c dockerConfig
	if err := json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("its %s is no JSON that a kubelet can read", corev1.DockerConfigJsonKey)
	}
	return c, nil
}

// encode writes the config; keys are sorted, so that the same content is the same bytes.
func (c dockerConfig) encode() ([]byte, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encoding the credentials: %w", err)
	}
	return b, nil
}

// equal reports whether two configs say the same, however they are written: kubectl and others leave
// out auth, or username and password.
func (c dockerConfig) equal(o dockerConfig) bool {
	if len(c.Auths) != len(o.Auths) {
		return false
	}
	for server, a := range c.Auths {
		b, ok := o.Auths[server]
		if !ok || a.basic() != b.basic() || a.Email != b.Email {
			return false
		}
	}
	return true
}

// basic is username:password in Base64, as it is sent.
func (l login) basic() string {
	if l.Username == "" && l.Password == "" {
		return l.Auth
	}
	return base64.StdEncoding.EncodeToString([]byte(l.Username + ":" + l.Password))
}

// secrets are all forms in which the credentials of a config can be quoted. data is the config
// encoded.
func (c dockerConfig) secrets(data []byte) []string {
	// The Secret carries its data in Base64; JSON may be quoted once more within a message.
	out := []string{base64.StdEncoding.EncodeToString(data), string(data)}
	for _, l := range c.Auths {
		password := l.Password
		if user, p, ok := decodeAuth(l.Auth); ok && password == "" {
			password = p
			out = append(out, user+":"+p)
		}
		out = append(out, l.Auth, l.basic(), password, base64.StdEncoding.EncodeToString([]byte(password)))
	}
	for _, s := range out[1:] {
		if b, err := json.Marshal(s); err == nil {
			out = append(out, string(b[1:len(b)-1]))
		}
	}
	return out
}

// decodeAuth reads username:password in Base64.
func decodeAuth(auth string) (user, password string, ok bool) {
	b, err := base64.StdEncoding.DecodeString(auth)
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(b), ":")
}

// servers are the registries of a config, sorted.
func (c dockerConfig) servers() []string {
	out := make([]string, 0, len(c.Auths))
	for s := range c.Auths {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// parseServer reads a registry's name as people write it: with or without a scheme, with a path
// where the credentials are for a part of the registry only.
func parseServer(s string) (string, error) {
	if strings.ContainsAny(s, " \t\r\n\"'\\<>") {
		return "", fmt.Errorf("--server %q: want a host, as in registry.example.com:5000", s)
	}
	text := s
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("--server %q: want a host, as in registry.example.com:5000", s)
	case u.User != nil:
		return "", fmt.Errorf("--server: want a host without credentials; --username and --password-stdin take those")
	case u.Scheme != "https" && u.Scheme != "http":
		return "", fmt.Errorf("--server %q: want a host, as in registry.example.com:5000", s)
	}
	switch strings.ToLower(u.Host) {
	case "docker.io", "index.docker.io", "registry-1.docker.io", "registry.docker.io", "hub.docker.com":
		return dockerHub, nil
	}
	return u.Host + strings.TrimRight(u.Path, "/"), nil
}
