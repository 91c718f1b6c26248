package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Info says where everything of a local installation can be reached.
type Info struct {
	Kubeconfig   string        `json:"kubeconfig"`
	Git          string        `json:"git"`      // clone and push URL of the fleet repository
	Registry     string        `json:"registry"` // host:port
	Webhook      string        `json:"webhook"`
	Node         string        `json:"node"` // containerd, simulated or none
	NodeReason   string        `json:"nodeReason,omitempty"`
	Kubernetes   string        `json:"kubernetes"` // version of the API server
	Environments []Environment `json:"environments"`
	Processes    []Process     `json:"processes"`
	Databases    bool          `json:"databases,omitempty"` // images of PostgreSQL and Redis are there
	Dir          string        `json:"dir"`
	Logs         string        `json:"logs"`
	Ready        bool          `json:"ready"` // everything was started
	// Problems are the environments that were not healthy when it was.
	Problems []string `json:"problems,omitempty"`
}

// Environment is one place the reference application runs in.
type Environment struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	Release   string `json:"release"`
	URL       string `json:"url,omitempty"` // empty where no pod really runs
}

// Process is one part of the installation.
type Process struct {
	Name string `json:"name"` // "supervisor", "cluster", "controller"
	PID  int    `json:"pid"`
}

// ErrNotRunning says that there is no installation in a folder, or none that runs.
var ErrNotRunning = errors.New("nothing is running here; start it with: fairlead up")

func infoPath(dir string) string { return filepath.Join(dir, "info.json") }

// Read gives what a running installation said of itself last.
func Read(dir string) (Info, error) {
	var info Info
	data, err := os.ReadFile(infoPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return info, ErrNotRunning
	}
	if err != nil {
		return info, fmt.Errorf("reading the state of the local installation: %w", err)
	}
	if err := json.Unmarshal(data, &info); err != nil {
		return info, fmt.Errorf("reading %s: %w", infoPath(dir), err)
	}
	// One that was killed left its state behind.
	if _, held, err := holder(dir); err != nil {
		return info, err
	} else if !held {
		return Info{}, ErrNotRunning
	}
	return info, nil
}

// write replaces the file at once, so that no reader sees half of it.
func (i Info) write(dir string) error {
	data, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return fmt.Errorf("describing the local installation: %w", err)
	}
	tmp := infoPath(dir) + ".new"
	if err := os.WriteFile(tmp, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing the state of the local installation: %w", err)
	}
	if err := os.Rename(tmp, infoPath(dir)); err != nil {
		return fmt.Errorf("writing the state of the local installation: %w", err)
	}
	return nil
}
