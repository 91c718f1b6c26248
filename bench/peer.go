package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/template"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/fairlead-cd/fairlead/internal/testkit"
)

// peer is a controller, or several that work together, described in a file of peers/.
type peer struct {
	Title string `json:"name"`
	// Style is how it is asked for releases: one of those in style.go.
	Style string `json:"style"`
	// CRDs and Manifests are files or folders to apply before it starts, in this order. "fairlead"
	// stands for Fairlead's own kinds.
	CRDs      []string `json:"crds,omitempty"`
	Manifests []string `json:"manifests,omitempty"`
	// Files are written below the work folder before it starts; content is a template.
	Files map[string]string `json:"files,omitempty"`
	// Commands are its processes. Arguments and environment are templates over .Kubeconfig, .Dir
	// (a folder of its own), .GitURL, .Namespace, .Fairlead, .Env, .Listen (a free address), and
	// {{.Port "name"}}, a free port of 127.0.0.1 that goes by that name.
	Commands []command `json:"commands"`
	// Probe is a URL that answers 200 when it would notice a request, a template too.
	Probe string `json:"ready,omitempty"`
	// Webhook is where pushes are sent to; empty tells in the way of Style.
	Webhook string `json:"webhook,omitempty"`
	// WebhookSecret signs pushes, as GitHub signs them.
	WebhookSecret string `json:"webhookSecret,omitempty"`
	// Metrics and RendersMetric say how many charts it rendered.
	Metrics       string `json:"metrics,omitempty"`
	RendersMetric string `json:"rendersMetric,omitempty"`
	// NoRepair says that it leaves drift as it is.
	NoRepair bool `json:"noRepair,omitempty"`

	w         *world
	facts     facts
	style     style
	board     *board
	processes []process

	mu    sync.Mutex
	onEnd func(error)
}

type command struct {
	Name string   `json:"name"`
	Args []string `json:"args"`
	Env  []string `json:"env,omitempty"` // "KEY=value"
	// Ready is a URL that answers 200 when this process can work, a template too.
	Ready string `json:"ready,omitempty"`
	// Keep says that a restart leaves it running: a store beside the controllers, as their caches on
	// disk stay. What it takes is counted like all else.
	Keep bool `json:"keep,omitempty"`
}

// facts are what a description may refer to.
type facts struct {
	Kubeconfig, Dir, GitURL, Namespace, Fairlead, Listen string
	Env                                                  map[string]string
	ports                                                map[string]string
}

// Port is a free port of 127.0.0.1; the same name gets the same one.
func (f *facts) Port(name string) (string, error) {
	if port, ok := f.ports[name]; ok {
		return port, nil
	}
	// Another name's port is not taken yet, so it may be given out again.
	for {
		address, err := freeAddress()
		if err != nil {
			return "", err
		}
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return "", err
		}
		if address != f.Listen && !slices.Contains(slices.Collect(maps.Values(f.ports)), port) {
			f.ports[name] = port
			return port, nil
		}
	}
}

// readPeer reads a description.
func readPeer(file string) (*peer, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading a peer: %w", err)
	}
	p := &peer{}
	if err := yaml.UnmarshalStrict(data, p); err != nil {
		return nil, fmt.Errorf("reading peer %s: %w", file, err)
	}
	var ok bool
	if p.style, ok = styles()[p.Style]; !ok {
		return nil, fmt.Errorf("reading peer %s: style %q is none of %s", file, p.Style, strings.Join(slices.Sorted(maps.Keys(styles())), ", "))
	}
	return p, nil
}

// check finds out before anything is measured whether what the description refers to is there.
func (p *peer) check() error {
	p.facts = facts{Dir: os.TempDir(), Env: environment(), ports: map[string]string{}}
	var err error
	if p.facts.Fairlead, err = fairlead(); err != nil {
		return err
	}
	for _, name := range slices.Concat(p.CRDs, p.Manifests) {
		if name, err = p.fill(name); err != nil {
			return err
		}
		if name == ownCRDs {
			continue
		}
		if _, err := os.Stat(name); err != nil {
			return fmt.Errorf("peer %s: looking for its manifests: %w", p.Title, err)
		}
	}
	for _, c := range p.Commands {
		args, err := p.fillAll(append(c.Args[:len(c.Args):len(c.Args)], c.Env...))
		if err != nil {
			return err
		}
		if _, err := exec.LookPath(args[0]); err != nil {
			return fmt.Errorf("peer %s: looking for its program: %w", p.Title, err)
		}
	}
	return nil
}

// ownCRDs stands for Fairlead's own kinds.
const ownCRDs = "fairlead"

// Name is how tables call it.
func (p *peer) Name() string { return p.Title }

// Repairs says whether it puts back what was changed in the cluster.
func (p *peer) Repairs() bool { return !p.NoRepair }

// Start installs what it needs and starts it.
func (p *peer) Start(ctx context.Context, w *world) error {
	p.w, p.processes = w, nil
	w.stops = append(w.stops, func() { p.end(true) })
	listen, err := freeAddress()
	if err != nil {
		return err
	}
	p.facts = facts{Kubeconfig: w.kubeconfig, Dir: filepath.Join(w.dir, "peer"), GitURL: w.fleet.url, Namespace: namespace, Listen: listen, Env: environment(), ports: map[string]string{}}
	if p.facts.Fairlead, err = fairlead(); err != nil {
		return err
	}
	if err := os.MkdirAll(p.facts.Dir, 0o755); err != nil {
		return err
	}
	if err := p.install(ctx); err != nil {
		return err
	}
	if p.board, err = w.watch(ctx, p.style.gvr, p.word); err != nil {
		return err
	}
	if p.style.file != nil {
		w.fleet.file = p.style.file
	}
	if p.style.before != nil {
		if err := w.apply(ctx, p.style.before(w.fleet)...); err != nil {
			return err
		}
	}
	if err := warm(ctx, w, p.style.gvr, p.style.request(w.fleet, 0)); err != nil {
		return err
	}
	if err := p.Restart(ctx); err != nil {
		return err
	}
	return p.awaitReady(ctx)
}

// word shows on the board whether a request is done.
func (p *peer) word(u *unstructured.Unstructured) string {
	if p.style.ready(u) {
		return "ready"
	}
	return "not ready"
}

// install applies its kinds and manifests and writes its files.
func (p *peer) install(ctx context.Context) error {
	for _, name := range append(p.CRDs[:len(p.CRDs):len(p.CRDs)], p.Manifests...) {
		name, err := p.fill(name)
		if err != nil {
			return err
		}
		if name == ownCRDs {
			err = installCRDs(ctx, p.w)
		} else {
			err = p.installFiles(ctx, name)
		}
		if err != nil {
			return err
		}
	}
	for name, text := range p.Files {
		text, err := p.fill(text)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(p.facts.Dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (p *peer) installFiles(ctx context.Context, name string) error {
	return filepath.WalkDir(name, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !isManifest(path) {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := p.w.install(ctx, string(data)); err != nil {
			return fmt.Errorf("installing %s: %w", path, err)
		}
		return nil
	})
}

// isManifest leaves out what only lists manifests.
func isManifest(file string) bool {
	ext := filepath.Ext(file)
	return (ext == ".yaml" || ext == ".yml") && strings.TrimSuffix(filepath.Base(file), ext) != "kustomization"
}

// fill completes a template of the description.
func (p *peer) fill(text string) (string, error) {
	t, err := template.New(p.Title).Option("missingkey=error").Parse(text)
	if err != nil {
		return "", fmt.Errorf("reading a description: %w", err)
	}
	var b strings.Builder
	if err := t.Execute(&b, &p.facts); err != nil {
		return "", fmt.Errorf("completing a description (bench/peers/README.md says which variables it takes): %w", err)
	}
	return b.String(), nil
}

func (p *peer) fillAll(texts []string) ([]string, error) {
	var filled []string
	for _, text := range texts {
		text, err := p.fill(text)
		if err != nil {
			return nil, err
		}
		filled = append(filled, text)
	}
	return filled, nil
}

// Request asks for the first n releases: by one commit where it reads its requests in Git.
func (p *peer) Request(ctx context.Context, n int) error {
	if p.style.file == nil {
		return each(ctx, n, 32, func(ctx context.Context, i int) error {
			return createRequest(ctx, p.w, p.style.gvr, p.style.request(p.w.fleet, i))
		})
	}
	if err := p.w.fleet.ask(ctx); err != nil {
		return err
	}
	return p.Pushed(ctx, nil)
}

// Ready returns when it says that the first n releases are done.
func (p *peer) Ready(ctx context.Context, n int) error {
	return p.board.waitAll(ctx, n, func(int) string { return "ready" })
}

// Pushed tells it of the newest commit.
func (p *peer) Pushed(ctx context.Context, touched []int) error {
	switch {
	case p.Webhook != "":
		url, err := p.fill(p.Webhook)
		if err != nil {
			return err
		}
		return testkit.SendPush(ctx, url, p.WebhookSecret, p.w.fleet.url, testkit.GitPush{
			Repository: fleetRepo, Ref: "refs/heads/" + branch, Old: strings.Repeat("0", 40), New: p.w.fleet.head,
		})
	case p.style.pushed != nil:
		return p.style.pushed(ctx, p.w, touched)
	}
	return nil
}

// Renders reads its own count of rendered charts.
func (p *peer) Renders(ctx context.Context) (int64, error) {
	if p.RendersMetric == "" {
		return -1, nil
	}
	url, err := p.fill(p.Metrics)
	if err != nil {
		return 0, err
	}
	body, err := get(ctx, url)
	if err != nil {
		return 0, err
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("reading %s: %w", url, err)
	}
	var sum float64
	for _, m := range families[p.RendersMetric].GetMetric() {
		sum += m.GetCounter().GetValue()
	}
	return int64(sum), nil
}

// get reads a page of a subject.
func get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return body, err
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
