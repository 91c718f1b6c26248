package containerdnode

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	clusterDomain = "cluster.local"
	// dnsTTL is short, as Services come and go in a cluster for development.
	dnsTTL = 5
)

// dnsServer answers pods' questions for Services with an address (the A records of
// Kubernetes' DNS specification) over UDP. For every other name it says that there is
// none: no question is passed on to anybody.
type dnsServer struct {
	conn     net.PacketConn
	services corelisters.ServiceLister
	stopAll  func()
	wait     sync.WaitGroup
}

func (n *containerdNode) startDNS(context.Context) error {
	config, err := clientcmd.BuildConfigFromFlags("", n.config.Kubeconfig)
	if err != nil {
		return fmt.Errorf("reading kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making client: %w", err)
	}
	conn, err := net.ListenPacket("udp", net.JoinHostPort(n.addresses.node.String(), "53"))
	if err != nil {
		return fmt.Errorf("listening for DNS: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	factory := informers.NewSharedInformerFactory(client, 0)
	n.dns = &dnsServer{conn: conn, services: factory.Core().V1().Services().Lister()}
	factory.Start(ctx.Done())
	n.dns.stopAll = func() {
		cancel()
		_ = conn.Close()
		factory.Shutdown()
	}
	n.dns.wait.Go(n.dns.serve)
	return nil
}

func (d *dnsServer) stop() {
	if d == nil {
		return
	}
	d.stopAll()
	d.wait.Wait()
}

func (d *dnsServer) serve() {
	question := make([]byte, 1500)
	for {
		size, from, err := d.conn.ReadFrom(question)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(pollPause) // an error that lasts must not take a processor
			continue
		}
		if answer, err := d.answer(question[:size]); err == nil {
			_, _ = d.conn.WriteTo(answer, from)
		}
	}
}

// answer answers the first question of a message, which is the only one anybody sends.
func (d *dnsServer) answer(message []byte) ([]byte, error) {
	var parser dnsmessage.Parser
	header, err := parser.Start(message)
	if err != nil {
		return nil, err
	}
	question, err := parser.Question()
	if err != nil {
		return nil, err
	}
	addresses, known := d.lookup(question.Name.String())
	reply := dnsmessage.Header{
		ID: header.ID, Response: true, Authoritative: true, OpCode: header.OpCode,
		RecursionDesired: header.RecursionDesired,
	}
	if !known {
		reply.RCode = dnsmessage.RCodeNameError
	}
	builder := dnsmessage.NewBuilder(nil, reply)
	builder.EnableCompression()
	if err := builder.StartQuestions(); err != nil {
		return nil, err
	}
	if err := builder.Question(question); err != nil {
		return nil, err
	}
	if err := builder.StartAnswers(); err != nil {
		return nil, err
	}
	if question.Type == dnsmessage.TypeA {
		for _, a := range addresses {
			resource := dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET, TTL: dnsTTL}
			if err := builder.AResource(resource, dnsmessage.AResource{A: a.As4()}); err != nil {
				return nil, err
			}
		}
	}
	return builder.Finish()
}

// lookup finds <service>.<namespace>.svc.cluster.local. A Service without an address of
// its own is not known: its pods are not listed here.
func (d *dnsServer) lookup(name string) ([]netip.Addr, bool) {
	rest, found := strings.CutSuffix(strings.ToLower(name), ".svc."+clusterDomain+".")
	service, namespace, two := strings.Cut(rest, ".")
	if !found || !two || strings.Contains(namespace, ".") {
		return nil, false
	}
	object, err := d.services.Services(namespace).Get(service)
	if err != nil || object.Spec.ClusterIP == corev1.ClusterIPNone {
		return nil, false
	}
	var out []netip.Addr
	for _, ip := range object.Spec.ClusterIPs {
		if a, err := netip.ParseAddr(ip); err == nil && a.Is4() {
			out = append(out, a)
		}
	}
	return out, true
}
