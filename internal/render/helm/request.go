package helm

import "github.com/fairlead-cd/fairlead/internal/model"

// Request is all that a render depends on. It crosses a process boundary.
type Request struct {
	Dir    string // the artifact's folder
	Path   string // the chart below Dir
	Digest string // of what is in Dir; equal digests are equal content
	Beside string // where values files are that are not in Dir, at the same paths; empty for nowhere

	Name      string // of the release
	Namespace string
	IsUpgrade bool
	Revision  int
	Values    []model.ValuesLayer

	Capabilities model.Capabilities
	CRDText      bool         // fill ChartInfo.CRDs
	Dependencies []Dependency // fetched for this chart, after a NeedDependencies error
	Looks        bool         // there is a cluster to look into: what is missing in Found is a NeedLookups error
	Found        []Found      // in it, after such an error
	MaxOutput    int64        // bytes of everything rendered together; 0 is 32 MiB
}

// Dependency is a chart that another one depends on without carrying it in charts/.
type Dependency struct {
	Name       string
	Version    string // a version or a range
	Repository string // https://... or oci://...

	Dir  string // where it was put, when it was fetched
	Path string
}

// Same reports whether both are the same demand, fetched or not.
func (d Dependency) Same(o Dependency) bool {
	return d.Name == o.Name && d.Version == o.Version && d.Repository == o.Repository
}

// NeedDependencies says which charts must be fetched before a chart can be rendered.
type NeedDependencies struct {
	Missing []Dependency
}

// Error names the first of them.
func (n *NeedDependencies) Error() string {
	return "dependency " + n.Missing[0].Name + " is not in charts/"
}
