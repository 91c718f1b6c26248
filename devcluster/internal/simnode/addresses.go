package simnode

import (
	"fmt"
	"net/netip"
	"sync"
)

// reserved is how many addresses at the start of the range are not for pods: the network's
// own, and the one published for the API server.
const reserved = 10

// addresses gives each pod an address of its own within the pod range. Nothing listens at
// any of them.
type addresses struct {
	mu    sync.Mutex
	cidr  netip.Prefix
	next  netip.Addr
	taken map[netip.Addr]string
	owned map[string]netip.Addr
}

func newAddresses(cidr string) (*addresses, error) {
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil {
		return nil, fmt.Errorf("parsing pod range: %w", err)
	}
	a := &addresses{cidr: prefix.Masked(), taken: map[netip.Addr]string{}, owned: map[string]netip.Addr{}}
	a.next = a.first()
	return a, nil
}

func (a *addresses) first() netip.Addr {
	addr := a.cidr.Addr()
	for range reserved {
		addr = addr.Next()
	}
	return addr
}

// claim remembers that the pod already has an address, from a former run.
func (a *addresses) claim(uid, address string) {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.taken[addr] == "" {
		a.taken[addr], a.owned[uid] = uid, addr
	}
}

// get returns the address of the pod, and "" when the range is used up.
func (a *addresses) get(uid string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if addr, ok := a.owned[uid]; ok {
		return addr.String()
	}
	wrapped := false
	for {
		addr := a.next
		if !a.cidr.Contains(addr) {
			if wrapped {
				return ""
			}
			wrapped, a.next = true, a.first()
			continue
		}
		a.next = addr.Next()
		if a.taken[addr] == "" {
			a.taken[addr], a.owned[uid] = uid, addr
			return addr.String()
		}
	}
}

// release takes the address of a pod that is gone back.
func (a *addresses) release(uid string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if addr, ok := a.owned[uid]; ok {
		delete(a.owned, uid)
		delete(a.taken, addr)
	}
}
