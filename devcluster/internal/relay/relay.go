package relay

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
)

// Relay is a running relay.
type Relay struct {
	listener net.Listener
	wait     sync.WaitGroup

	mu    sync.Mutex
	open  map[net.Conn]bool
	ended bool
}

// Listen carries connections to address on to target. The address need not exist yet: the
// node makes its bridge later.
func Listen(address, target string) (*Relay, error) {
	config := net.ListenConfig{Control: freeBind}
	listener, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening for pods at %s: %w", address, err)
	}
	r := &Relay{listener: listener, open: map[net.Conn]bool{}}
	r.wait.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			r.wait.Go(func() { r.carry(conn, target) })
		}
	})
	return r, nil
}

func (r *Relay) carry(from net.Conn, target string) {
	defer r.drop(from)
	to, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	if !r.hold(from, to) {
		_ = to.Close()
		return
	}
	defer r.drop(to)
	done := make(chan struct{})
	go func() {
		_, _ = io.Copy(to, from)
		_ = to.Close()
		close(done)
	}()
	_, _ = io.Copy(from, to)
	_ = from.Close()
	<-done
}

func (r *Relay) hold(conns ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return false
	}
	for _, c := range conns {
		r.open[c] = true
	}
	return true
}

func (r *Relay) drop(c net.Conn) {
	_ = c.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, c)
}

// Stop closes the address and every connection.
func (r *Relay) Stop() {
	_ = r.listener.Close()
	r.mu.Lock()
	r.ended = true
	for c := range r.open {
		_ = c.Close()
	}
	r.mu.Unlock()
	r.wait.Wait()
}
