package local

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/internal/git"
	"github.com/fairlead-cd/fairlead/internal/testkit"
)

func helmRelease(namespace, name, spec string) git.File {
	return git.File{Data: []byte("apiVersion: helm.fluxcd.io/v1\nkind: HelmRelease\nmetadata:\n  name: " + name +
		"\n  namespace: " + namespace + "\nspec: " + spec + "\n")}
}

// TestWantedReleases reads repositories as their users may have left them.
func TestWantedReleases(t *testing.T) {
	for name, tc := range map[string]struct {
		files map[string]git.File
		want  []wanted
	}{
		"the template's order": {
			map[string]git.File{
				"releases/prod/a.yaml": helmRelease("prod", "a", "{}"), "releases/qa/a.yaml": helmRelease("qa", "a", "{}"),
				"releases/dev/a.yaml": helmRelease("dev", "a", "{releaseName: web}"),
			},
			[]wanted{
				{"dev", "a", "web", "dev"}, {"prod", "a", "prod-a", "prod"}, {"qa", "a", "qa-a", "qa"},
			},
		},
		"another namespace": {
			map[string]git.File{"releases/a.yml": helmRelease("adm", "a", "{targetNamespace: shop}")},
			[]wanted{{"adm", "a", "adm-shop-a", "shop"}},
		},
		"what is no release, or no YAML": {
			map[string]git.File{
				"releases/broken.yaml": {Data: []byte("kind: [HelmRelease\n")},
				"releases/map.yaml":    {Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")},
				"releases/a.txt":       helmRelease("dev", "a", "{}"),
				"elsewhere/a.yaml":     helmRelease("dev", "a", "{}"),
			},
			[]wanted{},
		},
		"all removed": {map[string]git.File{"README.md": {Data: []byte("empty\n")}}, []wanted{}},
	} {
		t.Run(name, func(t *testing.T) {
			server, err := testkit.NewGitServer(testkit.GitOptions{Root: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			repo, err := server.Create(t.Context(), fleetName)
			if err != nil {
				t.Fatal(err)
			}
			defer repo.Close()
			if _, err := repo.Commit(t.Context(), git.Commit{
				Branch: "main", Files: tc.files, Message: "Change the fleet",
				Author: git.Signature{Name: "Test", Email: "test@localhost", When: time.Unix(0, 0)},
			}); err != nil {
				t.Fatal(err)
			}
			got, err := wantedReleases(t.Context(), repo)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(wanted{})); diff != "" {
				t.Errorf("releases (-want +got):\n%s", diff)
			}
		})
	}
}
