package open

import (
	"fmt"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Ask is a chart as a command line names it.
type Ask struct {
	Chart     string // a folder, an archive, oci://host/path/chart, or a name where Repo is set
	Repo      string // URL of a Helm repository
	Version   string // a version or a range; empty is the newest stable
	Auth      *model.Auth
	PlainHTTP bool // allows http to any host
}

// Remote reports whether the chart is not on this machine.
func (a Ask) Remote() bool { return a.Repo != "" || strings.HasPrefix(a.Chart, "oci://") }

// ref is the reference of a remote chart.
func (a Ask) ref() (model.Ref, error) {
	r := model.Ref{Version: strings.TrimSpace(a.Version), Auth: a.Auth}
	switch {
	case strings.HasPrefix(a.Chart, "oci://") && a.Repo != "":
		return r, invalid("--repo does not go with %s, which is an address by itself", a.Chart)
	case strings.HasPrefix(a.Chart, "oci://"):
		r.Kind, r.URL = model.SourceOCI, strings.TrimSuffix(a.Chart, "/")
		// A tag in the address, as in an image's name.
		if i := strings.LastIndexByte(r.URL, ':'); i > strings.LastIndexByte(r.URL, '/') {
			tag := r.URL[i+1:]
			if r.Version != "" && r.Version != tag {
				return r, invalid("%s names a version, and --version %s another", a.Chart, r.Version)
			}
			r.URL, r.Version = r.URL[:i], strings.ReplaceAll(tag, "_", "+")
		}
	case strings.HasPrefix(a.Repo, "oci://"):
		r.Kind, r.URL = model.SourceOCI, strings.TrimSuffix(a.Repo, "/")+"/"+a.Chart
	case strings.HasPrefix(a.Repo, "https://"), strings.HasPrefix(a.Repo, "http://"):
		r.Kind, r.URL, r.Chart = model.SourceHelm, a.Repo, a.Chart
	default:
		return r, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidURL", Msg: fmt.Sprintf("%q is no Helm repository's URL", a.Repo), Next: "write --repo https://host/path"}
	}
	return r, nil
}

func invalid(format string, args ...any) error {
	return &model.Error{Kind: model.ErrInvalid, Reason: "InvalidChart", Msg: fmt.Sprintf(format, args...)}
}
