package cluster

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"k8s.io/client-go/tools/clientcmd"
)

// directory is where everything of one cluster lies.
type directory string

func (d directory) path(elements ...string) string {
	return filepath.Join(append([]string{string(d)}, elements...)...)
}

func (d directory) kubeconfig() string { return d.path("kubeconfig") }

// prepare makes the directories, after forgetting the data of runs before if asked to.
func (d directory) prepare(fresh bool) error {
	if fresh {
		for _, name := range []string{"etcd", "pki", "node"} {
			if err := os.RemoveAll(d.path(name)); err != nil {
				return fmt.Errorf("removing data of earlier runs: %w", err)
			}
		}
	}
	for _, name := range []string{"pki", "etcd", "config", "logs", "node"} {
		if err := os.MkdirAll(d.path(name), 0o700); err != nil {
			return fmt.Errorf("making directory: %w", err)
		}
	}
	return nil
}

// lock takes the directory for this process. The kernel gives it back when the process
// ends, however it ends.
func (d directory) lock() (*os.File, error) {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return nil, fmt.Errorf("making directory: %w", err)
	}
	file, err := os.OpenFile(d.path("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening lock: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(d.path("lock"))
		_ = file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("locking %s: a cluster already runs there, as process %s", d, string(holder))
		}
		return nil, fmt.Errorf("locking %s: %w", d, err)
	}
	if err := file.Truncate(0); err == nil {
		_, _ = file.WriteString(strconv.Itoa(os.Getpid()))
	}
	return file, nil
}

// listen opens the API server's port: the one asked for, or that of the run before so that
// kubeconfigs others have copied stay true, or any.
func (d directory) listen(port int) (net.Listener, error) {
	if port == 0 {
		if last := d.lastPort(); last != "" {
			if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", last)); err == nil {
				return l, nil
			}
		}
	}
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("opening the API server's port: %w", err)
	}
	return l, nil
}

func (d directory) lastPort() string {
	config, err := clientcmd.LoadFromFile(d.kubeconfig())
	if err != nil {
		return ""
	}
	for _, c := range config.Clusters {
		if u, err := url.Parse(c.Server); err == nil {
			return u.Port()
		}
	}
	return ""
}
