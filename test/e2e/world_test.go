package e2e

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"github.com/fairlead-cd/fairlead/api/crds"
	"github.com/fairlead-cd/fairlead/internal/config"
	"github.com/fairlead-cd/fairlead/internal/testkit"
)

// patient is how long a story waits for what comes at once unless something is broken.
const patient = 60 * time.Second

// interval is how often the controller asks each repository; pushes tell it earlier.
const interval = 5 * time.Second

// world is what all stories share.
type world struct {
	kubeconfig string
	dynamic    dynamic.Interface
	typed      kubernetes.Interface
	git        *testkit.GitServer
	gitURL     string
	closed     *testkit.GitServer // asks for a password
	closedURL  string
	charts     *testkit.HelmRepo
	chartsURL  string
	listen     string // of the controller
	config     string
	log        *journal
	controller *controller
	stops      []func()
	committing sync.Mutex // two writers of a branch lose
}

var (
	shared    *world
	sharedErr error
	makeWorld sync.Once
)

// theWorld starts everything for the first story that asks, and gives it a running controller.
func theWorld(t *testing.T) *world {
	t.Helper()
	c := cluster.Get(t)
	makeWorld.Do(func() { shared, sharedErr = newWorld(c) })
	if sharedErr != nil {
		t.Fatal(sharedErr)
	}
	if shared.controller == nil {
		shared.start(t)
	}
	return shared
}

func stopWorld() {
	if shared == nil {
		return
	}
	if shared.controller != nil {
		shared.controller.stop()
	}
	for _, stop := range shared.stops {
		stop()
	}
	if file := os.Getenv("FAIRLEAD_E2E_LOG"); file != "" {
		_ = os.WriteFile(file, []byte(strings.Join(shared.log.since(0), "\n")), 0o600)
	}
	shared = nil
}

// The password of the Git server that asks for one.
const (
	gitUser     = "deployer"
	gitPassword = "right-horse"
)

func newWorld(c *testkit.Cluster) (w *world, err error) {
	w = &world{kubeconfig: c.Kubeconfig, log: &journal{}, config: filepath.Join(tempDir, "controller.yaml")}
	cfg, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		return nil, err
	}
	cfg.QPS, cfg.UserAgent = -1, "e2e"
	if w.dynamic, err = dynamic.NewForConfig(cfg); err != nil {
		return nil, err
	}
	if w.typed, err = kubernetes.NewForConfig(cfg); err != nil {
		return nil, err
	}
	var stop func()
	if w.git, err = testkit.NewGitServer(testkit.GitOptions{Root: filepath.Join(tempDir, "git")}); err != nil {
		return nil, err
	}
	if w.gitURL, stop, err = w.git.Start("127.0.0.1:0"); err != nil {
		return nil, err
	}
	w.stops = append(w.stops, stop)
	w.closed, err = testkit.NewGitServer(testkit.GitOptions{Root: filepath.Join(tempDir, "closed-git"), Username: gitUser, Password: gitPassword})
	if err != nil {
		return nil, err
	}
	if w.closedURL, stop, err = w.closed.Start("127.0.0.1:0"); err != nil {
		return nil, err
	}
	w.stops = append(w.stops, stop)
	w.charts = &testkit.HelmRepo{Dir: filepath.Join("testdata", "charts")}
	if w.chartsURL, stop, err = w.charts.Start("127.0.0.1:0"); err != nil {
		return nil, err
	}
	w.stops = append(w.stops, stop)
	if err := w.install(); err != nil {
		return nil, err
	}
	return w, w.configure()
}

// install makes what a controller finds: its kinds and its namespace.
func (w *world) install() error {
	files, err := fs.Glob(crds.Files, "*.yaml")
	if err != nil {
		return err
	}
	for _, file := range files {
		data, err := crds.Files.ReadFile(file)
		if err != nil {
			return err
		}
		if err := w.apply(context.Background(), string(data)); err != nil {
			return err
		}
	}
	return w.apply(context.Background(), "apiVersion: v1\nkind: Namespace\nmetadata: {name: fairlead-system}")
}

// configure writes the controller's configuration: public hosts are served from this machine.
func (w *world) configure() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	w.listen = l.Addr().String()
	l.Close()
	for _, root := range []string{"webmakaka/helm-operator-get-started", "roots/folder", "roots/killed"} {
		if _, err := w.git.Create(context.Background(), root); err != nil {
			return err
		}
	}
	c := config.Config{
		CacheDir: filepath.Join(tempDir, "cache"), Listen: w.listen,
		Webhook: config.Webhook{AllowUnsigned: true},
		Rewrites: []config.Rewrite{
			{From: "git@github.com:", To: w.gitURL + "/"},
			{From: "https://github.com/", To: w.gitURL + "/"},
			{From: "https://kubernetes-charts.storage.googleapis.com/", To: w.chartsURL + "/"},
		},
		Roots: []config.Root{
			{Name: "seeds", URL: "git@github.com:webmakaka/helm-operator-get-started", Paths: []string{"namespaces", "releases"}, Prune: true},
			{Name: "folder", URL: w.url("roots/folder"), Ref: "main", Prune: true},
			{Name: "killed", URL: w.url("roots/killed"), Ref: "main", Prune: true},
		},
	}
	c.Interval.Duration = interval
	data, err := yaml.Marshal(c)
	if err != nil {
		return err
	}
	return os.WriteFile(w.config, data, 0o600)
}

func (w *world) url(repo string) string { return w.gitURL + "/" + repo + ".git" }

// start starts the controller and waits until it is ready.
func (w *world) start(t *testing.T) {
	t.Helper()
	w.launch(t)
	w.awaitReady(t)
}

// launch starts the controller.
func (w *world) launch(t *testing.T) {
	t.Helper()
	c, err := startController(w.kubeconfig, w.config, w.log)
	if err != nil {
		t.Fatal(err)
	}
	w.controller = c
}

// within waits until cond gives no error.
func within(t *testing.T, limit time.Duration, what string, cond func() error) time.Duration {
	t.Helper()
	begin := time.Now()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := cond()
		if err == nil {
			return time.Since(begin)
		}
		if time.Since(begin) > limit {
			t.Fatalf("waiting for: %s\nlast: %v\ncontroller:\n%s", what, err, tailOf(shared))
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal(fmt.Errorf("waiting for: %s: %w", what, t.Context().Err()))
		}
	}
}

func tailOf(w *world) string {
	if w == nil {
		return ""
	}
	lines := w.log.since(0)
	if n := len(lines) - 40; n > 0 {
		lines = lines[n:]
	}
	return strings.Join(lines, "\n")
}
