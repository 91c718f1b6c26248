package local

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// ports are where this installation listens, all on 127.0.0.1.
type ports struct {
	Git        int `json:"git"`
	Registry   int `json:"registry"`
	Controller int `json:"controller"`
}

// choosePorts takes the ports that were asked for, else those of last time, else free ones, and
// writes them down.
func choosePorts(dir string, o Options) (ports, error) {
	var p ports
	file := filepath.Join(dir, "ports.json")
	data, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return p, fmt.Errorf("reading the ports of last time: %w", err)
	}
	if err == nil {
		if err := json.Unmarshal(data, &p); err != nil {
			return p, fmt.Errorf("reading %s: %w", file, err)
		}
	}
	for _, c := range []struct{ field, asked *int }{
		{&p.Git, &o.GitPort}, {&p.Registry, &o.RegistryPort}, {&p.Controller, &o.ControllerPort},
	} {
		if *c.asked != 0 {
			*c.field = *c.asked
		}
		if *c.field == 0 {
			if *c.field, err = freePort(); err != nil {
				return p, err
			}
		}
	}
	data, err = json.Marshal(p)
	if err != nil {
		return p, err
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return p, fmt.Errorf("writing the ports: %w", err)
	}
	return p, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("finding a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func secretPath(dir string) string { return filepath.Join(dir, "webhook-secret") }

// webhookSecret is what the embedded Git server signs its events with.
func webhookSecret(dir string) (string, error) {
	data, err := os.ReadFile(secretPath(dir))
	if err == nil {
		return strings.TrimSpace(string(data)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading the webhook's secret: %w", err)
	}
	raw := make([]byte, 24)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("making the webhook's secret: %w", err)
	}
	secret := hex.EncodeToString(raw)
	if err := os.WriteFile(secretPath(dir), []byte(secret+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("writing the webhook's secret: %w", err)
	}
	return secret, nil
}
