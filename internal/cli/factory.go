package cli

import (
	"context"
	"io"
	"time"

	"github.com/fairlead-cd/fairlead/internal/deploy"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// Factory gives commands what they work with. Nothing in it is made before it is asked for, so that
// a command that needs no cluster does not wait for one.
type Factory struct {
	IO     *output.Streams
	Global Global
	Build  Build
	Now    func() time.Time
	User   string // who runs this, for the objects that say who asked; may be empty
	// Cluster connects to the cluster that the global flags and the configuration choose.
	Cluster func() (*Cluster, error)
	// Plan runs a release's line up to its plan and changes nothing.
	Plan func(ctx context.Context, id model.ReleaseID) (model.Plan, error)
	// Deployer makes what rolls back and uninstalls releases from here; done ends its watches.
	Deployer func(ctx context.Context) (d *deploy.Deployer, done func(), err error)
	// Observers makes what else is told of a run: a build service's log, and the files that values of
	// --report ask for, written "junit=FILE".
	Observers func(reports []string) ([]deploy.Observer, error)
	// Annotations is where findings are told to GitHub's runner as well, nil elsewhere.
	Annotations io.Writer
}

// Global are the values of the flags that every command has.
type Global struct {
	Kubeconfig string
	Context    string
	Namespace  string
	Color      string
	Verbosity  int
}

// Build says which program this is. It is printed by "version", so its form is part of the API.
type Build struct {
	Version   string `json:"version"`
	Commit    string `json:"commit,omitempty"`
	Modified  bool   `json:"modified,omitempty"` // built from a tree that was not that commit
	GoVersion string `json:"goVersion"`
	Platform  string `json:"platform"`
}

// APIVersion is the version of all documents that commands print.
const APIVersion = "fairlead.dev/v1alpha1"

// Header begins every document that a command prints for programs.
type Header struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
}

// NewHeader is the header of a document of the given kind.
func NewHeader(kind string) Header { return Header{APIVersion: APIVersion, Kind: kind} }
