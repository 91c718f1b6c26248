package registry

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// program puts a credential program into PATH.
func program(t *testing.T, name, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "docker-credential-"+name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func TestDockerCredential(t *testing.T) {
	program(t, "vault", `read host; case "$host" in known*) echo '{"Username":"v","Secret":"from-vault"}';; locked*) echo no; exit 1;; *) echo "credentials not found in native keychain"; exit 1;; esac`)
	for name, tt := range map[string]struct {
		config, host string
		want         string // user:password, or empty for none
		wrong        string // part of the error
	}{
		"auth":              {`{"auths":{"r.example.com":{"auth":"dTpwOnE="}}}`, "r.example.com", "u:p:q", ""},
		"with a scheme":     {`{"auths":{"https://r.example.com/v1/":{"username":"u","password":"p"}}}`, "r.example.com", "u:p", ""},
		"Docker Hub":        {`{"auths":{"https://index.docker.io/v1/":{"auth":"dTpw"}}}`, "index.docker.io", "u:p", ""},
		"another host":      {`{"auths":{"r.example.com":{"auth":"dTpw"}}}`, "r.example.com.evil.example", "", ""},
		"another port":      {`{"auths":{"r.example.com":{"auth":"dTpw"}}}`, "r.example.com:5000", "", ""},
		"helper":            {`{"credHelpers":{"known.example.com":"vault"}}`, "known.example.com", "v:from-vault", ""},
		"helper has none":   {`{"credHelpers":{"r.example.com":"vault"}}`, "r.example.com", "", ""},
		"helper fails":      {`{"credHelpers":{"locked.example.com":"vault"}}`, "locked.example.com", "", "gives no credential"},
		"store":             {`{"auths":{"known.example.com":{}},"credsStore":"vault"}`, "known.example.com", "v:from-vault", ""},
		"program is a path": {`{"credsStore":"../../bin/sh"}`, "r.example.com", "", "is no name of a credential program"},
		"no JSON":           {`{"auths": hunter2`, "r.example.com", "", "not valid JSON"},
		"no base64":         {`{"auths":{"r.example.com":{"auth":"hunter2!"}}}`, "r.example.com", "", "not usable"},
		"identity token":    {`{"auths":{"r.example.com":{"identitytoken":"hunter2"}}}`, "r.example.com", "", "identity token"},
		"empty":             {``, "r.example.com", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "config.json")
			if err := os.WriteFile(file, []byte(tt.config), 0o600); err != nil {
				t.Fatal(err)
			}
			auth, err := DockerCredential(t.Context(), []string{filepath.Join(t.TempDir(), "absent"), file}, tt.host)
			if tt.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wrong) || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("got %v, want %q", err, tt.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := show(auth); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func show(a *model.Auth) string {
	if a == nil {
		return ""
	}
	return a.Username + ":" + a.Password
}

func TestIsThisMachine(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "localhost:5000": true, "127.0.0.1:80": true, "[::1]:80": true, "127.1.2.3": true,
		"10.0.0.1:5000": false, "localhost.example.com": false, "127.0.0.1.example.com": false, "": false, "192.168.1.1": false,
	} {
		if got := IsThisMachine(host); got != want {
			t.Errorf("%q: got %v", host, got)
		}
	}
}
