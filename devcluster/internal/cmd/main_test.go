package cmd

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/fairlead-cd/fairlead/devcluster/internal/cluster"
)

// childVariable makes the test binary be fairlead-devcluster: one process holds one
// cluster, so each cluster of these tests is a process of its own.
const childVariable = "FAIRLEAD_DEVCLUSTER_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		os.Exit(Main(os.Args[1:], os.Stdout, os.Stderr))
	}
	code := m.Run()
	if shared.process != nil {
		if err := shared.process.stop(syscall.SIGTERM); err != nil {
			fmt.Fprintf(os.Stderr, "stopping the shared cluster: %v\n", err)
			code = 1
		}
	}
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

// process is a running fairlead-devcluster.
type process struct {
	command *exec.Cmd
	info    cluster.Info
	stderr  *strings.Builder
}

// launch starts fairlead-devcluster with args and waits until it is ready or has ended.
func launch(args ...string) (*process, error) {
	command := exec.Command(os.Args[0], args...)
	command.Env = append(os.Environ(), childVariable+"=1")
	p := &process{command: command, stderr: &strings.Builder{}}
	command.Stderr = p.stderr
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		err = command.Wait()
		return p, fmt.Errorf("it ended: %w\n%s", err, p.stderr)
	}
	if err := json.Unmarshal(line, &p.info); err != nil {
		return p, fmt.Errorf("reading %q: %w", line, err)
	}
	return p, nil
}

// stop sends a signal and waits for the end.
func (p *process) stop(signal os.Signal) error {
	if err := p.command.Process.Signal(signal); err != nil {
		return err
	}
	err := p.command.Wait()
	if signal == syscall.SIGKILL {
		return nil
	}
	return err
}

// start launches a cluster that is killed at the end of the test if it still runs.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	p, err := launch(args...)
	if err != nil {
		t.Fatalf("starting a cluster with %v: %v", args, err)
	}
	t.Cleanup(func() { _ = p.command.Process.Kill() })
	return p
}

func (p *process) client(t *testing.T) *kubernetes.Clientset {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", p.info.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// shared is the cluster of the tests that need nothing special of theirs.
var shared struct {
	once    sync.Once
	dir     string
	process *process
	err     error
}

func sharedCluster(t *testing.T) *process {
	t.Helper()
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "devcluster-test-"); shared.err != nil {
			return
		}
		shared.process, shared.err = launch("--dir", shared.dir, "--node", "simulated",
			"--ready-file", filepath.Join(shared.dir, "ready.json"), "--audit-log", filepath.Join(shared.dir, "audit.log"),
			"--registry-mirror", "registry.test:5000=http://"+registryAddress())
	})
	if shared.err != nil {
		t.Fatalf("starting the shared cluster: %v", shared.err)
	}
	return shared.process
}

// eventually returns when check has nothing to complain about any more.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(time.Minute)
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("still after a minute: %v", err)
		case <-ticker.C:
		}
	}
}
