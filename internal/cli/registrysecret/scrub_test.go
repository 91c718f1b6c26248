package registrysecret

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// What a webhook may quote of a refused Secret shows none of the credentials in it, also of those
// registries that were there before.
func TestScrub(t *testing.T) {
	c := dockerConfig{Auths: map[string]login{
		"new.example.com":  newLogin("me", `new"pass-4711`, ""),
		"old.example.com":  {Auth: base64.StdEncoding.EncodeToString([]byte("you:old-pass-4712"))},
		"both.example.com": newLogin("we", "both-pass-4713", "we@example.com"),
	}}
	data, err := c.encode()
	if err != nil {
		t.Fatal(err)
	}
	inside, err := json.Marshal(string(data))
	if err != nil {
		t.Fatal(err)
	}
	quotes := []string{base64.StdEncoding.EncodeToString(data), string(data), string(inside)}
	for _, l := range c.Auths {
		quotes = append(quotes, l.Auth)
		if l.Password != "" {
			quotes = append(quotes, l.Password)
		}
	}
	quotes = append(quotes, "old-pass-4712", "you:old-pass-4712", base64.StdEncoding.EncodeToString([]byte("new\"pass-4711")))
	for _, quote := range quotes {
		got := scrub(fmt.Errorf("admission webhook denied it: %w", errors.New(quote)), c.secrets(data)...).Error()
		if got = strings.TrimPrefix(got, "admission webhook denied it: "); strings.Trim(got, `"`) != "***" {
			t.Errorf("%q becomes %q", quote, got)
		}
	}
	if got := scrub(errors.New("no such namespace"), c.secrets(data)...).Error(); got != "no such namespace" {
		t.Errorf("an error that quotes nothing becomes %q", got)
	}
}
