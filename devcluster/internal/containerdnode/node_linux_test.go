package containerdnode_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/fairlead-cd/fairlead/devcluster/internal/cluster"
	"github.com/fairlead-cd/fairlead/devcluster/internal/containerdnode"
	"github.com/fairlead-cd/fairlead/devcluster/internal/node"
)

const (
	// runCluster makes the test binary a cluster, so that one can be killed.
	runCluster  = "run-cluster"
	serviceCIDR = "10.196.0.0/16"
	podCIDR     = "10.197.0.0/16"
)

func TestMain(m *testing.M) {
	if code, handled := containerdnode.Child(os.Args[1:]); handled {
		os.Exit(code)
	}
	if len(os.Args) == 4 && os.Args[1] == runCluster {
		os.Exit(serveCluster(os.Args[2], os.Args[3]))
	}
	os.Exit(m.Run())
}

// serveCluster runs a cluster until it is told to stop, and says on stdout when it is ready.
func serveCluster(dir, mirror string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	begin, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	c, err := cluster.Start(begin, cluster.Options{
		Dir: dir, Node: cluster.NodeContainerd, ServiceCIDR: serviceCIDR, PodCIDR: podCIDR,
		RegistryMirrors: map[string]string{"registry.test": mirror}, Log: os.Stderr,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := json.NewEncoder(os.Stdout).Encode(c.Info()); err != nil {
		return 1
	}
	<-ctx.Done()
	c.Stop()
	return 0
}

// TestNode runs a pod for real and asks it through its Service; then kills the cluster
// without warning, and looks that nothing is left once the next one has cleaned up, that
// the pod comes back in it, and that nothing is left after an orderly end either.
func TestNode(t *testing.T) {
	if ok, why := containerdnode.Supported(); !ok {
		t.Skipf("no pod can run here: %s", why)
	}
	if testing.Short() {
		t.Skip("a real node takes half a minute")
	}
	registry := httptest.NewServer(helloRegistry(t))
	defer registry.Close()
	// Not t.TempDir: its removal would reach into what a failed test left mounted.
	dir, err := os.MkdirTemp("", "fairlead-node-")
	if err != nil {
		t.Fatal(err)
	}
	nodeDir := filepath.Join(dir, "node")
	t.Cleanup(func() {
		if err := newNode(nodeDir).Cleanup(); err != nil {
			t.Errorf("cleaning up: %v", err)
			return
		}
		_ = os.RemoveAll(dir)
	})

	first := startCluster(t, dir, registry.URL)
	client := first.client(t)
	address := createHello(t, client)
	waitReady(t, client)
	expectHello(t, address)
	expectLogs(t, client)
	expectGuard(t, client)

	first.kill(t)
	if left, err := containerdnode.Leftovers(nodeDir); err != nil || len(left) == 0 {
		t.Fatalf("a killed cluster left nothing (%v), so there is nothing to test", err)
	}
	if err := newNode(nodeDir).Cleanup(); err != nil {
		t.Fatalf("cleaning up after a killed cluster: %v", err)
	}
	expectNothingLeft(t, nodeDir)
	if err := newNode(nodeDir).Cleanup(); err != nil {
		t.Fatalf("cleaning up what is clean: %v", err)
	}

	second := startCluster(t, dir, registry.URL)
	waitReady(t, second.client(t))
	expectHello(t, address)
	second.stop(t)
	expectNothingLeft(t, nodeDir)
}

func newNode(dir string) node.Node {
	return containerdnode.New(node.Config{Dir: dir, ServiceCIDR: serviceCIDR, PodCIDR: podCIDR})
}

// helloRegistry builds the program the pod runs and serves it as an image.
func helloRegistry(t *testing.T) http.Handler {
	t.Helper()
	file := filepath.Join(t.TempDir(), "hello")
	build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", file, "./testdata/hello")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the pod's program: %v\n%s", err, out)
	}
	program, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := containerdnode.Registry(runtime.GOARCH, program)
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

type process struct {
	cmd        *exec.Cmd
	kubeconfig string
}

func startCluster(t *testing.T, dir, mirror string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0], runCluster, dir, mirror)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Signal(syscall.SIGTERM)
			_ = cmd.Wait()
		}
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("the cluster did not start: %v", err)
	}
	var info cluster.Info
	if err := json.Unmarshal(line, &info); err != nil {
		t.Fatal(err)
	}
	t.Logf("cluster ready in %s", info.Startup)
	p.kubeconfig = info.Kubeconfig
	return p
}

func (p *process) client(t *testing.T) kubernetes.Interface {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", p.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
}

func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Fatalf("stopping the cluster: %v", err)
	}
}

// createHello makes a pod and its Service, and one Service without pods, and returns the
// address of the first.
func createHello(t *testing.T, client kubernetes.Interface) string {
	t.Helper()
	labels := map[string]string{"app": "hello"}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "hello", Labels: labels},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "hello", Image: "registry.test/hello:1",
			Env: []corev1.EnvVar{{Name: "MESSAGE", Value: "hello from a pod"}},
		}}},
	}
	if _, err := client.CoreV1().Pods("default").Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	ports := []corev1.ServicePort{{Port: 8080}}
	for _, s := range []*corev1.Service{
		{ObjectMeta: metav1.ObjectMeta{Name: "hello"}, Spec: corev1.ServiceSpec{Selector: labels, Ports: ports}},
		{ObjectMeta: metav1.ObjectMeta{Name: "nobody"}, Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "none"}, Ports: ports}},
	} {
		if _, err := client.CoreV1().Services("default").Create(t.Context(), s, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return serviceAddress(t, client, "hello")
}

func serviceAddress(t *testing.T, client kubernetes.Interface, name string) string {
	t.Helper()
	s, err := client.CoreV1().Services("default").Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort(s.Spec.ClusterIP, "8080")
}

func waitReady(t *testing.T, client kubernetes.Interface) {
	t.Helper()
	watch, err := client.CoreV1().Pods("default").Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	for event := range watch.ResultChan() {
		pod, ok := event.Object.(*corev1.Pod)
		if !ok {
			continue
		}
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				return
			}
		}
	}
	t.Fatal("the pod did not become ready")
}

// expectHello asks until the rules for the Service are there.
func expectHello(t *testing.T, address string) {
	t.Helper()
	client := http.Client{Timeout: 2 * time.Second}
	deadline := time.Now().Add(time.Minute)
	for {
		response, err := client.Get("http://" + address)
		if err == nil {
			body, _ := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if got := strings.TrimSpace(string(body)); got != "hello from a pod" {
				t.Fatalf("the Service answers %q", got)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("asking the Service: %v", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func expectLogs(t *testing.T, client kubernetes.Interface) {
	t.Helper()
	logs, err := client.CoreV1().Pods("default").GetLogs("hello", &corev1.PodLogOptions{}).DoRaw(t.Context())
	if err != nil {
		t.Fatalf("reading logs through the API server: %v", err)
	}
	if got := string(logs); got != "hello is listening\n" {
		t.Errorf("logs = %q", got)
	}
}

// expectGuard asks a Service without pods: the answer has to come from this machine.
func expectGuard(t *testing.T, client kubernetes.Interface) {
	t.Helper()
	address := serviceAddress(t, client, "nobody")
	conn, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err == nil {
		_ = conn.Close()
		t.Errorf("somebody answers at %s, where nobody is", address)
	}
	route, err := net.Dial("udp", address)
	if err != nil {
		return
	}
	defer route.Close()
	if local := route.LocalAddr().(*net.UDPAddr).IP; !strings.HasPrefix(local.String(), "10.197.") {
		t.Errorf("packets to %s would leave from %s", address, local)
	}
}

func expectNothingLeft(t *testing.T, dir string) {
	t.Helper()
	left, err := containerdnode.Leftovers(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("left on the machine: %q", left)
	}
	for _, name := range []string{"fl-pods", "fl-guard"} {
		if _, err := net.InterfaceByName(name); err == nil {
			t.Errorf("interface %s is left", name)
		}
	}
}
