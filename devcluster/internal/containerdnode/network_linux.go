package containerdnode

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"

	"github.com/vishvananda/netlink"
)

const (
	// podBridge carries the pods and the node's own address.
	podBridge = "fl-pods"
	// guardBridge has no ports: what is routed there and not rewritten before goes nowhere.
	guardBridge = "fl-guard"
)

// addresses are the node's ranges.
type addresses struct {
	pods, services netip.Prefix
	// node is the address of the node, the bridge and the pods' gateway: the first of pods.
	node netip.Addr
}

func parseAddresses(podCIDR, serviceCIDR string) (addresses, error) {
	pods, err := netip.ParsePrefix(podCIDR)
	if err != nil {
		return addresses{}, fmt.Errorf("parsing pod range: %w", err)
	}
	services, err := netip.ParsePrefix(serviceCIDR)
	if err != nil {
		return addresses{}, fmt.Errorf("parsing Service range: %w", err)
	}
	if !pods.Addr().Is4() || !services.Addr().Is4() {
		return addresses{}, fmt.Errorf("ranges %s and %s: only IPv4 is served", podCIDR, serviceCIDR)
	}
	pods, services = pods.Masked(), services.Masked()
	return addresses{pods: pods, services: services, node: pods.Addr().Next()}, nil
}

// checkRanges refuses ranges the machine has another way to: packets for somebody else's
// addresses must not be taken away, nor our own be sent there.
func checkRanges(a addresses) error {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return fmt.Errorf("listing routes: %w", err)
	}
	for _, r := range routes {
		if r.Dst == nil {
			continue
		}
		dst, ok := netip.AddrFromSlice(r.Dst.IP.To4())
		bits, _ := r.Dst.Mask.Size()
		if !ok || bits == 0 {
			continue
		}
		for _, p := range []netip.Prefix{a.pods, a.services} {
			if netip.PrefixFrom(dst, bits).Overlaps(p) {
				return fmt.Errorf("range %s overlaps the machine's network %s: choose other ranges for pods and Services", p, r.Dst)
			}
		}
	}
	return nil
}

// guardNetwork routes the range of Services to a bridge that leads nowhere. It comes before
// anything that could send to a Service: without it, a packet to a Service that has no
// endpoints, or no rules yet, would follow the machine's default route.
func guardNetwork(a addresses) error {
	guard, err := ensureBridge(guardBridge)
	if err != nil {
		return err
	}
	route := &netlink.Route{LinkIndex: guard.Attrs().Index, Dst: ipNet(a.services), Scope: netlink.SCOPE_LINK, Src: a.node.AsSlice()}
	if err := netlink.RouteReplace(route); err != nil {
		return fmt.Errorf("routing Services to %s: %w", guardBridge, err)
	}
	return nil
}

// preparePods makes the pods' bridge and gives it the node's address.
func preparePods(a addresses) error {
	bridge, err := ensureBridge(podBridge)
	if err != nil {
		return err
	}
	address := &netlink.Addr{IPNet: &net.IPNet{IP: a.node.AsSlice(), Mask: net.CIDRMask(a.pods.Bits(), 32)}}
	if err := netlink.AddrReplace(bridge, address); err != nil {
		return fmt.Errorf("giving %s its address: %w", podBridge, err)
	}
	settings := map[string]string{
		// Pods reach each other's Services by way of this machine; nothing else is forwarded.
		"/proc/sys/net/ipv4/conf/" + podBridge + "/forwarding": "1",
		// Answers between two pods pass the rules that rewrote the question, too.
		"/sys/class/net/" + podBridge + "/bridge/nf_call_iptables": "1",
	}
	for file, value := range settings {
		if err := os.WriteFile(file, []byte(value), 0); err != nil {
			return fmt.Errorf("setting %s: %w", filepath.Base(file), err)
		}
	}
	return nil
}

func ensureBridge(name string) (netlink.Link, error) {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attrs}); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("making bridge %s: %w", name, err)
	}
	link, err := netlink.LinkByName(name)
	if err != nil {
		return nil, fmt.Errorf("looking up bridge %s: %w", name, err)
	}
	if link.Type() != "bridge" {
		return nil, fmt.Errorf("making bridge %s: there is a %s of that name", name, link.Type())
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return nil, fmt.Errorf("raising bridge %s: %w", name, err)
	}
	return link, nil
}

// removeNetwork removes both bridges with their routes, and the pods' ends that are
// still in the first. The guard goes last.
func removeNetwork() error {
	var errs []error
	for _, name := range []string{podBridge, guardBridge} {
		link, err := netlink.LinkByName(name)
		if errors.As(err, &netlink.LinkNotFoundError{}) {
			continue
		}
		if err != nil {
			return fmt.Errorf("looking up %s: %w", name, err)
		}
		errs = append(errs, removePorts(link), removeLink(link))
	}
	return errors.Join(errs...)
}

func removePorts(bridge netlink.Link) error {
	links, err := netlink.LinkList()
	if err != nil {
		return fmt.Errorf("listing interfaces: %w", err)
	}
	var errs []error
	for _, l := range links {
		if l.Attrs().MasterIndex == bridge.Attrs().Index && l.Type() == "veth" {
			errs = append(errs, removeLink(l))
		}
	}
	return errors.Join(errs...)
}

// removeLink removes an interface. A pod's may be gone before we come to it: the kernel
// removes it with the pod's last process, in its own time.
func removeLink(l netlink.Link) error {
	if err := netlink.LinkDel(l); err != nil && !errors.Is(err, syscall.ENODEV) {
		return fmt.Errorf("removing interface %s: %w", l.Attrs().Name, err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), 32)}
}
