package ci

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// issuer is the part of a build service that issues ID tokens (OpenID Connect Discovery 1.0).
type issuer struct {
	server *httptest.Server
	path   string // of the issuer's URL
	key    *rsa.PrivateKey
}

func newIssuer(t *testing.T, path string) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key, path: path}
	mux := http.NewServeMux()
	mux.HandleFunc(path+"/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{
			"issuer": i.url(), "jwks_uri": i.server.URL + "/keys", "response_types_supported": []string{"id_token"},
			"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1",
			"n": encode(key.N.Bytes()), "e": encode(big.NewInt(int64(key.E)).Bytes()),
		}}})
	})
	i.server = httptest.NewTLSServer(mux)
	t.Cleanup(i.server.Close)
	return i
}

func (i *issuer) url() string { return i.server.URL + i.path }

// host is what a repository's remote says of the build service.
func (i *issuer) host() string { return strings.TrimPrefix(i.server.URL, "https://") }

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // whoever asked is gone
}

// authority is the certificate that the server is known by.
func authority(s *httptest.Server) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
}

// gitlab is a token of GitLab's for a job that deploys to environment, with claims changed or added.
func (i *issuer) gitlab(t *testing.T, environment string, claims map[string]any) string {
	t.Helper()
	all := map[string]any{
		"sub": "project_path:" + project + ":ref_type:branch:ref:main", "aud": "fairlead-" + environment,
		"project_path": project, "ref": "main", "ref_type": "branch", "ref_protected": "true",
		"environment": environment, "environment_protected": "true", "pipeline_source": "push",
	}
	maps.Copy(all, claims)
	return i.sign(t, all)
}

// github is one of GitHub's.
func (i *issuer) github(t *testing.T, environment, audience string) string {
	t.Helper()
	return i.sign(t, map[string]any{
		"sub": "repo:" + project + ":environment:" + environment, "aud": audience,
		"repository": project, "ref": "refs/heads/main", "ref_type": "branch", "environment": environment, "event_name": "push",
	})
}

func (i *issuer) sign(t *testing.T, claims map[string]any) string {
	t.Helper()
	now := time.Now()
	all := map[string]any{"iss": i.url(), "iat": now.Unix(), "nbf": now.Unix() - 5, "exp": now.Add(time.Hour).Unix()}
	maps.Copy(all, claims)
	head, err := json.Marshal(map[string]string{"alg": "RS256", "typ": "JWT", "kid": "1"})
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	signed := encode(head) + "." + encode(body)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, i.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + encode(signature)
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }
