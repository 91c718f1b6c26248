package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"go.uber.org/zap/zapcore"
	"k8s.io/component-base/version"
	"k8s.io/klog/v2"

	"github.com/fairlead-cd/fairlead/devcluster/internal/apiserver"
	"github.com/fairlead-cd/fairlead/devcluster/internal/certs"
	"github.com/fairlead-cd/fairlead/devcluster/internal/controllermanager"
	"github.com/fairlead-cd/fairlead/devcluster/internal/egress"
	"github.com/fairlead-cd/fairlead/devcluster/internal/etcd"
	"github.com/fairlead-cd/fairlead/devcluster/internal/node"
	"github.com/fairlead-cd/fairlead/devcluster/internal/relay"
	"github.com/fairlead-cd/fairlead/devcluster/internal/scheduler"
)

// stopTimeout is how long each of the two groups of components may take to end.
const stopTimeout = time.Second

// Cluster is a running cluster.
type Cluster struct {
	options Options
	ranges  ranges
	dir     directory

	info     Info
	certs    *certs.Set
	listener net.Listener
	etcd     *etcd.Server
	node     node.Node
	egress   *egress.Proxy
	relay    *relay.Relay
	sockets  string
	lock     *os.File
	klog     *os.File

	// front is the API server, back what runs against it.
	front, back group
	failed      chan error
}

// group is components that are stopped together.
type group struct {
	cancel context.CancelFunc
	wait   sync.WaitGroup
}

// Start starts a cluster and returns when it is ready; the context bounds the starting
// alone. After an error nothing of it is left running.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	begun := time.Now()
	r, err := o.validate()
	if err != nil {
		return nil, err
	}
	c := &Cluster{options: o, ranges: r, dir: directory(o.Dir), failed: make(chan error, 8)}
	if c.lock, err = c.dir.lock(); err != nil {
		return nil, err
	}
	steps := []struct {
		name string
		run  func(context.Context) error
	}{
		{"directory", c.prepare},
		{"machine", c.prepareNode},
		{"etcd", c.startEtcd},
		{"kube-apiserver", c.startAPIServer},
		{"controllers", c.startControllers},
		{"node", c.startNode},
		{"default service account", c.waitDefaults},
	}
	for _, step := range steps {
		if err := c.either(ctx, step.run); err != nil {
			c.Stop()
			return nil, err
		}
		klog.InfoS("Step done", "step", step.name, "after", time.Since(begun))
	}
	c.info.Startup = fmt.Sprintf("%.1fs", time.Since(begun).Seconds())
	return c, nil
}

// Info describes the cluster.
func (c *Cluster) Info() Info { return c.info }

// Failed delivers the error of a component that ended though nobody stopped it.
func (c *Cluster) Failed() <-chan error { return c.failed }

// either runs a step, and ends it when a component started before fails meanwhile.
func (c *Cluster) either(ctx context.Context, step func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- step(ctx) }()
	select {
	case err := <-done:
		return err
	case err := <-c.failed:
		cancel()
		<-done
		return err
	}
}

func (c *Cluster) prepare(context.Context) error {
	err := c.dir.prepare(c.options.Fresh)
	if err != nil {
		return err
	}
	if c.sockets, err = c.dir.sockets(); err != nil {
		return err
	}
	if c.klog, err = openLog(c.dir.path("logs", "kubernetes.log"), c.options.Verbosity); err != nil {
		return err
	}
	if c.certs, err = certs.LoadSet(c.dir.path("pki"), []net.IP{c.ranges.service, c.ranges.gateway}); err != nil {
		return err
	}
	if c.listener, err = c.dir.listen(c.options.Port); err != nil {
		return err
	}
	server := "https://" + c.listener.Addr().String()
	kubeconfigs := map[string]certs.Subject{
		c.dir.kubeconfig(): {CommonName: "fairlead-admin", Organization: []string{"system:masters"}},
		c.dir.path("pki", "controller-manager.config"): {CommonName: "system:kube-controller-manager"},
		c.dir.path("pki", "scheduler.config"):          {CommonName: "system:kube-scheduler"},
	}
	for path, subject := range kubeconfigs {
		if err := c.certs.CA.WriteKubeconfig(path, server, subject); err != nil {
			return err
		}
	}
	c.info = Info{Kubeconfig: c.dir.kubeconfig(), Server: server, Version: version.Get().GitVersion, PID: os.Getpid()}
	c.info.Node, c.info.NodeReason, err = choose(c.options.Node)
	return err
}

func (c *Cluster) startEtcd(ctx context.Context) (err error) {
	level := zapcore.WarnLevel
	if c.options.Verbosity > 0 {
		level = zapcore.InfoLevel
	}
	if c.etcd, err = etcd.Start(ctx, c.dir.path("etcd"), c.sockets, c.dir.path("logs", "etcd.log"), level); err != nil {
		return err
	}
	go func() {
		if err, open := <-c.etcd.Failed(); open && err != nil {
			c.report(fmt.Errorf("running etcd: %w", err))
		}
	}()
	return nil
}

func (c *Cluster) startAPIServer(ctx context.Context) (err error) {
	o := apiserver.Options{
		Dir: c.dir.path("config"), Listener: c.listener, Etcd: c.etcd.Endpoint, Certs: c.certs,
		Advertise: c.ranges.gateway, ServiceCIDR: c.options.ServiceCIDR, AuditLog: c.options.AuditLog,
		Authentication: c.options.Authentication,
	}
	if c.info.Node != NodeContainerd {
		if c.egress, err = egress.Listen(c.sockets, c.options.Log); err != nil {
			return err
		}
		o.Egress = c.egress.Socket
	}
	c.run(&c.front, func(ctx context.Context) error { return apiserver.Run(ctx, o) })
	return waitReady(ctx, c.dir.kubeconfig())
}

func (c *Cluster) startControllers(context.Context) error {
	c.run(&c.back, func(ctx context.Context) error {
		return controllermanager.Run(ctx, controllermanager.Options{
			Kubeconfig: c.dir.path("pki", "controller-manager.config"), Certs: c.certs,
			ServiceCIDR: c.options.ServiceCIDR, PodCIDR: c.options.PodCIDR,
		})
	})
	c.run(&c.back, func(ctx context.Context) error {
		return scheduler.Run(ctx, scheduler.Options{
			Dir: c.dir.path("config"), Kubeconfig: c.dir.path("pki", "scheduler.config"),
		})
	})
	return nil
}

// guarder is a node that can keep packets to pods and Services on this machine before
// it runs.
type guarder interface{ Guard() error }

// prepareNode comes before the API server, which sends to Services as soon as it finds
// webhooks or APIs of an earlier run.
func (c *Cluster) prepareNode(context.Context) error {
	if c.info.Node == NodeNone {
		return nil
	}
	c.node = newNode(c.info.Node, node.Config{
		Dir: c.dir.path("node"), Kubeconfig: c.dir.kubeconfig(),
		CACert: c.certs.CA.CertFile, CAKey: c.certs.CA.KeyFile, Server: c.info.Server, Advertise: c.advertise(),
		ServiceCIDR: c.options.ServiceCIDR, PodCIDR: c.options.PodCIDR, NodeName: NodeName,
		RegistryMirrors: c.options.RegistryMirrors, RegistryOverlays: c.options.RegistryOverlays, Log: c.options.Log,
	})
	if err := c.node.Cleanup(); err != nil {
		return fmt.Errorf("cleaning up after an earlier run: %w", err)
	}
	if g, ok := c.node.(guarder); ok {
		return g.Guard()
	}
	return nil
}

// advertise is the address under which pods reach the API server.
func (c *Cluster) advertise() string {
	_, port, err := net.SplitHostPort(c.listener.Addr().String())
	if err != nil {
		return "" // a listener's own address can always be split
	}
	return net.JoinHostPort(c.ranges.gateway.String(), port)
}

func (c *Cluster) startNode(ctx context.Context) (err error) {
	if c.node == nil {
		return nil
	}
	if err := clearNode(ctx, c.dir.kubeconfig(), c.info.Node == NodeSimulated); err != nil {
		return err
	}
	if c.info.Node == NodeContainerd {
		if c.relay, err = relay.Listen(c.advertise(), c.listener.Addr().String()); err != nil {
			return err
		}
	}
	if err := c.node.Start(ctx); err != nil {
		return fmt.Errorf("starting %s node: %w", c.info.Node, err)
	}
	return nil
}

func (c *Cluster) waitDefaults(ctx context.Context) error {
	return waitDefaults(ctx, c.dir.kubeconfig())
}

// run runs a component in g until the group is stopped.
func (c *Cluster) run(g *group, component func(context.Context) error) {
	if g.cancel == nil {
		g.cancel = func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	before := g.cancel
	g.cancel = func() { before(); cancel() }
	g.wait.Go(func() {
		err := component(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errors.New("running the control plane: a component ended by itself, see " + c.dir.path("logs"))
		}
		c.report(err)
	})
}

func (c *Cluster) report(err error) {
	select {
	case c.failed <- err:
	default:
	}
}

// Stop ends everything, the database last, and gives the directory
// back. What does not end in time ends with the process.
func (c *Cluster) Stop() {
	_, guards := c.node.(guarder)
	if !guards {
		c.stopNode()
	}
	c.back.stop()
	c.front.stop()
	if guards {
		// What the API server may still send must find the guard in its place.
		c.stopNode()
	}
	if c.relay != nil {
		c.relay.Stop()
	}
	if c.egress != nil {
		c.egress.Stop()
	}
	if c.etcd != nil {
		c.etcd.Stop()
	}
	if c.listener != nil {
		_ = c.listener.Close()
	}
	closeLog(c.klog)
	_ = c.lock.Close()
}

func (c *Cluster) stopNode() {
	if c.node == nil {
		return
	}
	if err := c.node.Stop(); err != nil {
		fmt.Fprintf(c.options.Log, "stopping the node: %v\n", err)
	}
}

func (g *group) stop() {
	if g.cancel == nil {
		return
	}
	g.cancel()
	done := make(chan struct{})
	go func() {
		g.wait.Wait()
		close(done)
	}()
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}
