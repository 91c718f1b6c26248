package config

import (
	"fmt"
	"net"
	"os"
	"path"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"
)

// Config is the controller's configuration.
type Config struct {
	// Namespace is where Fairlead keeps what belongs to no release, and its lease.
	Namespace string `json:"namespace,omitempty"`
	// CacheDir keeps fetched sources and rendered charts. It can be deleted at any time.
	CacheDir string `json:"cacheDir,omitempty"`
	// Listen is the address of the webhook, metrics and health endpoints.
	Listen string `json:"listen,omitempty"`
	// Parallel is how many releases are read, rendered and written at the same time.
	Parallel int `json:"parallel,omitempty"`
	// Workers is how many processes render charts at the same time.
	Workers int `json:"workers,omitempty"`
	// Interval is how often each repository is asked for changes.
	Interval metav1.Duration `json:"interval,omitempty"`
	// LeaderElection is accepted for clarity: replicas elect a leader whatever it says, and a single
	// one holds the lease too (docs/design/0002-freshness.md).
	LeaderElection bool `json:"leaderElection,omitempty"`

	// Profiling serves Go's profiles at /debug/pprof/ of Listen, to whoever can reach it.
	Profiling bool `json:"profiling,omitempty"`

	Git     Git      `json:"git,omitempty"`
	Webhook Webhook  `json:"webhook,omitempty"`
	Roots   []Root   `json:"roots,omitempty"`
	Sources []Source `json:"credentials,omitempty"`
	// Rewrites send URLs that begin with From to To instead: mirrors, networks without a way out.
	Rewrites []Rewrite `json:"rewrites,omitempty"`
}

// Git has what concerns Git repositories.
type Git struct {
	// DefaultRef is used by HelmReleases that name none; empty is the repository's default branch.
	DefaultRef string `json:"defaultRef,omitempty"`
	// KnownHostsFile holds SSH host keys to trust, for credentials that carry none.
	KnownHostsFile string `json:"knownHostsFile,omitempty"`
	// FileRoots are folders below which file:// repositories may lie; none by default.
	FileRoots []string `json:"fileRoots,omitempty"`
}

// Webhook has what concerns push events.
type Webhook struct {
	// SecretFiles hold the tokens that events are signed with, one a file; several let one rotate.
	SecretFiles []string `json:"secretFiles,omitempty"`
	// AllowUnsigned accepts events without a signature: they cause no more than a fetch.
	AllowUnsigned bool `json:"allowUnsigned,omitempty"`
}

// Root is a folder of manifests that is applied as it is, as Flux v1 did with --git-path.
type Root struct {
	Name string `json:"name"`
	// URL, Ref and Paths say which folders. Ref is a branch, tag or commit.
	URL   string   `json:"url"`
	Ref   string   `json:"ref,omitempty"`
	Paths []string `json:"paths,omitempty"`
	// Prune deletes what is taken out of the folders.
	Prune bool `json:"prune,omitempty"`
	// Interval is accepted where it is that of all repositories, and refused where it is not.
	Interval *metav1.Duration `json:"interval,omitempty"`
	// Secret names a credential in Config.Namespace.
	Secret string `json:"secret,omitempty"`
}

// Source says which Secret opens the repositories below a URL prefix.
type Source struct {
	Prefix    string `json:"prefix"`
	Secret    string `json:"secret"`
	Namespace string `json:"namespace,omitempty"`
}

// Rewrite replaces a URL's beginning.
type Rewrite struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Defaults of the fields that have one.
const (
	DefaultNamespace = "fairlead-system"
	DefaultListen    = "127.0.0.1:9877"
	DefaultInterval  = time.Minute
	DefaultParallel  = 16
	DefaultWorkers   = 2
)

// Load reads and checks a file. A field it does not know is an error.
func Load(file string) (Config, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return Config{}, fmt.Errorf("reading the configuration: %w", err)
	}
	c, err := Parse(data)
	if err != nil {
		return c, fmt.Errorf("reading the configuration %s: %w", file, err)
	}
	return c, nil
}

// Parse reads and checks a configuration.
func Parse(data []byte) (Config, error) {
	var c Config
	if err := yaml.UnmarshalStrict(data, &c); err != nil {
		return c, err
	}
	c.fill()
	return c, c.check()
}

func (c *Config) fill() {
	setDefault(&c.Namespace, DefaultNamespace)
	setDefault(&c.Listen, DefaultListen)
	setDefault(&c.Interval.Duration, DefaultInterval)
	setDefault(&c.Parallel, DefaultParallel)
	setDefault(&c.Workers, DefaultWorkers)
	for i := range c.Sources {
		setDefault(&c.Sources[i].Namespace, c.Namespace)
	}
	for i := range c.Roots {
		if len(c.Roots[i].Paths) == 0 {
			c.Roots[i].Paths = []string{"."}
		}
	}
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (c *Config) check() error {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if c.Interval.Duration < time.Second {
		return fmt.Errorf("interval: %s is less than a second", c.Interval.Duration)
	}
	if c.Parallel < 1 || c.Workers < 1 {
		return fmt.Errorf("parallel, workers: want at least 1")
	}
	seen := map[string]bool{}
	for i, r := range c.Roots {
		at := fmt.Sprintf("roots[%d]", i)
		switch {
		case r.Name == "" || r.URL == "":
			return fmt.Errorf("%s: name and url are needed", at)
		case len(validation.IsDNS1123Label(r.Name)) > 0:
			return fmt.Errorf("%s.name: %q: want lower case letters, digits and -, at most 63", at, r.Name)
		case seen[r.Name]:
			return fmt.Errorf("%s: there are two roots named %q", at, r.Name)
		case r.Interval != nil && r.Interval.Duration != c.Interval.Duration:
			return fmt.Errorf("%s.interval: a repository is asked once per interval whoever uses it; set the top-level interval to %s instead", at, r.Interval.Duration)
		}
		seen[r.Name] = true
		for _, p := range r.Paths {
			if clean := path.Clean(p); path.IsAbs(p) || clean == ".." || strings.HasPrefix(clean, "../") {
				return fmt.Errorf("%s.paths: %q leaves the repository", at, p)
			}
		}
	}
	for i, r := range c.Rewrites {
		if r.From == "" || r.To == "" {
			return fmt.Errorf("rewrites[%d]: from and to are needed", i)
		}
	}
	for i, s := range c.Sources {
		if s.Prefix == "" || s.Secret == "" {
			return fmt.Errorf("credentials[%d]: prefix and secret are needed", i)
		}
	}
	return nil
}
