package webhook

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// Push is one ref of one repository that was pushed to. Its fields are those of source.Push.
type Push struct {
	URLs   []string // clone and web URLs of the repository, as the event gives them
	Ref    string   // "refs/heads/main"
	Commit string   // full commit ID, zeros for a deletion
}

// payload is what is read of a push event. The names are GitHub's, Gitea's and Forgejo's
// (repository) and GitLab's (project, object_kind).
type payload struct {
	ObjectKind string `json:"object_kind"`
	EventName  string `json:"event_name"`
	Ref        string `json:"ref"`
	After      string `json:"after"`
	Repository hosted `json:"repository"`
	Project    hosted `json:"project"`
}

type hosted struct {
	CloneURL string `json:"clone_url"`
	SSHURL   string `json:"ssh_url"`
	GitURL   string `json:"git_url"`
	HTMLURL  string `json:"html_url"`
	HTTPURL  string `json:"http_url"`
	WebURL   string `json:"web_url"`
	GitHTTP  string `json:"git_http_url"`
	GitSSH   string `json:"git_ssh_url"`
}

func (h hosted) urls() []string {
	return []string{h.CloneURL, h.SSHURL, h.GitURL, h.HTMLURL, h.HTTPURL, h.WebURL, h.GitHTTP, h.GitSSH}
}

// Parse reads the pushes of an event. An event of another kind gives none. The error is a *Refusal.
func Parse(header http.Header, body []byte) ([]Push, error) {
	kind, known := eventKind(header)
	if !known {
		return nil, &Refusal{http.StatusBadRequest, "the event is none of GitHub, GitLab, Gitea or Forgejo"}
	}
	if strings.HasPrefix(header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, &Refusal{http.StatusBadRequest, "the form cannot be parsed"}
		}
		body = []byte(form.Get("payload"))
	}
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, &Refusal{http.StatusBadRequest, "the event is no JSON of the expected form"}
	}
	if kind == "system" { // a GitLab system hook says in the body what it is
		if p.EventName != "push" && p.EventName != "tag_push" {
			return nil, nil
		}
		kind = "push"
	}
	if kind != "push" {
		return nil, nil
	}
	push := Push{Ref: p.Ref, Commit: strings.ToLower(p.After)}
	seen := map[string]bool{"": true}
	for _, u := range append(p.Repository.urls(), p.Project.urls()...) {
		if !seen[u] && len(u) < 2048 {
			seen[u] = true
			push.URLs = append(push.URLs, u)
		}
	}
	if len(push.URLs) == 0 || !strings.HasPrefix(push.Ref, "refs/") || !isObjectID(push.Commit) {
		return nil, &Refusal{http.StatusBadRequest, "the push names no repository, ref or commit"}
	}
	return []Push{push}, nil
}

// eventKind is "push", "system", or something else that is no push.
func eventKind(header http.Header) (kind string, known bool) {
	for _, name := range []string{"X-Forgejo-Event", "X-Gitea-Event", "X-GitHub-Event", "X-Gogs-Event"} {
		if e := header.Get(name); e != "" {
			return e, true
		}
	}
	switch e := header.Get("X-Gitlab-Event"); e {
	case "":
		return "", false
	case "Push Hook", "Tag Push Hook":
		return "push", true
	case "System Hook":
		return "system", true
	default:
		return e, true
	}
}

func isObjectID(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}
