package simnode

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/record"

	"github.com/fairlead-cd/fairlead/devcluster/internal/certs"
	"github.com/fairlead-cd/fairlead/devcluster/internal/node"
)

// nodeIP is the only address the node has and serves at.
const nodeIP = "127.0.0.1"

// Node is a simulated node. It implements node.Node.
type Node struct {
	config node.Config

	cancel context.CancelFunc
	wait   sync.WaitGroup
}

// New returns a node that joins the cluster config describes.
func New(config node.Config) *Node { return &Node{config: config} }

// Cleanup implements node.Node. The node makes nothing outside its process.
func (*Node) Cleanup() error { return nil }

// Start implements node.Node.
func (n *Node) Start(ctx context.Context) error {
	authority, err := authorityOf(n.config)
	if err != nil {
		return err
	}
	client, err := newClient(n.config.Kubeconfig, authority)
	if err != nil {
		return err
	}
	addresses, err := newAddresses(n.config.PodCIDR)
	if err != nil {
		return err
	}
	life, cancel := context.WithCancel(context.Background())
	n.cancel = cancel
	kubelet, err := listenKubelet(n.config, authority)
	if err != nil {
		return err
	}
	broadcaster := record.NewBroadcaster(record.WithContext(life))
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: client.CoreV1().Events("")})
	n.goDo(func() {
		<-life.Done()
		broadcaster.Shutdown()
	})
	pods := newPods(client, n.config.NodeName, addresses, newImages(n.config.RegistryMirrors),
		broadcaster.NewRecorder(scheme.Scheme, v1.EventSource{Component: "kubelet", Host: n.config.NodeName}), n.config.Log)
	heart := &heart{client: client, name: n.config.NodeName, port: int32(kubelet.port), log: n.config.Log}
	if err := heart.register(ctx); err != nil {
		_ = kubelet.listener.Close()
		return err
	}
	n.goDo(func() { heart.beat(life) })
	n.goDo(func() { pods.run(life) })
	n.goDo(func() { kubelet.serve(life, pods) })
	return heart.waitSchedulable(ctx)
}

// Stop implements node.Node. The Node object and its pods stay, as they do when a
// machine is switched off.
func (n *Node) Stop() error {
	if n.cancel == nil {
		return nil
	}
	n.cancel()
	done := make(chan struct{})
	go func() {
		n.wait.Wait()
		close(done)
	}()
	timer := time.NewTimer(2 * time.Second)
	defer timer.Stop()
	select {
	case <-done:
		return nil
	case <-timer.C:
		return errors.New("stopping simulated node: it is still busy")
	}
}

func (n *Node) goDo(f func()) {
	n.wait.Add(1)
	go func() {
		defer n.wait.Done()
		f()
	}()
}

func authorityOf(c node.Config) (*certs.Authority, error) {
	return certs.LoadAuthority(filepath.Dir(c.CACert), strings.TrimSuffix(filepath.Base(c.CACert), ".crt"))
}

// newClient acts under a name of its own, so that a log of requests tells the node's from
// those of people. It is an administrator: one watch over all Secrets and ConfigMaps is
// cheaper than the one for each that the rights of a kubelet would allow.
func newClient(kubeconfig string, authority *certs.Authority) (kubernetes.Interface, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading kubeconfig: %w", err)
	}
	cert, key, err := authority.Sign(certs.Subject{CommonName: "fairlead-simulated-node", Organization: []string{"system:masters"}})
	if err != nil {
		return nil, fmt.Errorf("issuing the node's client certificate: %w", err)
	}
	config.CertFile, config.KeyFile, config.CertData, config.KeyData = "", "", cert, key
	config = rest.AddUserAgent(config, "fairlead-simulated-node")
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	// The API server's own fairness is limit enough.
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making client: %w", err)
	}
	return client, nil
}
