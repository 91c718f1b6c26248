package idtoken

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Claims are what a token says about itself. They are not secret.
type Claims struct {
	Issuer   string
	Subject  string
	Audience []string
	Expires  time.Time // zero when it does not say
}

var errNoToken = errors.New("it is not a JSON web token")

// maxToken bounds a token: an API server takes no header beyond that.
const maxToken = 64 << 10

// parse reads the claims of a token without checking its signature.
func parse(raw string) (Claims, error) {
	var c Claims
	parts := strings.Split(raw, ".")
	if len(raw) > maxToken || len(parts) != 3 {
		return c, errNoToken
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return c, errNoToken // the decoder's error would quote it
	}
	var said struct {
		Issuer   string          `json:"iss"`
		Subject  string          `json:"sub"`
		Audience json.RawMessage `json:"aud"`
		Expires  float64         `json:"exp"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return c, errNoToken
	}
	c.Issuer, c.Subject = said.Issuer, said.Subject
	if c.Audience, err = audience(said.Audience); err != nil {
		return c, err
	}
	if said.Expires > 0 {
		c.Expires = time.Unix(int64(said.Expires), 0)
	}
	return c, nil
}

// audience is one string or several (RFC 7519, section 4.1.3).
func audience(raw json.RawMessage) ([]string, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, nil
	}
	var many []string
	if err := json.Unmarshal(raw, &many); err != nil {
		return nil, fmt.Errorf("reading its audience: %w", errNoToken)
	}
	return many, nil
}
