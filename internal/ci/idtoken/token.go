package idtoken

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// DefaultVariable is the variable that pipelines written by "fairlead ci init" put the token into.
const DefaultVariable = "FAIRLEAD_ID_TOKEN"

// The variables by which GitHub tells a job where its tokens are (docs.github.com, "OpenID Connect
// reference").
const (
	githubURL   = "ACTIONS_ID_TOKEN_REQUEST_URL"
	githubToken = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
)

// Source gets tokens.
type Source struct {
	Variable string                   // that holds a token; DefaultVariable when empty
	Audience string                   // the token has to be for; empty takes any
	Env      func(name string) string // the job's environment
	Client   *http.Client             // for GitHub's; default is one with a time limit
	Now      func() time.Time
}

// Token is a token and what it says about itself.
type Token struct {
	Raw string
	Claims
}

// String keeps the token out of every message.
func (t Token) String() string { return "token of " + t.Subject }

// Get returns the job's token. It is still valid, and for the audience.
func (s *Source) Get(ctx context.Context) (Token, error) {
	variable := s.Variable
	if variable == "" {
		variable = DefaultVariable
	}
	raw := strings.TrimSpace(s.Env(variable))
	if raw == "" && s.Env(githubURL) != "" {
		var err error
		if raw, err = s.request(ctx); err != nil {
			return Token{}, err
		}
	}
	if raw == "" {
		return Token{}, &model.Error{
			Kind: model.ErrInvalid, Reason: "NoIDToken", Msg: "this job has no ID token: " + variable + " is empty",
			Next: "GitLab: give the job id_tokens: {" + variable + ": {aud: …}}; GitHub: give it permissions: {id-token: write}",
		}
	}
	claims, err := parse(raw)
	if err != nil {
		return Token{}, &model.Error{
			Kind: model.ErrInvalid, Reason: "NoIDToken", Msg: "reading the ID token in " + variable, Err: err,
			Next: "it has to be what the build service put there (id_tokens), not a password or a service account's Secret",
		}
	}
	t := Token{Raw: raw, Claims: claims}
	return t, s.check(t)
}

// check refuses a token that the API server would refuse, with the reason, which the server does not
// give.
func (s *Source) check(t Token) error {
	if s.Audience != "" && !slices.Contains(t.Audience, s.Audience) {
		return &model.Error{
			Kind: model.ErrDenied, Reason: "WrongAudience",
			Msg:  fmt.Sprintf("the ID token is for %q, not for %q", strings.Join(t.Audience, ", "), s.Audience),
			Next: "the audience (aud) of the job's id_tokens, --audience and the API server's configuration have to be the same",
		}
	}
	if t.Expires.IsZero() {
		return nil
	}
	if now := s.Now(); !now.Before(t.Expires) {
		return &model.Error{
			Kind: model.ErrDenied, Reason: "TokenExpired",
			Msg:  fmt.Sprintf("the ID token expired %s ago", now.Sub(t.Expires).Round(time.Second)),
			Next: "an ID token lives as long as its job may run: give the job a longer timeout, or run it again",
		}
	}
	return nil
}

// request asks GitHub for a token.
func (s *Source) request(ctx context.Context) (string, error) {
	at, err := url.Parse(s.Env(githubURL))
	if err != nil {
		return "", errors.New("asking for an ID token: " + githubURL + " is no URL")
	}
	if s.Audience != "" {
		q := at.Query()
		q.Set("audience", s.Audience)
		at.RawQuery = q.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return "", errors.New("asking for an ID token: " + githubURL + " is no URL")
	}
	req.Header.Set("Authorization", "Bearer "+s.Env(githubToken))
	req.Header.Set("Accept", "application/json")
	client := s.Client
	if client == nil {
		client = &http.Client{Timeout: 30 * time.Second, CheckRedirect: noRedirect}
	}
	answer, err := client.Do(req)
	if err != nil {
		return "", fmt.Errorf("asking for an ID token: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "", &model.Error{
			Kind: model.ErrDenied, Reason: "NoIDToken", Msg: "asking for an ID token: " + answer.Status,
			Next: "give the job permissions: {id-token: write}",
		}
	}
	var said struct {
		Value string `json:"value"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 2*maxToken)).Decode(&said); err != nil || said.Value == "" {
		return "", errors.New("asking for an ID token: the answer holds none")
	}
	return said.Value, nil
}

// noRedirect keeps the request's token at the host it is for.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
