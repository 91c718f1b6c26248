package lint

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/pattern"
)

const maxManifests = 50 // of one folder

var (
	topPod   = pattern.New(`(?m)^kind:\s*"?Pod"?\s*$`)
	topImage = pattern.New(`(?m)^\s*-?\s*image:\s*["']?[^\s"'#$]+:latest["']?\s*$`)
)

// inManifests finds what is wrong in the files of the repository that a job applies: a bare Pod, or an
// image named latest. A file that cannot be read, or whose name only the run knows, is left out: the
// pipeline is what is looked at here, fairlead chart test looks at manifests.
func inManifests(what *pattern.Regexp, msg string) func(*pipeline, *repository) []hit {
	return func(p *pipeline, r *repository) []hit {
		var out []hit
		for _, j := range p.jobs {
			for _, c := range j.releases() {
				if !writesManifest(c) {
					continue
				}
				for _, name := range r.manifests(c) {
					data, err := readBounded(r.root, name)
					if err != nil {
						continue
					}
					if loc := what.FindIndex(data); loc != nil {
						line := strings.Count(string(data[:loc[0]]), "\n") + 1
						out = append(out, hit{at: c.at, job: j, msg: fmt.Sprintf("%s:%d: %s", name, line, msg)})
						break
					}
				}
			}
		}
		return out
	}
}

// manifests are the files that a command applies: those after -f, and those of folders.
func (r *repository) manifests(c *command) []string {
	var out []string
	for i, w := range c.expanded {
		name, ok := strings.CutPrefix(w, "--filename=")
		if (w == "-f" || w == "--filename") && i+1 < len(c.expanded) {
			name, ok = c.expanded[i+1], true
		}
		if !ok || name == "-" || strings.Contains(name, "$") || strings.Contains(name, "://") {
			continue
		}
		name = path.Clean(name)
		st, err := fs.Stat(r.root, name)
		switch {
		case !fs.ValidPath(name) || err != nil:
		case st.IsDir():
			for _, pattern := range []string{"*.yaml", "*.yml", "*.json"} {
				if names, err := fs.Glob(r.root, path.Join(name, pattern)); err == nil {
					out = append(out, names...)
				}
			}
		default:
			out = append(out, name)
		}
	}
	return out[:min(len(out), maxManifests)]
}
