package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/fairlead-cd/fairlead/internal/testkit"
)

// options are what the flags say.
type options struct {
	sizes      []int
	workloads  []string
	peers      []string
	helm       string
	devcluster string
	out        string
	logs       string
	samples    int
	restFor    time.Duration
	floor      bool

	// dir is where worlds are. All of them are removed at the end: ext4 passes over each inode that was
	// deleted within the last minute or more (recently_deleted in fs/ext4/ialloc.c), so that a world
	// removed takes the next one up to a millisecond for each file it makes.
	dir string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return err
	}
	if o.dir, err = os.MkdirTemp("", "fairlead-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(o.dir)
	result := &Result{Date: time.Now().UTC(), Commit: commit(ctx), Machine: thisMachine()}
	var failed []error
	for _, n := range o.sizes {
		subjects, err := o.subjects()
		if err != nil {
			return err
		}
		for _, s := range subjects {
			runs, err := measure(ctx, o, s, n)
			result.Runs = append(result.Runs, runs...)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err != nil {
				o.say("%v", err)
				failed = append(failed, err)
			}
			// Written after each subject: a long run that is cut short leaves what it measured.
			if err := result.write(o.out); err != nil {
				return err
			}
		}
	}
	if slices.Contains(o.workloads, workCommands) {
		runs, err := measureCommands(ctx, o)
		result.Runs = append(result.Runs, runs...)
		failed = append(failed, err)
	}
	failed = append(failed, result.write(o.out))
	o.say("written to %s", filepath.Join(o.out, result.name(o.out)+".md"))
	return errors.Join(failed...)
}

func parse(args []string) (options, error) {
	var o options
	var sizes, work, peers string
	known := append(slices.Clone(workloads), workCommands)
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&sizes, "n", "100,500,1000", "numbers of releases")
	flags.StringVar(&work, "workloads", strings.Join(known, ","), "what to measure; mttp is always where fleets are, the others need its releases")
	flags.StringVar(&peers, "peers", "bench/peers/fairlead.yaml,bench/peers/fairlead-applications.yaml", "files that describe controllers")
	flags.StringVar(&o.helm, "helm", "", "measure this helm binary too, once for each release")
	flags.StringVar(&o.devcluster, "devcluster", "", "the fairlead-devcluster binary; default is that of make build")
	flags.StringVar(&o.out, "out", "bench/results", "folder for the results")
	flags.StringVar(&o.logs, "logs", "", "a folder that keeps what the peers log; nowhere by default")
	flags.IntVar(&o.samples, "samples", 50, "how many single events are timed")
	flags.DurationVar(&o.restFor, "rest", 5*time.Minute, "how long nothing happens, for each subject and number of releases")
	flags.BoolVar(&o.floor, "floor", true, "measure the floor too; ratios need it")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	for _, s := range strings.Split(sizes, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < 1 {
			return o, fmt.Errorf("-n %s: %q is no number of releases", sizes, s)
		}
		o.sizes = append(o.sizes, n)
	}
	o.workloads = strings.Split(work, ",")
	for _, w := range o.workloads {
		if !slices.Contains(known, w) {
			return o, fmt.Errorf("-workloads %s: %q is none of %s", work, w, strings.Join(known, ", "))
		}
	}
	if work == workCommands {
		o.sizes = nil // no fleet
	}
	if o.logs != "" {
		var err error
		if o.logs, err = filepath.Abs(o.logs); err != nil {
			return o, err
		}
		if err := os.MkdirAll(o.logs, 0o755); err != nil {
			return o, err
		}
	}
	if peers != "" {
		o.peers = strings.Split(peers, ",")
	}
	return o, nil
}

// check finds out what a long run would end with.
func (o *options) check() error {
	if o.helm != "" {
		if _, err := exec.LookPath(o.helm); err != nil {
			return fmt.Errorf("-helm: %w", err)
		}
	}
	subjects, err := o.subjects()
	if err != nil {
		return err
	}
	for _, s := range subjects {
		p, ok := s.(*peer)
		if !ok {
			continue
		}
		if err := p.check(); err != nil {
			return err
		}
	}
	return nil
}

// subjects are made anew for each size.
func (o *options) subjects() ([]subject, error) {
	var all []subject
	if o.floor {
		all = append(all, newFloor())
	}
	for _, file := range o.peers {
		p, err := readPeer(file)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	if o.helm != "" {
		all = append(all, &helmLoop{bin: o.helm})
	}
	return all, nil
}

// say tells how far it is.
func (o *options) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format(time.TimeOnly)+" "+format+"\n", args...)
}

// summary is a run in one line.
func summary(r *Run) string {
	if r.Missing != "" {
		return r.Missing
	}
	text := fmt.Sprintf("%.2f s", r.Seconds)
	if len(r.Samples) > 0 {
		text = fmt.Sprintf("median %.1f ms, p99 %.1f ms", quantile(r.Samples, 0.5), quantile(r.Samples, 0.99))
	}
	return fmt.Sprintf("%s, %.2f s CPU, %d MiB, %d requests, %d renders, %d lists of refs",
		text, r.Usage.CPUSeconds, r.Usage.PeakBytes>>20, r.Requests.Total(), r.Renders, r.GitLists)
}

// commit is the commit of the tree that is measured.
func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// fairlead is the program that "make build" made.
func fairlead() (string, error) {
	root, err := testkit.ModuleRoot()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(root, "bin", "fairlead")
	if _, err := os.Stat(bin); err != nil {
		return "", fmt.Errorf("finding the program: %w; make build makes it", err)
	}
	return bin, nil
}

// environment is this process's, for descriptions of peers: {{.Env.FLUX_BIN}}.
func environment() map[string]string {
	env := map[string]string{}
	for _, kv := range os.Environ() {
		key, value, _ := strings.Cut(kv, "=")
		env[key] = value
	}
	return env
}
