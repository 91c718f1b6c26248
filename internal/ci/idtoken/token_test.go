package idtoken

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/internal/model"
)

var now = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// token is an unsigned one: nothing here trusts signatures.
func token(claims map[string]any) string {
	body, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	return "e30." + base64.RawURLEncoding.EncodeToString(body) + ".c2lnbmF0dXJl"
}

func valid() map[string]any {
	return map[string]any{
		"iss": "https://gitlab.example.com", "sub": "project_path:shop/web", "aud": "fairlead-dev", "exp": now.Add(time.Hour).Unix(),
	}
}

func with(key string, value any) map[string]any {
	m := valid()
	m[key] = value
	return m
}

func source(env map[string]string) *Source {
	return &Source{Audience: "fairlead-dev", Env: func(k string) string { return env[k] }, Now: func() time.Time { return now }}
}

func TestGet(t *testing.T) {
	raw := token(valid())
	got, err := source(map[string]string{DefaultVariable: raw + "\n"}).Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := Token{Raw: raw, Claims: Claims{
		Issuer: "https://gitlab.example.com", Subject: "project_path:shop/web", Audience: []string{"fairlead-dev"}, Expires: now.Add(time.Hour).Local(),
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if strings.Contains(got.String(), raw) {
		t.Error("printing a token shows it")
	}
}

func TestGetRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		raw, reason, says string
	}{
		"none":             {"", "NoIDToken", "FAIRLEAD_ID_TOKEN is empty"},
		"a password":       {"glpat-secret-password", "NoIDToken", "not a JSON web token"},
		"no JSON":          {"e30.c2VjcmV0LXBhc3N3b3Jk.e30", "NoIDToken", "not a JSON web token"},
		"a wrong alphabet": {"e30.secret password.e30", "NoIDToken", "not a JSON web token"},
		"another audience": {token(with("aud", []string{"vault", "sigstore"})), "WrongAudience", `"vault, sigstore", not for "fairlead-dev"`},
		"no audience":      {token(with("aud", nil)), "WrongAudience", `for ""`},
		"an expired one":   {token(with("exp", now.Add(-90*time.Second).Unix())), "TokenExpired", "expired 1m30s ago"},
		"too long a one":   {token(with("x", strings.Repeat("a", maxToken))), "NoIDToken", "not a JSON web token"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := source(map[string]string{DefaultVariable: tt.raw}).Get(t.Context())
			if err == nil {
				t.Fatal("it is accepted")
			}
			if got := model.ReasonOf(err, ""); got != tt.reason || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s: %v; want %s: %s", got, err, tt.reason, tt.says)
			}
			if strings.Contains(err.Error(), "secret") || tt.raw != "" && strings.Contains(err.Error(), tt.raw) {
				t.Errorf("the error holds the token: %v", err)
			}
		})
	}
}

func TestGetOfGitHub(t *testing.T) {
	raw := token(valid())
	var asked []string
	answer := `{"value": "` + raw + `"}`
	status := http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.String()+" "+r.Header.Get("Authorization"))
		w.WriteHeader(status)
		_, _ = w.Write([]byte(answer)) // whoever asked is gone
	}))
	defer srv.Close()
	s := source(map[string]string{githubURL: srv.URL + "/token?api-version=2", githubToken: "of-the-job"})
	got, err := s.Get(t.Context())
	if err != nil || got.Raw != raw {
		t.Fatalf("got %s, %v", got, err)
	}
	want := []string{"/token?api-version=2&audience=fairlead-dev Bearer of-the-job"}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	status = http.StatusForbidden
	if _, err := s.Get(t.Context()); model.ReasonOf(err, "") != "NoIDToken" {
		t.Errorf("refused: %v", err)
	}
	status, answer = http.StatusOK, "<html>"
	if _, err := s.Get(t.Context()); err == nil {
		t.Error("a page is taken for a token")
	}
}
