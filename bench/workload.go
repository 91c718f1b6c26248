package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// The workloads, in the order they run in one cluster.
const (
	workMTTP    = "mttp"    // all releases asked for at once, until all are ready
	workRest    = "rest"    // nothing happens
	workOne     = "one"     // a commit touches one release
	workDrift   = "drift"   // someone changes an object
	workRestart = "restart" // killed and started again
	workAll     = "all"     // a commit touches all of them

	workCommands = "commands" // commands of a person or a job, without a fleet
)

var workloads = []string{workMTTP, workRest, workOne, workDrift, workRestart, workAll}

// bench is one subject with one number of releases.
type bench struct {
	options
	w *world
	s subject
	n int

	began time.Time // the workload
}

// measure runs the chosen workloads of one subject. What a workload left undone keeps the later
// ones from being told of, so it is an error that ends this subject only.
func measure(ctx context.Context, o options, s subject, n int) (runs []Run, err error) {
	w, err := newWorld(ctx, o, n)
	if err != nil {
		return nil, fmt.Errorf("preparing the cluster: %w", err)
	}
	defer w.Close()
	b := &bench{options: o, w: w, s: s, n: n}
	if err := s.Start(ctx, w); err != nil {
		s.Kill()
		return nil, fmt.Errorf("starting %s: %w", s.Name(), err)
	}
	defer s.Kill()
	steps := map[string]func(context.Context, *Run) error{
		workMTTP: b.mttp, workRest: b.rest, workOne: b.one, workDrift: b.drift, workRestart: b.restart, workAll: b.all,
	}
	for _, name := range workloads {
		if name != workMTTP && !slices.Contains(o.workloads, name) {
			continue // without releases there is nothing else to measure
		}
		if name != workMTTP {
			if err := b.settle(ctx, quietMost); err != nil {
				return runs, err
			}
		}
		o.say("%s, %d releases: %s", s.Name(), n, name)
		run, err := b.timed(ctx, name, steps[name])
		runs = append(runs, run)
		if err != nil {
			return runs, fmt.Errorf("%s of %s with %d releases: %w", name, s.Name(), n, err)
		}
		o.say("  %s", summary(&run))
	}
	return runs, nil
}

// timed runs one workload and reads all meters before and after it.
func (b *bench) timed(ctx context.Context, name string, work func(context.Context, *Run) error) (run Run, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("it took more than %s", patience))
	defer cancel()
	if m, ok := b.s.(mortal); ok {
		var fail context.CancelCauseFunc
		ctx, fail = context.WithCancelCause(ctx)
		m.OnEnd(fail)
		defer fail(nil)
		defer m.OnEnd(nil)
	}
	run = Run{Subject: b.s.Name(), Workload: name, Releases: b.n, Renders: -1}
	// The restarted process is another one: it has no counts from before.
	before := int64(0)
	if name != workRestart {
		if before, err = b.s.Renders(ctx); err != nil {
			return run, err
		}
	}
	served, err := b.w.served(ctx)
	if err != nil {
		return run, err
	}
	sent, git, registry := b.w.sent.read(), b.w.fleet.server.Counts(), b.w.fleet.registryRequests()
	cluster := spent(b.w.cluster.PID())
	b.began = time.Now()
	meter := newMeter(ctx, b.s.Processes)
	if name == workRestart {
		meter.began = b.kept() // what else is read later is of processes that start meanwhile
	}
	err = work(ctx, &run)
	run.Usage = meter.read()
	if s, ok := b.s.(namer); ok {
		for i := range run.Usage.Processes {
			p := &run.Usage.Processes[i]
			p.Name = cmp.Or(s.ProcessName(p.pid), p.Name)
		}
	}
	run.Cluster = Process{Name: title(b.w.cluster.PID()), CPUSeconds: spent(b.w.cluster.PID()) - cluster, HighWaterBytes: status(b.w.cluster.PID(), "VmHWM")}
	if a, ok := b.s.(accountant); ok {
		run.Usage = a.Account()
	}
	if err != nil {
		run.Missing = err.Error()
		return run, err
	}
	now, err := b.w.served(ctx)
	if err != nil {
		return run, err
	}
	run.Requests = now.minus(served).minus(b.w.sent.read().minus(sent))
	after, err := b.s.Renders(ctx)
	if err != nil {
		return run, err
	}
	if after >= 0 {
		run.Renders = after - before
	}
	counts := b.w.fleet.server.Counts()
	run.GitLists, run.Fetches = counts.LsRefs-git.LsRefs, counts.Fetches-git.Fetches
	run.Registry = b.w.fleet.registryRequests() - registry
	return run, nil
}

// kept is the processor time so far of what a restart leaves running.
func (b *bench) kept() float64 {
	if k, ok := b.s.(keeper); ok {
		return cpu(k.Kept())
	}
	return 0
}

// mortal is a subject whose processes may end by themselves: nothing is waited for then.
type mortal interface{ OnEnd(fail func(error)) }

// keeper is a subject with processes that a restart leaves running.
type keeper interface{ Kept() []int }

// namer is a subject that has names for some of its processes; others go by their command lines.
type namer interface{ ProcessName(pid int) string }

// accountant is a subject whose processes are too short-lived to be sampled.
type accountant interface {
	// Account is what they took since it was last asked.
	Account() Usage
}

// mttp is the mean time to production as fluxcd/flux-benchmark takes it: all releases are asked for
// at once, and the clock stops when the last one is ready.
func (b *bench) mttp(ctx context.Context, run *Run) error {
	begin := time.Now()
	if err := b.s.Request(ctx, b.n); err != nil {
		return err
	}
	if err := b.s.Ready(ctx, b.n); err != nil {
		return err
	}
	run.Seconds = time.Since(begin).Seconds()
	if err := b.w.configMaps.waitAll(ctx, b.n, b.shown); err != nil {
		return err
	}
	return b.finish(ctx)
}

// shown is what the board shows of a release when all is as Git says.
func (b *bench) shown(i int) string { return live(b.w.fleet.messages[i], b.w.fleet.edition) }

// floorRest is enough to see what Kubernetes asks of itself at rest.
const floorRest = time.Minute

// rest lets nothing happen for a while.
func (b *bench) rest(ctx context.Context, run *Run) error {
	lasts := b.restFor
	if _, ok := b.s.(*floor); ok {
		lasts = min(lasts, floorRest)
	}
	begin := time.Now()
	select {
	case <-time.After(lasts):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	run.Seconds = time.Since(begin).Seconds()
	return nil
}

// one changes the values of one release after another; the clock runs from when the subject is told
// of the push until the live object shows it.
func (b *bench) one(ctx context.Context, run *Run) error {
	for k := range b.samples {
		i := b.pick(k)
		if err := b.w.fleet.touch(ctx, i, fmt.Sprintf("change %d", k)); err != nil {
			return err
		}
		begin := time.Now()
		if err := b.s.Pushed(ctx, []int{i}); err != nil {
			return err
		}
		if err := b.w.configMaps.waitOne(ctx, i, b.shown(i)); err != nil {
			return err
		}
		run.sample(begin)
		if err := b.s.Ready(ctx, b.n); err != nil {
			return err
		}
	}
	return b.finish(ctx)
}

// pick spreads samples over the fleet.
func (b *bench) pick(k int) int { return (k*b.n/b.samples + k) % b.n }

func (r *Run) sample(begin time.Time) {
	took := time.Since(begin)
	r.Samples = append(r.Samples, float64(took)/float64(time.Millisecond))
	r.Seconds += took.Seconds()
}

// drift changes one object after another in the cluster, as kubectl patch does; the clock runs from
// when the API server took the change until the watch shows it undone.
func (b *bench) drift(ctx context.Context, run *Run) error {
	if !b.s.Repairs() {
		run.Missing = "it leaves what others change"
		return nil
	}
	for k := range b.samples {
		i := b.pick(k)
		if err := b.disturb(ctx, i); err != nil {
			return err
		}
		begin := time.Now()
		if r, ok := b.s.(repairer); ok {
			if err := r.Repair(ctx, i); err != nil {
				return err
			}
		}
		if err := b.w.configMaps.waitOne(ctx, i, b.shown(i)); err != nil {
			return err
		}
		run.sample(begin)
	}
	return b.finish(ctx)
}

// repairer is a subject that has to be told when to repair.
type repairer interface {
	Repair(ctx context.Context, i int) error
}

// disturb changes an object. It returns when the board has seen that, unless it was undone sooner.
func (b *bench) disturb(ctx context.Context, i int) error {
	b.w.configMaps.forget(releaseName(i))
	_, err := b.w.typed.CoreV1().ConfigMaps(namespace).Patch(ctx, releaseName(i), types.MergePatchType,
		[]byte(`{"data":{"message":"changed by hand"}}`), metav1.PatchOptions{FieldManager: "kubectl-patch"})
	return err
}

// restart kills the subject, changes an object while it is away, and starts it: the clock stops when
// the change is undone. What it costs until it is at rest again counts too.
func (b *bench) restart(ctx context.Context, run *Run) error {
	if !b.s.Repairs() {
		// What was changed would stay, and stand in the way of the next workload.
		run.Missing = "it leaves what others change"
		return nil
	}
	b.s.Kill()
	if err := b.disturb(ctx, 0); err != nil {
		return err
	}
	begin := time.Now()
	if err := b.s.Restart(ctx); err != nil {
		return err
	}
	if err := b.w.configMaps.waitOne(ctx, 0, b.shown(0)); err != nil {
		return err
	}
	run.Seconds = time.Since(begin).Seconds()
	return b.finish(ctx)
}

// all changes the chart; the clock runs from when the subject is told until the last release shows it.
func (b *bench) all(ctx context.Context, run *Run) error {
	if err := b.w.fleet.reissue(ctx, "second"); err != nil {
		return err
	}
	touched := make([]int, b.n)
	for i := range touched {
		touched[i] = i
	}
	begin := time.Now()
	if err := b.s.Pushed(ctx, touched); err != nil {
		return err
	}
	if err := b.w.configMaps.waitAll(ctx, b.n, b.shown); err != nil {
		return err
	}
	run.Seconds = time.Since(begin).Seconds()
	return b.finish(ctx)
}

const (
	quietFor  = 2 * time.Second
	quietLook = 250 * time.Millisecond
	// quietMost is when a subject that is never quiet is taken as it is.
	quietMost = time.Minute
)

// finish waits until a workload has no consequences any more: what they take counts too. It goes on no
// longer than the workload took, or a subject that is never quiet would be charged for that as well.
func (b *bench) finish(ctx context.Context) error {
	return b.settle(ctx, max(5*quietFor, time.Since(b.began)))
}

// settle waits until the API server has answered nothing but watches and leases for a while.
func (b *bench) settle(ctx context.Context, most time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, most, errNeverQuiet)
	defer cancel()
	var last Requests
	since := time.Now()
	tick := time.NewTicker(quietLook)
	defer tick.Stop()
	for time.Since(since) < quietFor {
		now, err := b.w.served(ctx)
		if errors.Is(context.Cause(ctx), errNeverQuiet) {
			return nil // the time may be up in the middle of the question
		}
		if err != nil {
			return err
		}
		if now := now.minus(b.w.sent.read()); now.Total() != last.Total() {
			last, since = now, time.Now()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), errNeverQuiet) {
				return nil
			}
			return context.Cause(ctx)
		}
	}
	return nil
}

var errNeverQuiet = errors.New("it never comes to rest")
