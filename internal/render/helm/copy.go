package helm

import (
	"maps"
	"slices"

	chart "helm.sh/helm/v4/pkg/chart/v2"
)

// copyChart copies all of a chart that rendering changes: Helm drops disabled dependencies, renames
// aliased ones, writes imported values, and templates can write into metadata maps. File contents
// and default values are shared: Helm copies values before it touches them.
func copyChart(c *chart.Chart) *chart.Chart {
	cp := *c
	cp.Metadata = copyMetadata(c.Metadata)
	deps := make([]*chart.Chart, len(c.Dependencies()))
	for i, d := range c.Dependencies() {
		deps[i] = copyChart(d)
	}
	// The copy's slice must be its own: SetDependencies starts a new one.
	cp.SetDependencies(deps...)
	return &cp
}

func copyMetadata(md *chart.Metadata) *chart.Metadata {
	cp := *md
	cp.Annotations = maps.Clone(md.Annotations)
	cp.Keywords = slices.Clone(md.Keywords)
	cp.Sources = slices.Clone(md.Sources)
	cp.Maintainers = nil
	for _, m := range md.Maintainers {
		m := *m
		cp.Maintainers = append(cp.Maintainers, &m)
	}
	if md.Dependencies != nil { // Helm tells none from nil
		cp.Dependencies = make([]*chart.Dependency, 0, len(md.Dependencies))
	}
	for _, d := range md.Dependencies {
		d := *d
		d.Tags = slices.Clone(d.Tags)
		d.ImportValues = slices.Clone(d.ImportValues)
		cp.Dependencies = append(cp.Dependencies, &d)
	}
	return &cp
}
