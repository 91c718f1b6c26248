package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strings"
)

// signatures are the headers that carry a hex HMAC-SHA-256 of the body, with the prefix before it.
// GitHub's is documented in "Validating webhook deliveries"; Gitea and Forgejo send GitHub's
// header as well as their own.
var signatures = map[string]string{
	"X-Hub-Signature-256": "sha256=",
	"X-Gitea-Signature":   "",
	"X-Forgejo-Signature": "",
	"X-Gogs-Signature":    "",
}

// tokenHeader is where GitLab sends the secret itself.
const tokenHeader = "X-Gitlab-Token"

// Verify checks that whoever sent the body knows one of the secrets. Every signature that the
// request carries has to be right. The error is a *Refusal.
func Verify(header http.Header, body []byte, secrets []string) error {
	signed := false
	for name, prefix := range signatures {
		given := header.Get(name)
		if given == "" {
			continue
		}
		signed = true
		mac, err := hex.DecodeString(strings.TrimPrefix(given, prefix))
		if err != nil || !anySecret(secrets, func(secret string) bool {
			h := hmac.New(sha256.New, []byte(secret))
			h.Write(body)
			return hmac.Equal(mac, h.Sum(nil))
		}) {
			return &Refusal{http.StatusUnauthorized, "the signature does not match"}
		}
	}
	if token := header.Get(tokenHeader); token != "" {
		signed = true
		if !anySecret(secrets, func(secret string) bool {
			// Digests have one length: the comparison takes the same time for every token.
			a, b := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(secret))
			return subtle.ConstantTimeCompare(a[:], b[:]) == 1
		}) {
			return &Refusal{http.StatusUnauthorized, "the token does not match"}
		}
	}
	if !signed {
		return &Refusal{http.StatusUnauthorized, "the event carries neither a signature nor a token"}
	}
	return nil
}

// anySecret tries all secrets, whichever fits. An empty one fits nothing.
func anySecret(secrets []string, fits func(string) bool) bool {
	found := false
	for _, s := range secrets {
		found = (s != "" && fits(s)) || found
	}
	return found
}
