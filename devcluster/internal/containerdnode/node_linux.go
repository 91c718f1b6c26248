package containerdnode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fairlead-cd/fairlead/devcluster/internal/node"
)

// New returns a node that is not started yet. Supported says whether it can be.
func New(config node.Config) node.Node {
	if config.Log == nil {
		config.Log = io.Discard
	}
	return &containerdNode{config: config, say: &lockedWriter{w: config.Log}}
}

type containerdNode struct {
	config node.Config
	say    io.Writer

	layout    layout
	addresses addresses
	lock      *os.File
	note      *note
	// begun is when this run started, to the second, as the API server tells times.
	begun time.Time

	containerd, kubelet, proxy *child
	dns                        *dnsServer
}

// Cleanup removes what a node that was killed left on this machine, whichever directory
// it ran in. It refuses while a node runs.
func (n *containerdNode) Cleanup() error {
	lock, err := lockNote()
	if err != nil {
		if owner, busy := lockOwner(); busy {
			return fmt.Errorf("the containerd node of another cluster (in %s) runs on this machine", owner)
		}
		return err
	}
	defer lock.Close()
	left, err := readNote()
	if err != nil {
		return err
	}
	if left == nil {
		return nil
	}
	fmt.Fprintf(n.say, "removing what the node in %s left behind\n", left.Dir)
	if err := cleanup(left); err != nil {
		return err
	}
	return writeNote(lock, nil)
}

// Guard takes the machine for the node and closes the ways by which something meant for
// pods or Services could leave it. It may be called before Start, and is by whoever has
// an API server that could send there; Stop undoes it.
func (n *containerdNode) Guard() error {
	if n.lock != nil {
		return nil
	}
	if err := n.claim(); err != nil {
		return err
	}
	return n.startNetwork()
}

// Start brings the node up and returns when it is Ready.
func (n *containerdNode) Start(ctx context.Context) error {
	n.begun = time.Now().Truncate(time.Second)
	if err := n.Guard(); err != nil {
		return err
	}
	steps := []func(context.Context) error{
		n.startContainerd, n.startDNS, n.startKubelet, n.startProxy, n.waitReady,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// claim takes the machine and notes what is to be undone, before anything is done.
func (n *containerdNode) claim() error {
	dir, err := filepath.Abs(n.config.Dir)
	if err != nil {
		return fmt.Errorf("locating node directory: %w", err)
	}
	if n.addresses, err = parseAddresses(n.config.PodCIDR, n.config.ServiceCIDR); err != nil {
		return err
	}
	for _, d := range []string{dir, filepath.Join(dir, "logs"), filepath.Join(dir, "config"), runDir} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return fmt.Errorf("making node directory: %w", err)
		}
	}
	// Mounts are listed by their real paths.
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return fmt.Errorf("locating node directory: %w", err)
	}
	n.layout = layout(dir)
	if n.lock, err = lockNote(); err != nil {
		return fmt.Errorf("taking this machine for the node: %w", err)
	}
	if err := checkRanges(n.addresses); err != nil {
		_ = n.lock.Close()
		n.lock = nil // nothing is done yet, so Stop has nothing to undo
		return err
	}
	_, kubeletDir := os.Stat("/var/lib/kubelet")
	n.note = &note{Dir: dir, Settings: readSettings(), KubeletDir: errors.Is(kubeletDir, os.ErrNotExist)}
	return writeNote(n.lock, n.note)
}

// startNetwork makes the ways packets may go, and closes the others, in that order: pods
// and Services come later.
func (n *containerdNode) startNetwork() error {
	if err := preparePods(n.addresses); err != nil {
		return err
	}
	if err := guardNetwork(n.addresses); err != nil {
		return err
	}
	return addRules(n.addresses)
}

// Stop ends the node and removes everything it made, but for images and logs.
func (n *containerdNode) Stop() error {
	if n.lock == nil {
		return nil
	}
	defer func() {
		_ = n.lock.Close()
		n.lock = nil
	}()
	n.dns.stop()
	children := []*child{n.kubelet, n.proxy, n.containerd}
	for _, c := range children {
		if c != nil {
			c.stop() // it is not started again
		}
	}
	// Pods end with their group; there is nobody left who would miss their last words.
	err := cleanup(n.note)
	var wait sync.WaitGroup
	for _, c := range children {
		wait.Go(func() { c.end(time.Second) })
	}
	wait.Wait()
	if err != nil {
		return err
	}
	return writeNote(n.lock, nil)
}

// lockedWriter lets several parts speak without mixing their lines.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
