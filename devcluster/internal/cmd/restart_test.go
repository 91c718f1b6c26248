package cmd

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestGoesOnAfterKill runs in a directory so deep that Unix sockets do not fit into it.
func TestGoesOnAfterKill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("deep", 20))
	first := start(t, "--dir", dir, "--node", "none")
	ctx := context.Background()
	written := &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "kept"}, Data: map[string]string{"k": "v"}}
	if _, err := first.client(t).CoreV1().ConfigMaps("default").Create(ctx, written, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := first.stop(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	second := start(t, "--dir", dir, "--node", "none")
	if first.info.Server != second.info.Server {
		t.Errorf("the server moved from %s to %s", first.info.Server, second.info.Server)
	}
	got, err := second.client(t).CoreV1().ConfigMaps("default").Get(ctx, "kept", metav1.GetOptions{})
	if err != nil || got.Data["k"] != "v" {
		t.Errorf("after a kill: got %v, %v, want what was written before", got, err)
	}
	if err := second.stop(syscall.SIGTERM); err != nil {
		t.Errorf("stopping: %v\n%s", err, second.stderr)
	}
	third := start(t, "--dir", dir, "--node", "none", "--fresh")
	if _, err := third.client(t).CoreV1().ConfigMaps("default").Get(ctx, "kept", metav1.GetOptions{}); err == nil {
		t.Error("--fresh kept the data of the run before")
	}
	if err := third.stop(syscall.SIGINT); err != nil {
		t.Errorf("stopping: %v\n%s", err, third.stderr)
	}
}

func TestOneClusterInADirectory(t *testing.T) {
	p := sharedCluster(t)
	_, err := launch("--dir", filepath.Dir(p.info.Kubeconfig), "--node", "none")
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("already runs there, as process %d", p.info.PID)) {
		t.Errorf("a second cluster in the same directory: got %v, want to be refused", err)
	}
}

func TestEndsWithItsParent(t *testing.T) {
	parent := exec.Command("sleep", "600")
	if err := parent.Start(); err != nil {
		t.Skipf("starting a process to outlive: %v", err)
	}
	p := start(t, "--dir", t.TempDir(), "--node", "none", "--parent-pid", strconv.Itoa(parent.Process.Pid))
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	done := make(chan error, 1)
	go func() { done <- p.command.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("it ended with %v\n%s", err, p.stderr)
		}
	case <-time.After(30 * time.Second):
		t.Error("it still runs though its parent has ended")
	}
}

func TestUsage(t *testing.T) {
	dir := t.TempDir()
	tests := []struct {
		args []string
		want int
		says string
	}{
		{nil, 2, "--dir"},
		{[]string{"--dir", dir, "--unknown"}, 2, "unknown flag"},
		{[]string{"--dir", dir, "extra"}, 2, "extra"},
		{[]string{"--dir", dir, "--registry-mirror", "x"}, 2, "is not HOST=URL"},
		{[]string{"--dir", dir, "--registry-overlay", "docker.io=x"}, 2, "parsing --registry-overlay"},
		{[]string{"--dir", dir, "--node", "real"}, 2, `"real" is none of`},
		{[]string{"--dir", dir, "--pod-cidr", "8.8.0.0/16"}, 2, "private IPv4"},
		{[]string{"--dir", dir, "--pod-cidr", "10.96.0.0/16"}, 2, "overlaps"},
	}
	for _, test := range tests {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			var out, talk strings.Builder
			if got := Main(test.args, &out, &talk); got != test.want || !strings.Contains(talk.String(), test.says) || out.Len() > 0 {
				t.Errorf("got exit %d, stdout %q, stderr %q; want exit %d, stderr with %q", got, out.String(), talk.String(), test.want, test.says)
			}
		})
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("bad input left %v (%v) behind", entries, err)
	}
}
