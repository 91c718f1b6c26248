package egress

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

// Proxy is a running proxy.
type Proxy struct {
	// Socket is the Unix socket at which it answers CONNECT.
	Socket string

	listener net.Listener
	server   *http.Server
}

// Listen starts a proxy with its socket in dir. It logs to log.
func Listen(dir string, log io.Writer) (*Proxy, error) {
	p := &Proxy{Socket: filepath.Join(dir, "egress.sock")}
	// A killed run leaves its socket behind, and a socket that exists cannot be bound.
	if err := os.Remove(p.Socket); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("removing old egress socket: %w", err)
	}
	var err error
	if p.listener, err = net.Listen("unix", p.Socket); err != nil {
		return nil, fmt.Errorf("listening for the egress proxy: %w", err)
	}
	p.server = &http.Server{Handler: http.HandlerFunc(connect), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := p.server.Serve(p.listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintf(log, "serving the egress proxy: %v\n", err)
		}
	}()
	return p, nil
}

// Stop takes no more connections; those it carries end with either side.
func (p *Proxy) Stop() { _ = p.server.Close() }

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
