package model

// Object is one desired object.
type Object struct {
	Key     ObjectKey
	Version string // API version without the group: "v1"
	Body    []byte // canonical JSON: keys sorted, no insignificant space
	Digest  string // of Body
	Origin  Origin // where it was written
	Hook    *Hook  // set for a Helm hook: not part of the release's inventory
	Wave    int    // argocd.argoproj.io/sync-wave
	Lasting bool   // of a chart's crds/ folder, which Helm never deletes
	Expires bool   // a Job that Kubernetes deletes some time after it finished
}

// APIVersion is "group/version", or "version" for the core group.
func (o *Object) APIVersion() string {
	if o.Key.Group == "" {
		return o.Version
	}
	return o.Key.Group + "/" + o.Version
}

// Origin is a place in a source.
type Origin struct {
	File string `json:"file,omitempty"` // below the artifact's Path, slash-separated
	Line int    `json:"line,omitempty"` // 0 is unknown
}

// Hook is what Helm's annotations on an object say of when it runs.
type Hook struct {
	Events         []string // "pre-install", "post-upgrade", ...
	Weight         int
	DeletePolicies []string // "before-hook-creation", "hook-succeeded", "hook-failed"
}

// Rendered is an artifact turned into objects.
type Rendered struct {
	Objects []Object // in the order Fairlead applies them; hooks apart
	Hooks   []Object
	Chart   *ChartInfo // nil for plain manifests
	Notes   string
	Digest  string // of all inputs: chart, values, names, capabilities
}

// ChartInfo is what Helm's storage wants to know of a chart.
type ChartInfo struct {
	Name, Version, AppVersion string
	Stored                    []byte // the chart as Helm's storage keeps it: JSON of chart.Chart
	Config                    []byte // user-supplied values, JSON
	Manifest                  string // the objects as Helm writes them, hooks excluded
	HookManifests             []byte // JSON of Helm's []release.Hook
	CRDs                      string // the crds/ folders as `helm template --include-crds` writes them; only when asked for
}
