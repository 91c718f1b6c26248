package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// egress is the proxy through which the API server reaches nodes, pods and Services
// (webhooks, aggregated APIs, logs) while no pod really runs. It lets through what goes to
// 127.0.0.1, where the simulated node serves, and refuses everything else: the addresses
// of Services and pods mean nothing on this machine, and packets to them would leave it.
type egress struct {
	socket   string
	listener net.Listener
	server   *http.Server
}

func listenEgress(dir string, log io.Writer) (*egress, error) {
	e := &egress{socket: filepath.Join(dir, "egress.sock")}
	// A killed run leaves its socket behind, and a socket that exists cannot be bound.
	if err := os.Remove(e.socket); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("removing old egress socket: %w", err)
	}
	var err error
	if e.listener, err = net.Listen("unix", e.socket); err != nil {
		return nil, fmt.Errorf("listening for the egress proxy: %w", err)
	}
	e.server = &http.Server{Handler: http.HandlerFunc(connect), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := e.server.Serve(e.listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintf(log, "serving the egress proxy: %v\n", err)
		}
	}()
	return e, nil
}

func (e *egress) stop() { _ = e.server.Close() }

func connect(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		http.Error(w, "only CONNECT is answered", http.StatusMethodNotAllowed)
		return
	}
	if err := local(r.Host); err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	dialer := net.Dialer{Timeout: 5 * time.Second}
	to, err := dialer.DialContext(r.Context(), "tcp", r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer to.Close()
	from, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer from.Close()
	if _, err := io.WriteString(from, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	splice(from, buffered.Reader, to)
}

// local refuses an address that is not this machine's loopback.
func local(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("parsing address %q: %w", address, err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("reaching %s: the node is simulated, so nothing answers there", address)
	}
	return nil
}

// splice copies both ways until either side ends.
func splice(from net.Conn, read *bufio.Reader, to net.Conn) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		_, _ = io.Copy(to, read)
	}()
	go func() {
		defer cancel()
		_, _ = io.Copy(from, to)
	}()
	<-ctx.Done()
}
