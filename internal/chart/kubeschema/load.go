package kubeschema

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/fairlead-cd/fairlead/internal/model"
)

//go:embed data/*.json.gz data/lifecycle.json
var files embed.FS

// Kind is a kind that objects can have.
type Kind struct {
	APIVersion string
	Name       string
	Namespaced bool
	Custom     bool // a CustomResourceDefinition makes it
	typ        *typ
}

// Schemas are the kinds of one release of Kubernetes.
type Schemas struct {
	version string // "1.36.3"
	minor   int
	kinds   map[string]*Kind // by "apps/v1/Deployment"
}

// minors are the minor versions of Kubernetes 1 that are known, oldest first.
var minors = sync.OnceValue(func() []int {
	entries, err := files.ReadDir("data")
	if err != nil {
		return nil // the pattern of the embed directive has matched
	}
	var all []int
	for _, e := range entries {
		if n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(e.Name(), "v1."), ".json.gz")); err == nil {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	return all
})

// Versions are the known versions, oldest first: "1.33".
func Versions() []string {
	var all []string
	for _, m := range minors() {
		all = append(all, "1."+strconv.Itoa(m))
	}
	return all
}

// Newest is the newest known version: "1.36".
func Newest() string {
	all := Versions()
	return all[len(all)-1]
}

// loaded keeps what was read once.
var loaded sync.Map // of minor to func() (*Schemas, error)

// For gives the kinds of a version: "1.36", "v1.36", "1.36.3". A version that is not known is an
// Invalid error that names those that are.
func For(version string) (*Schemas, error) {
	minor, err := minorOf(version)
	if err != nil || !slices.Contains(minors(), minor) {
		return nil, &model.Error{
			Kind: model.ErrInvalid, Reason: "UnknownKubeVersion",
			Msg:  fmt.Sprintf("the kinds of Kubernetes %q are not known here", version),
			Next: "use one of " + strings.Join(Versions(), ", "),
		}
	}
	once, _ := loaded.LoadOrStore(minor, sync.OnceValues(func() (*Schemas, error) { return read(minor) }))
	return once.(func() (*Schemas, error))()
}

func minorOf(version string) (int, error) {
	parts := strings.Split(strings.TrimPrefix(version, "v"), ".")
	if len(parts) < 2 || len(parts) > 3 || parts[0] != "1" {
		return 0, fmt.Errorf("parsing version %q: want 1.MINOR", version)
	}
	digits := strings.TrimRight(parts[1], "+") // some providers' own
	return strconv.Atoi(digits)
}

// document is the form of the files; gen writes it.
type document struct {
	Version string `json:"version"`
	Kinds   map[string]struct {
		Type       string `json:"t"`
		Namespaced bool   `json:"n"`
	} `json:"kinds"`
	Types map[string]struct {
		Fields   map[string]string `json:"f"`
		Required []string          `json:"r"`
		Scalar   string            `json:"s"`
	} `json:"types"`
}

func read(minor int) (*Schemas, error) {
	name := path.Join("data", "v1."+strconv.Itoa(minor)+".json.gz")
	packed, err := files.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the kinds of Kubernetes 1.%d: %w", minor, err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return d.schemas(minor)
}

func (d *document) schemas(minor int) (*Schemas, error) {
	types := make(map[string]*typ, len(d.Types))
	for name, t := range d.Types {
		types[name] = &typ{shape: shapeFields, required: t.Required}
		if t.Scalar != "" {
			types[name].shape = shape(t.Scalar[0])
		}
	}
	for name, t := range d.Types {
		if t.Scalar != "" {
			continue
		}
		fields := make(map[string]*typ, len(t.Fields))
		for field, text := range t.Fields {
			f, err := notation(text, types)
			if err != nil {
				return nil, fmt.Errorf("reading %s.%s: %w", name, field, err)
			}
			fields[field] = f
		}
		types[name].fields = fields
	}
	s := &Schemas{version: d.Version, minor: minor, kinds: make(map[string]*Kind, len(d.Kinds))}
	for id, k := range d.Kinds {
		t, ok := types[k.Type]
		if !ok {
			return nil, fmt.Errorf("reading kind %s: there is no type %q", id, k.Type)
		}
		s.kinds[id] = &Kind{APIVersion: path.Dir(id), Name: path.Base(id), Namespaced: k.Namespaced, typ: t}
	}
	return s, nil
}

// Version is the release the kinds were read from: "1.36.3".
func (s *Schemas) Version() string { return s.version }

// Kind finds a kind.
func (s *Schemas) Kind(apiVersion, kind string) (*Kind, bool) {
	k, ok := s.kinds[apiVersion+"/"+kind]
	return k, ok
}

// Own reports whether a group is Kubernetes' own, so that a kind of it which is not known here does
// not exist: a CustomResourceDefinition cannot make it.
func (s *Schemas) Own(apiVersion string) bool {
	group := groupOf(apiVersion)
	if group == "" {
		return true
	}
	for id, k := range s.kinds {
		if !k.Custom && groupOf(path.Dir(id)) == group {
			return true
		}
	}
	return removedGroup(group)
}

// Misspelt is the custom kind of the same group that one which nobody defines may have meant, as in
// "example.com/v1 Thing"; "" when there is none. The rest of the group may be defined elsewhere.
func (s *Schemas) Misspelt(apiVersion, kind string) string {
	return s.like(apiVersion, kind,
		func(k *Kind) bool { return k.Custom && groupOf(k.APIVersion) == groupOf(apiVersion) },
		func(*Kind) bool { return true })
}

// like is the first kind of the same name that will do, or of nearly the same name in the same version,
// of those that are meant.
func (s *Schemas) like(apiVersion, kind string, meant, willDo func(*Kind) bool) string {
	var names []string
	for _, id := range slices.Sorted(maps.Keys(s.kinds)) {
		k := s.kinds[id]
		if !meant(k) {
			continue
		}
		if k.Name == kind && willDo(k) {
			return k.APIVersion + " " + k.Name
		}
		if k.APIVersion == apiVersion {
			names = append(names, k.Name)
		}
	}
	if n := Nearest(kind, names); n != "" {
		return apiVersion + " " + n
	}
	return ""
}

func groupOf(apiVersion string) string {
	group, _, ok := strings.Cut(apiVersion, "/")
	if !ok {
		return ""
	}
	return group
}

// Near is the kind of the same name in another version, or of nearly the same name in the same one,
// as "apps/v1 Deployment"; "" when there is none.
func (s *Schemas) Near(apiVersion, kind string) string {
	return s.like(apiVersion, kind,
		func(*Kind) bool { return true },
		func(k *Kind) bool { return stable(k.APIVersion) })
}

// APIVersions are what a cluster of this version serves by itself, as templates ask for it: group
// versions and "group version/kind". Alpha and new beta APIs are off by default (KEP-3136); those of
// definitions are served whatever they are called.
func (s *Schemas) APIVersions() []string {
	set := map[string]bool{}
	for id, k := range s.kinds {
		if k.Custom || stable(k.APIVersion) {
			set[k.APIVersion], set[id] = true, true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// Served reports whether a cluster serves a version without having been told to.
func Served(apiVersion string) bool { return stable(apiVersion) }

func stable(apiVersion string) bool {
	v := path.Base(apiVersion)
	return !strings.Contains(v, "alpha") && !strings.Contains(v, "beta")
}
