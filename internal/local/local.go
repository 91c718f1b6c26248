package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fairlead-cd/fairlead/internal/testkit"
)

// Options of Run.
type Options struct {
	Dir  string // everything is kept here
	Self string // this binary, to run as controller
	Node string // auto, containerd, simulated or none
	// BaseImage is the reference image's base; empty makes one from Debian's packages.
	BaseImage string
	// ImageCache keeps what the reference image is built from; empty is a folder in Dir. Several
	// installations may share one.
	ImageCache string
	// Databases also builds the images that the reference chart runs PostgreSQL and Redis from, so
	// that neither has to be pulled.
	Databases bool
	// GitPort, RegistryPort and ControllerPort are taken when free; 0 keeps what was used last
	// time, or takes any.
	GitPort, RegistryPort, ControllerPort int
	// Say tells a person what happens, a line at a time.
	Say func(format string, args ...any)
	// Ready is called once everything is healthy.
	Ready func(Info)
	Now   func() time.Time
}

// installation is a running one.
type installation struct {
	Options
	ports ports
	info  Info
	mu    sync.Mutex // of info, cluster and controller

	git        *testkit.GitServer
	gitURL     string
	cluster    *child
	controller *child
	secret     string // of the webhook
}

// Run starts everything, calls o.Ready when the reference application is healthy in every
// environment, and goes on until ctx ends. Then it stops everything it started.
func Run(ctx context.Context, o Options) error {
	for _, sub := range []string{"", "logs", "git", "registry", "cache", "build"} {
		if err := os.MkdirAll(filepath.Join(o.Dir, sub), 0o700); err != nil {
			return fmt.Errorf("making the folder of the local installation: %w", err)
		}
	}
	held, err := lock(ctx, o.Dir)
	if err != nil {
		return err
	}
	defer held.Close()
	// One that was killed left word that it was ready; that is no word of this one.
	if err := os.Remove(infoPath(o.Dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the state of the last run: %w", err)
	}
	defer os.Remove(infoPath(o.Dir))
	in := &installation{Options: o}
	if err := in.prepare(ctx); err != nil {
		return err
	}
	in.processes()
	stopServers, err := in.serve()
	if err != nil {
		return err
	}
	defer stopServers()
	err = in.supervise(ctx)
	// An API server that is interrupted while it starts ends its process on the spot, and leaves
	// what the node has made so far.
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpPatience)
	defer cancel()
	return errors.Join(err, cleanUp(patience, filepath.Join(o.Dir, "cluster"), o.Self))
}

const cleanUpPatience = 30 * time.Second

// prepare chooses ports and the webhook's secret, the same as last time where they were chosen
// before: image names and clone URLs contain them.
func (in *installation) prepare(ctx context.Context) error {
	var err error
	if in.ports, err = choosePorts(ctx, in.Dir, in.Options); err != nil {
		return err
	}
	if in.secret, err = webhookSecret(in.Dir); err != nil {
		return err
	}
	in.info = Info{Dir: in.Dir, Logs: filepath.Join(in.Dir, "logs"), Kubeconfig: filepath.Join(in.Dir, "kubeconfig"),
		Registry: loopback(in.ports.Registry), Webhook: "http://" + loopback(in.ports.Controller) + "/webhook", Databases: in.Databases}
	return nil
}

// serve starts the Git server and the registry, which live in this process.
func (in *installation) serve() (stop func(), err error) {
	in.git, err = testkit.NewGitServer(testkit.GitOptions{
		Root: filepath.Join(in.Dir, "git"), OnPush: in.pushed,
	})
	if err != nil {
		return nil, err
	}
	url, stopGit, err := in.git.Start(loopback(in.ports.Git))
	if err != nil {
		return nil, fmt.Errorf("starting the Git server: %w", err)
	}
	in.gitURL = url
	in.info.Git = url + "/" + fleetName + ".git"
	registry, err := testkit.NewRegistry(filepath.Join(in.Dir, "registry"))
	if err != nil {
		stopGit()
		return nil, err
	}
	_, stopRegistry, err := registry.Start(in.info.Registry)
	if err != nil {
		stopGit()
		return nil, fmt.Errorf("starting the registry: %w", err)
	}
	return func() { stopRegistry(); stopGit() }, nil
}

// pushed hands a push to the controller's webhook, as a Git host would.
func (in *installation) pushed(p testkit.GitPush) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := testkit.SendPush(ctx, in.info.Webhook, in.secret, in.gitURL+"/"+p.Repository+".git", p); err != nil {
		in.Say("the controller did not take the push to %s (%v); it will find it within its interval", p.Repository, err)
	}
}

// supervise starts the processes, waits until the applications are healthy, and keeps the
// processes running until ctx ends. Whatever ends it, it leaves none of them behind.
func (in *installation) supervise(ctx context.Context) error {
	err := in.startAndWait(ctx)
	if ctx.Err() != nil {
		return nil // whatever failed, it failed because someone stopped the installation
	}
	return err
}

func (in *installation) startAndWait(ctx context.Context) error {
	starting, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	// The controller ends before the cluster it talks to.
	endCluster := in.spawn(context.WithoutCancel(ctx), fail)
	defer endCluster.all()
	endController := in.spawn(ctx, fail)
	defer endController.all()

	err := in.start(starting, endCluster, endController)
	if cause := context.Cause(starting); err != nil && cause != nil {
		err = cause
	}
	if err != nil {
		return err
	}
	in.Ready(in.snapshot())
	<-ctx.Done()
	in.Say("stopping")
	return nil
}

// start brings everything up in order, and returns when the applications are healthy or have failed.
func (in *installation) start(ctx context.Context, clusters, controllers *spawner) error {
	if err := in.awaitLastRun(ctx); err != nil {
		return err
	}
	ready, err := in.startCluster(ctx, clusters)
	if err != nil {
		return err
	}
	digest, err := in.buildAndAwait(ctx, ready)
	if err != nil {
		return err
	}
	in.cluster.settled.Store(true)
	repo, err := in.install(ctx, digest)
	if err != nil {
		return err
	}
	in.startController(controllers)
	problems, err := in.awaitHealthy(ctx, repo)
	if err != nil {
		return err
	}
	in.controller.settled.Store(true)
	in.update(func(i *Info) { i.Ready, i.Problems = true, problems })
	return nil
}

// buildAndAwait builds the reference image while the cluster starts.
func (in *installation) buildAndAwait(ctx context.Context, ready <-chan clusterReady) (digest string, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		in.Say("building the reference image")
		digest, err = in.buildImages(ctx)
		return err
	})
	group.Go(func() error {
		in.Say("starting the cluster")
		select {
		case r := <-ready:
			in.update(func(i *Info) {
				i.Node, i.NodeReason, i.Kubernetes = r.Node, r.NodeReason, r.Version
			})
			in.Say("cluster is ready: Kubernetes %s, node %s", r.Version, r.Node)
			return copyFile(r.Kubeconfig, in.info.Kubeconfig)
		case <-time.After(clusterPatience):
			return fmt.Errorf("starting the cluster: not ready after %s; see %s", clusterPatience, in.cluster.log)
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	return digest, group.Wait()
}

func (in *installation) startController(controllers *spawner) {
	controller := &child{
		name: "controller", log: filepath.Join(in.info.Logs, "controller.log"),
		args:    []string{in.Self, "controller", "--kubeconfig", in.info.Kubeconfig, "--config", in.configPath()},
		started: in.processes,
	}
	in.keep(&in.controller, controller)
	controllers.run(controller)
}

// keep notes a child where processes finds it.
func (in *installation) keep(place **child, c *child) {
	in.mu.Lock()
	defer in.mu.Unlock()
	*place = c
}

// processes writes who runs as what, for people and for tests that end some of them.
func (in *installation) processes() {
	in.update(func(i *Info) {
		i.Processes = []Process{{"supervisor", os.Getpid()}}
		for _, c := range []*child{in.cluster, in.controller} {
			if c != nil && c.PID() != 0 {
				i.Processes = append(i.Processes, Process{c.name, c.PID()})
			}
		}
	})
}

func (in *installation) update(change func(*Info)) {
	in.mu.Lock()
	defer in.mu.Unlock()
	change(&in.info)
	if err := in.info.write(in.Dir); err != nil {
		in.Say("%v", err)
	}
}

func (in *installation) snapshot() Info {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.info
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", fmt.Sprint(port)) }

func copyFile(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	tmp := to + ".new"
	dst, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(dst, src); err != nil {
		dst.Close()
		return err
	}
	if err := dst.Close(); err != nil {
		return err
	}
	return os.Rename(tmp, to)
}
