package local

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// ports are where this installation listens, all on 127.0.0.1.
type ports struct {
	Git        int `json:"git"`
	Registry   int `json:"registry"`
	Controller int `json:"controller"`
}

// choosePorts takes the ports that were asked for, else those of last time, else free ones, and
// writes them down.
func choosePorts(ctx context.Context, dir string, o Options) (ports, error) {
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
	taken := map[int]bool{}
	for _, c := range []struct {
		flag  string
		field *int
		asked int
	}{
		{"--git-port", &p.Git, o.GitPort}, {"--registry-port", &p.Registry, o.RegistryPort},
		{"--controller-port", &p.Controller, o.ControllerPort},
	} {
		if c.asked != 0 {
			*c.field = c.asked
		}
		if *c.field == 0 {
			*c.field, err = freePort(taken)
		} else {
			err = awaitPort(ctx, *c.field)
		}
		if err == nil && taken[*c.field] {
			err = errors.New("it is named twice")
		}
		if err != nil {
			return p, fmt.Errorf("taking port %d: %v; end what uses it, or choose another with %s", *c.field, err, c.flag)
		}
		taken[*c.field] = true
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

// Ports are chosen below those that systems give to outgoing connections (from 32768 on Linux), and
// to Services of type NodePort (from 30000): what is free now has to be free next time too.
const firstPort, lastPort = 20000, 29999

func freePort(taken map[int]bool) (int, error) {
	var last error
	for range 100 {
		port := firstPort + mathrand.IntN(lastPort-firstPort+1)
		if taken[port] {
			continue
		}
		if last = tryPort(port); last == nil {
			return port, nil
		}
	}
	return 0, fmt.Errorf("finding a free port: %w", last)
}

// portPatience is how long what was killed may take to give its ports back.
const portPatience = 5 * time.Second

func awaitPort(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, portPatience)
	defer cancel()
	tick := time.NewTicker(lookPeriod)
	defer tick.Stop()
	for {
		err := tryPort(port)
		if !errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}

func tryPort(port int) error {
	l, err := net.Listen("tcp", loopback(port))
	if err != nil {
		return err
	}
	return l.Close()
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
