package local

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	yamldocs "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/fairlead-cd/fairlead/internal/git"
)

// fleetPaths are the folders of the fleet repository that are delivered.
var fleetPaths = []string{"namespaces", "releases"}

// firstEnvironments are those of the fleet's template, in the order a change goes through them.
var firstEnvironments = []string{"dev", "stg", "prod"}

// wanted is a release that the fleet repository asks for. After the first seed the repository is
// its user's, who may have renamed or removed what the template had.
type wanted struct {
	namespace, name string
	// instance is Helm's name of the release, target the namespace of its objects.
	instance, target string
}

func (w wanted) key() string { return w.namespace + "/" + w.name }

// wantedReleases reads the HelmReleases at the head of the fleet repository. What cannot be parsed
// is left out: the controller tells of it.
func wantedReleases(ctx context.Context, repo *git.Repo) ([]wanted, error) {
	byKey := map[string]wanted{}
	for _, dir := range fleetPaths {
		tree, err := repo.Object(ctx, "refs/heads/main:"+dir)
		if errors.Is(err, git.ErrMissing) {
			continue
		}
		if err == nil && tree.Type == "tree" {
			err = readReleases(ctx, repo, tree, byKey, 0)
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s of the fleet repository: %w", dir, err)
		}
	}
	all := make([]wanted, 0, len(byKey))
	for _, w := range byKey {
		all = append(all, w)
	}
	slices.SortFunc(all, func(a, b wanted) int {
		return cmp.Or(cmp.Compare(rank(a.namespace), rank(b.namespace)), cmp.Compare(a.key(), b.key()))
	})
	return all, nil
}

func rank(environment string) int {
	if i := slices.Index(firstEnvironments, environment); i >= 0 {
		return i
	}
	return len(firstEnvironments)
}

// Bounds of what is read: the repository is whatever someone pushed.
const (
	maxDepth    = 10
	maxManifest = 1 << 20
)

func readReleases(ctx context.Context, repo *git.Repo, tree git.Object, into map[string]wanted, depth int) error {
	entries, err := git.ParseTree(tree.Data, len(tree.ID)/2)
	if err != nil {
		return err
	}
	for _, e := range entries {
		ext := path.Ext(e.Name)
		isDir := e.Mode == git.ModeDir && depth < maxDepth
		isManifest := (e.Mode == git.ModeFile || e.Mode == git.ModeExec) && (ext == ".yaml" || ext == ".yml")
		if !isDir && !isManifest {
			continue
		}
		o, err := repo.Object(ctx, e.ID)
		switch {
		case err != nil:
			return err
		case isDir:
			if err := readReleases(ctx, repo, o, into, depth+1); err != nil {
				return err
			}
		case len(o.Data) <= maxManifest:
			for _, w := range parseReleases(o.Data) {
				into[w.key()] = w
			}
		}
	}
	return nil
}

// parseReleases finds the HelmReleases among the documents of a file.
func parseReleases(data []byte) []wanted {
	var out []wanted
	docs := yamldocs.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	for {
		doc, err := docs.Read()
		if err != nil {
			return out // the end, or nothing more that could be read
		}
		var u unstructured.Unstructured
		if yaml.Unmarshal(doc, &u.Object) != nil || u.GetKind() != "HelmRelease" || u.GetName() == "" ||
			!strings.HasPrefix(u.GetAPIVersion(), releaseResource.Group+"/") {
			continue
		}
		out = append(out, wantedOf(&u))
	}
}

func wantedOf(u *unstructured.Unstructured) wanted {
	w := wanted{namespace: cmp.Or(u.GetNamespace(), "default"), name: u.GetName()}
	w.instance, _, _ = unstructured.NestedString(u.Object, "spec", "releaseName")
	w.target, _, _ = unstructured.NestedString(u.Object, "spec", "targetNamespace")
	w.target = cmp.Or(w.target, w.namespace)
	if w.instance == "" && w.target != w.namespace {
		w.instance = w.namespace + "-" + w.target + "-" + w.name
	}
	w.instance = cmp.Or(w.instance, w.namespace+"-"+w.name)
	return w
}
