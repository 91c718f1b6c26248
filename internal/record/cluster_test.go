package record

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// cluster is a real API server for the tests of this package, started once.
type cluster struct {
	*kubernetes.Clientset
	kubeconfig string
}

// startCluster starts the dev cluster without a node. Where it is not built, the test is skipped.
func startCluster(t *testing.T) cluster {
	t.Helper()
	binary, err := filepath.Abs("../../bin/fairlead-devcluster")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(binary); err != nil {
		t.Skip("no dev cluster: run make build")
	}
	// Not the test's context: the cluster is stopped by a signal, to clean up after itself.
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), binary,
		"--dir", t.TempDir(), "--node", "none", "--parent-pid", strconv.Itoa(os.Getpid()))
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		t.Fatalf("starting the dev cluster: %v", err)
	}
	var ready struct {
		Kubeconfig string `json:"kubeconfig"`
	}
	if err := json.Unmarshal(line, &ready); err != nil {
		t.Fatalf("reading %q: %v", line, err)
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", ready.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	cfg.QPS = -1
	set, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return cluster{Clientset: set, kubeconfig: ready.Kubeconfig}
}

// namespace makes a namespace of its own for one test.
func (c cluster) namespace(t *testing.T) string {
	t.Helper()
	ns, err := c.CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "record-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return ns.Name
}
