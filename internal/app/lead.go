package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/fairlead-cd/fairlead/internal/config"
	"github.com/fairlead-cd/fairlead/internal/kube"
)

// The lease is held by a single replica too: its renewal is what tells readers of statuses that
// somebody still looks (docs/design/0002-freshness.md). It is the only write at rest.
const (
	leaseName     = "fairlead-controller"
	leaseDuration = 30 * time.Second
	leaseRenew    = 20 * time.Second
	leaseRetry    = 5 * time.Second
)

// leadership tells whether this process holds the lease. The zero value holds none.
type leadership struct {
	elector atomic.Pointer[leaderelection.LeaderElector]
}

// Held is false as soon as the lease may be another's: a process that was stopped for a while, with
// its machine or by a debugger, wakes up as the leader it was, and is told otherwise only seconds later.
func (l *leadership) Held() bool {
	e := l.elector.Load()
	return e != nil && e.IsLeader() && e.Check(0) == nil
}

// lead runs work while this process holds the lease, and ends with an error when it loses it:
// what another process does meanwhile must not be done twice. The lease is given back only once
// work has ended.
func (l *leadership) lead(ctx context.Context, client *kube.Typed, c config.Config, log *slog.Logger, work func(context.Context) error) error {
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("naming this replica: %w", err)
	}
	// Whoever comes back under the same name and address goes on at once: nobody else can be it,
	// since the address is taken only once.
	identity := host + "_" + c.Listen
	election, resign := context.WithCancel(context.WithoutCancel(ctx))
	defer resign()
	var began atomic.Int32 // whoever is first: work, whose end resigns, or the end before it began
	const working, ended = 1, 2
	defer context.AfterFunc(ctx, func() {
		if began.CompareAndSwap(0, ended) {
			resign()
		}
	})()
	done := make(chan error, 1)
	lost := fmt.Errorf("holding lease %s/%s: lost it", c.Namespace, leaseName)
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: leaseName},
			Client:    client.CoordinationV1(), LockConfig: resourcelock.ResourceLockConfig{Identity: identity},
		},
		LeaseDuration: leaseDuration, RenewDeadline: leaseRenew, RetryPeriod: leaseRetry, ReleaseOnCancel: true,
		Name: leaseName,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(held context.Context) {
				if !began.CompareAndSwap(0, working) {
					return
				}
				log.Info("leading", "identity", identity)
				held, cancel := context.WithCancel(held)
				defer cancel()
				defer context.AfterFunc(ctx, cancel)()
				done <- work(held)
				resign()
			},
			OnStoppedLeading: func() {
				log.Info("no longer leading", "identity", identity)
			},
			OnNewLeader: func(name string) {
				if name != identity {
					log.Info("another replica leads", "identity", name)
				}
			},
		},
	})
	if err != nil {
		return fmt.Errorf("holding lease %s/%s: %w", c.Namespace, leaseName, err)
	}
	l.elector.Store(elector)
	elector.Run(election)
	resigned := election.Err() != nil
	if began.Load() == working {
		err = <-done // where the lease was lost, its context has ended
	}
	if err == nil && !resigned {
		err = lost
	}
	return err
}
