package etcd

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// stopTimeout is how long a graceful end may take before it is no longer waited for.
const stopTimeout = time.Second

// Server is a running database.
type Server struct {
	// Endpoint is what --etcd-servers takes.
	Endpoint string

	etcd *embed.Etcd
}

// Start runs a database in dir, with its sockets in sockets, and returns when it serves.
// Only the owner may have access to sockets. It logs to logFile.
func Start(ctx context.Context, dir, sockets, logFile string, level zapcore.Level) (*Server, error) {
	client, peer := filepath.Join(sockets, "etcd.sock"), filepath.Join(sockets, "etcd-peer.sock")
	s := &Server{}
	// A killed run leaves its sockets behind, and a socket that exists cannot be bound.
	for _, path := range []string{client, peer} {
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			return nil, fmt.Errorf("removing old etcd socket: %w", err)
		}
	}
	config, err := newConfig(dir, client, peer, logFile, level)
	if err != nil {
		return nil, err
	}
	if s.etcd, err = embed.StartEtcd(config); err != nil {
		return nil, fmt.Errorf("starting etcd: %w", err)
	}
	s.Endpoint = "unix://" + client
	select {
	case <-s.etcd.Server.ReadyNotify():
		return s, nil
	case err := <-s.etcd.Err():
		s.Stop()
		return nil, fmt.Errorf("starting etcd: %w", err)
	case <-ctx.Done():
		s.Stop()
		return nil, fmt.Errorf("waiting for etcd: %w", ctx.Err())
	}
}

// Failed delivers the error that ended the database.
func (s *Server) Failed() <-chan error { return s.etcd.Err() }

// Stop ends the database. Whatever was acknowledged is kept, also when the time it
// grants to open streams runs out.
func (s *Server) Stop() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.etcd.Close()
	}()
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

func newConfig(dir, client, peer, logFile string, level zapcore.Level) (*embed.Config, error) {
	logger, err := newLogger(logFile, level)
	if err != nil {
		return nil, err
	}
	config := embed.NewConfig()
	config.Name = "fairlead"
	config.Dir = filepath.Join(dir, "data")
	config.ZapLoggerBuilder = embed.NewZapLoggerBuilder(logger)
	config.UnsafeNoFsync = true
	config.EnableGRPCGateway = false
	config.WarningUnaryRequestDuration = embed.DefaultWarningUnaryRequestDuration
	config.ListenClientUrls = []url.URL{{Scheme: "unix", Path: client}}
	config.ListenPeerUrls = []url.URL{{Scheme: "unix", Path: peer}}
	// Nobody calls the advertised addresses of a lone member, but they are part of the
	// stored membership and therefore must not change between runs.
	advertised := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	config.AdvertiseClientUrls = advertised
	config.AdvertisePeerUrls = advertised
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	return config, nil
}

func newLogger(path string, level zapcore.Level) (*zap.Logger, error) {
	config := zap.NewProductionConfig()
	config.Level = zap.NewAtomicLevelAt(level)
	config.OutputPaths = []string{path}
	config.ErrorOutputPaths = []string{path}
	logger, err := config.Build()
	if err != nil {
		return nil, fmt.Errorf("opening etcd log: %w", err)
	}
	return logger, nil
}
