package model

import (
	"encoding/json"
	"time"
)

// Release is one request to the line, read from an API object or from the configuration and
// checked: everything a run needs to know before it begins.
type Release struct {
	ID          ReleaseID
	Name        string // Helm's release name
	Namespace   string // where namespaced objects without a namespace go, and where the record lies
	Environment string // for people: the environment's name where one is known

	Source   Ref
	Renderer Renderer
	Values   []ValuesLayer // later layers win
	TopLevel bool          // plain manifests: only those directly in the folder, none below

	CreateNamespace bool          // make Namespace when it does not exist
	Timeout         time.Duration // how long a rollout may take to become healthy; 0 is the default
	Policy          Policy
	Hold            *Hold // set while a rollback keeps the release where it is
	Suspended       bool
	ServiceAccount  string // namespace/name whose rights the run uses; empty is Fairlead's own
	Generation      int64  // metadata.generation of the request, echoed in its status
	MaxHistory      int    // revisions kept; 0 is the default of 10
}

// Policy says what Fairlead may do on its own.
type Policy struct {
	Automated bool // apply without being asked; false only reports differences
	SelfHeal  bool // put back what others changed in the cluster
	Prune     bool // delete what is no longer desired
	Rollback  bool // go back to the last healthy revision when an upgrade fails
}

// Renderer names how an artifact becomes objects.
type Renderer string

// The renderers. RenderAuto looks at the artifact: a Chart.yaml makes it helm, else plain.
const (
	RenderAuto  Renderer = ""
	RenderHelm  Renderer = "helm"
	RenderPlain Renderer = "plain"
)

// ValuesLayer is one source of chart values. Exactly one of YAML, File and Set is used.
type ValuesLayer struct {
	Origin    string     // for messages: `spec.values`, `Secret dev/db key values.yaml`
	YAML      []byte     // a YAML or JSON document that must be a map
	File      string     // a values file below the artifact's Path
	Set       *Parameter // one path and value, as helm --set
	Sensitive bool       // came from a Secret: its content may not appear in any message
	Optional  bool       // File: a missing file is skipped
}

// Parameter is one --set (or --set-string when ForceString) of Helm. With a Form it is a flag of
// Helm's command line as it was written: Value is the whole argument and Name is empty.
type Parameter struct {
	Name        string
	Value       string
	ForceString bool
	Form        SetForm
	Files       map[string]string // FormFile: what the paths in Value hold
}

// SetForm names the flag that an argument was given to.
type SetForm string

// The flags, each with a grammar of its own.
const (
	FormSet     SetForm = "set"         // a=1,b={x,y}
	FormString  SetForm = "set-string"  // the same, every value a string
	FormFile    SetForm = "set-file"    // the same, every value the path of a file
	FormJSON    SetForm = "set-json"    // a={"x":1} or {"a":{"x":1}}
	FormLiteral SetForm = "set-literal" // a=1,2: one name, the rest its value
)

// Hold keeps a release at a revision until its inputs change or someone resumes it.
type Hold struct {
	Revision int    `json:"revision"`         // the revision that was gone back to
	Inputs   string `json:"inputs,omitempty"` // digest of the inputs that were left
	By       string `json:"by,omitempty"`     // "fairlead rollback", "helm rollback", "failed upgrade"
	Time     string `json:"time,omitempty"`   // RFC 3339
}

// SourceKind is where an artifact comes from.
type SourceKind string

// The kinds of sources.
const (
	SourceGit  SourceKind = "git"
	SourceHelm SourceKind = "helm" // a Helm repository: index.yaml over http(s)
	SourceOCI  SourceKind = "oci"  // a chart in an OCI registry
	SourceDir  SourceKind = "dir"  // a folder on this machine
)

// Ref asks a source for an artifact.
type Ref struct {
	Kind    SourceKind
	URL     string // as written in the request; rewrites are the source's business
	Git     GitRef
	Path    string   // git, dir: folder below the root, slash-separated
	Files   []string // git: further paths below the root that belong to the artifact (values files)
	Chart   string   // helm: the chart's name
	Version string   // helm, oci: a version or a semver range; empty is the newest stable
	Auth    *Auth    // nil is anonymous
}

// Key tells the references to one remote apart.
func (r Ref) Key() string {
	key, _ := json.Marshal([]any{r.Git, r.Path, r.Files, r.Chart, r.Version})
	return string(key)
}

// GitRef is one of branch, tag, semver range or commit; Name lets the repository say which
// (a branch wins over a tag, as a full commit ID wins over both). All empty is the default branch.
type GitRef struct {
	Name, Branch, Tag, SemVer, Commit string
}

// Auth carries a credential. It never prints.
type Auth struct {
	Username   string
	Password   string // or token
	Token      string // bearer
	SSHKey     []byte // PEM
	KnownHosts []byte
	CA         []byte // PEM: trusted for this host only
	ID         string // names the credential in caches: a digest, never the secret
}

// String keeps a credential out of every %v.
func (a *Auth) String() string { return "[credential]" }

// GoString keeps a credential out of every %#v.
func (a *Auth) GoString() string { return "[credential]" }

// Capabilities is what a chart may ask of the cluster while it is rendered.
type Capabilities struct {
	KubeVersion string   // "v1.36.3"
	APIVersions []string // "apps/v1", "apps/v1/Deployment", sorted
}
