package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	secret = "correct horse"
	commit = "9f3c1ab0000000000000000000000000000000aa"
)

var githubBody = `{"ref":"refs/heads/main","before":"` + strings.Repeat("0", 40) + `","after":"` + commit + `",
 "repository":{"full_name":"org/app","html_url":"https://github.com/org/app","clone_url":"https://github.com/org/app.git",
 "ssh_url":"git@github.com:org/app.git","git_url":"git://github.com/org/app.git"},"commits":[]}`

var gitlabBody = `{"object_kind":"push","event_name":"push","ref":"refs/heads/main","after":"` + commit + `",
 "project":{"web_url":"https://gitlab.com/org/app","git_http_url":"https://gitlab.com/org/app.git","git_ssh_url":"git@gitlab.com:org/app.git"},
 "repository":{"git_http_url":"https://gitlab.com/org/app.git"}}`

func sign(body string) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(body))
	return hex.EncodeToString(h.Sum(nil))
}

func TestHandler(t *testing.T) {
	github := []Push{{
		URLs: []string{"https://github.com/org/app.git", "git@github.com:org/app.git", "git://github.com/org/app.git", "https://github.com/org/app"},
		Ref:  "refs/heads/main", Commit: commit,
	}}
	gitlab := []Push{{
		URLs: []string{"https://gitlab.com/org/app.git", "https://gitlab.com/org/app", "git@gitlab.com:org/app.git"},
		Ref:  "refs/heads/main", Commit: commit,
	}}
	form := "payload=" + strings.NewReplacer("%", "%25", "&", "%26", "+", "%2B", "\n", "%0A", " ", "%20", `"`, "%22").Replace(githubBody)
	for _, test := range []struct {
		name    string
		opts    Options
		headers map[string]string
		body    string
		status  int
		want    []Push
	}{
		{"github", Options{Secrets: []string{"old", secret}},
			map[string]string{"X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256=" + sign(githubBody)}, githubBody, 202, github},
		{"github as a form", Options{Secrets: []string{secret}},
			map[string]string{"X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256=" + sign(form), "Content-Type": "application/x-www-form-urlencoded"}, form, 202, github},
		{"github ping", Options{Secrets: []string{secret}},
			map[string]string{"X-GitHub-Event": "ping", "X-Hub-Signature-256": "sha256=" + sign(`{"zen":"x"}`)}, `{"zen":"x"}`, 202, nil},
		{"gitea", Options{Secrets: []string{secret}},
			map[string]string{"X-Gitea-Event": "push", "X-Gitea-Signature": sign(githubBody)}, githubBody, 202, github},
		{"forgejo", Options{Secrets: []string{secret}},
			map[string]string{"X-Forgejo-Event": "push", "X-Gitea-Event": "push", "X-Forgejo-Signature": sign(githubBody), "X-Hub-Signature-256": "sha256=" + sign(githubBody)}, githubBody, 202, github},
		{"gitlab", Options{Secrets: []string{secret}},
			map[string]string{"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": secret}, gitlabBody, 202, gitlab},
		{"gitlab tag", Options{Secrets: []string{secret}},
			map[string]string{"X-Gitlab-Event": "Tag Push Hook", "X-Gitlab-Token": secret}, gitlabBody, 202, gitlab},
		{"gitlab system hook", Options{Secrets: []string{secret}},
			map[string]string{"X-Gitlab-Event": "System Hook", "X-Gitlab-Token": secret}, gitlabBody, 202, gitlab},
		{"gitlab issue", Options{Secrets: []string{secret}},
			map[string]string{"X-Gitlab-Event": "Issue Hook", "X-Gitlab-Token": secret}, `{}`, 202, nil},
		{"wrong signature", Options{Secrets: []string{secret}},
			map[string]string{"X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256=" + sign("other")}, githubBody, 401, nil},
		{"one right and one wrong signature", Options{Secrets: []string{secret}},
			map[string]string{"X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256=" + sign(githubBody), "X-Gitea-Signature": sign("other")}, githubBody, 401, nil},
		{"wrong token", Options{Secrets: []string{secret}},
			map[string]string{"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": "x"}, gitlabBody, 401, nil},
		{"no signature", Options{Secrets: []string{secret}}, map[string]string{"X-GitHub-Event": "push"}, githubBody, 401, nil},
		{"old SHA-1 signature alone", Options{Secrets: []string{secret}},
			map[string]string{"X-GitHub-Event": "push", "X-Hub-Signature": "sha1=" + sign(githubBody)}, githubBody, 401, nil},
		{"empty secret", Options{Secrets: []string{""}},
			map[string]string{"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": ""}, gitlabBody, 401, nil},
		{"no secret configured", Options{}, map[string]string{"X-GitHub-Event": "push"}, githubBody, 403, nil},
		{"unsigned allowed", Options{AllowUnsigned: true}, map[string]string{"X-GitHub-Event": "push"}, githubBody, 202, github},
		{"not JSON", Options{AllowUnsigned: true}, map[string]string{"X-GitHub-Event": "push"}, `<xml>`, 400, nil},
		{"no repository", Options{AllowUnsigned: true}, map[string]string{"X-GitHub-Event": "push"}, `{"ref":"refs/heads/main","after":"` + commit + `"}`, 400, nil},
		{"commit that is an option", Options{AllowUnsigned: true}, map[string]string{"X-GitHub-Event": "push"},
			strings.Replace(githubBody, commit, "--upload-pack=touch", 1), 400, nil},
		{"unknown sender", Options{AllowUnsigned: true}, nil, githubBody, 400, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := make(chan Push, 10)
			test.opts.Notify = func(_ context.Context, p Push) (int, error) { got <- p; return 1, nil }
			req := httptest.NewRequest(http.MethodPost, "/webhook", strings.NewReader(test.body))
			for k, v := range test.headers {
				req.Header.Set(k, v)
			}
			rec := httptest.NewRecorder()
			Handler(test.opts).ServeHTTP(rec, req)
			if rec.Code != test.status {
				t.Errorf("answered %d %s", rec.Code, rec.Body)
			}
			for _, want := range test.want {
				select {
				case p := <-got:
					if diff := cmp.Diff(want, p); diff != "" {
						t.Errorf("push (-want +got):\n%s", diff)
					}
				case <-time.After(10 * time.Second):
					t.Fatal("nobody was notified")
				}
			}
			if len(got) > 0 {
				t.Errorf("unexpected push %+v", <-got)
			}
			if strings.Contains(rec.Body.String(), secret) {
				t.Error("the answer tells the secret")
			}
		})
	}
}

func TestUnsignedEventsAreLimited(t *testing.T) {
	h := Handler(Options{AllowUnsigned: true, UnsignedRate: 0.001, Notify: func(context.Context, Push) (int, error) { return 0, nil }})
	var codes []int
	for range 3 {
		req := httptest.NewRequest(http.MethodPost, "/webhook", strings.NewReader(githubBody))
		req.Header.Set("X-GitHub-Event", "push")
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		codes = append(codes, rec.Code)
	}
	if diff := cmp.Diff([]int{202, 429, 429}, codes); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

func TestLargeEventsAreRefused(t *testing.T) {
	h := Handler(Options{AllowUnsigned: true})
	req := httptest.NewRequest(http.MethodPost, "/webhook", bytes.NewReader(make([]byte, maxBody+1)))
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	if rec.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("answered %d", rec.Code)
	}
	req = httptest.NewRequest(http.MethodGet, "/webhook", nil)
	rec = httptest.NewRecorder()
	if h.ServeHTTP(rec, req); rec.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET answered %d", rec.Code)
	}
}
