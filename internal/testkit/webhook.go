package testkit

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// SendPush tells a webhook endpoint of a push as GitHub would, signed with secret. cloneURL is the
// repository's URL.
func SendPush(ctx context.Context, endpoint, secret, cloneURL string, push GitPush) error {
	name := push.Repository
	body, err := json.Marshal(map[string]any{
		"ref": push.Ref, "before": push.Old, "after": push.New,
		"deleted": strings.Trim(push.New, "0") == "",
		"repository": map[string]any{
			"full_name": name, "clone_url": cloneURL, "html_url": strings.TrimSuffix(cloneURL, ".git"),
		},
	})
	if err != nil {
		return fmt.Errorf("writing a push event: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("sending a push event: %w", err)
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-GitHub-Event", "push")
	req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("sending a push event: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 4096))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("sending a push event: the endpoint answered %s", resp.Status)
	}
	return nil
}
