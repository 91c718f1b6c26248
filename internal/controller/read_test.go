package controller

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	argo "github.com/fairlead-cd/fairlead/api/argoproj/v1alpha1"
	hr "github.com/fairlead-cd/fairlead/api/helmfluxcd/v1"
	"github.com/fairlead-cd/fairlead/internal/model"
)

func reader(objects map[string]string) *Reconciler {
	return &Reconciler{config: Config{DefaultGitRef: "master"}, named: &named{client: &shelf{objects: objects}}}
}

func TestReadHelmRelease(t *testing.T) {
	objects := map[string]string{
		"ConfigMap/dev/cm":    `{"data":{"values.yaml":"from: cm"}}`,
		"Secret/shared/sec":   `{"data":{"v":"ZnJvbTogc2Vj"}}`,
		"Secret/dev/old":      `{"data":{"values.yaml":"ZnJvbTogb2xk"}}`,
		"Secret/dev/git-auth": `{"data":{"username":"dQ=="}}`,
	}
	for _, c := range []struct {
		name, spec string
		check      func(*testing.T, model.Release)
		fails      string
	}{
		{"git", `{chart: {git: "https://g/c", path: charts/web, ref: v1}, timeout: 30, maxHistory: 3, rollback: {enable: true}}`, func(t *testing.T, r model.Release) {
			want := model.Ref{Kind: model.SourceGit, URL: "https://g/c", Path: "charts/web", Git: model.GitRef{Name: "v1"}}
			if diff := cmp.Diff(want, r.Source); diff != "" || r.Timeout != 30*time.Second || r.MaxHistory != 3 || !r.Policy.Rollback || r.Name != "dev-web" || r.Namespace != "dev" {
				t.Errorf("%+v\n%s", r, diff)
			}
		}, ""},
		{"default ref and a name for a target", `{chart: {git: u, path: p}, targetNamespace: shop}`, func(t *testing.T, r model.Release) {
			if r.Source.Git.Name != "master" || r.Name != "dev-shop-web" || r.Namespace != "shop" {
				t.Errorf("%+v", r)
			}
		}, ""},
		{"target that is its own namespace", `{chart: {git: u, path: p}, targetNamespace: dev}`, func(t *testing.T, r model.Release) {
			if r.Name != "dev-web" {
				t.Errorf("named %q", r.Name)
			}
		}, ""},
		{"given name", `{chart: {git: u, path: p}, releaseName: api, targetNamespace: shop}`, func(t *testing.T, r model.Release) {
			if r.Name != "api" || r.Namespace != "shop" {
				t.Errorf("%+v", r)
			}
		}, ""},
		{"credential", `{chart: {git: u, path: p, secretRef: {name: git-auth}}}`, func(t *testing.T, r model.Release) {
			if r.Source.Auth == nil || r.Source.Auth.Username != "u" {
				t.Error("the credential was not read")
			}
		}, ""},
		{"repository", `{chart: {repository: "https://r/", name: web, version: 1.x}}`, func(t *testing.T, r model.Release) {
			if diff := cmp.Diff(model.Ref{Kind: model.SourceHelm, URL: "https://r/", Chart: "web", Version: "1.x"}, r.Source); diff != "" {
				t.Error(diff)
			}
		}, ""},
		{"registry", `{chart: {repository: "oci://r/charts", name: web, version: 1.0.0}}`, func(t *testing.T, r model.Release) {
			if r.Source.Kind != model.SourceOCI {
				t.Errorf("%+v", r.Source)
			}
		}, ""},
		{"values in order", `{chart: {git: u, path: p}, valueFileSecrets: [{name: old}], values: {from: spec},
			valuesFrom: [{secretKeyRef: {name: sec, namespace: shared, key: v}}, {chartFileRef: {path: prod.yaml, optional: true}}, {configMapKeyRef: {name: cm}}, {configMapKeyRef: {name: gone, optional: true}}]}`, func(t *testing.T, r model.Release) {
			var got []string
			for _, l := range r.Values {
				text := string(l.YAML) + l.File
				if l.Sensitive {
					text += " (secret)"
				}
				got = append(got, text)
			}
			want := []string{"from: old (secret)", "from: sec (secret)", "prod.yaml", "from: cm", `{"from":"spec"}`}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		}, ""},
		{"values beside the chart", `{chart: {git: u, path: charts/web}, valuesFrom: [{chartFileRef: {path: dev.yaml}}, {chartFileRef: {path: ../../env/dev.yaml}}]}`, func(t *testing.T, r model.Release) {
			if diff := cmp.Diff([]string{"env/dev.yaml"}, r.Source.Files); diff != "" {
				t.Error(diff)
			}
		}, ""},
		{"no chart", `{}`, nil, "spec.chart names no chart"},
		{"two charts", `{chart: {git: u, path: p, repository: r}}`, nil, "both git and repository"},
		{"no path", `{chart: {git: u}}`, nil, "spec.chart.path"},
		{"no name", `{chart: {repository: r}}`, nil, "spec.chart.name"},
		{"values missing", `{chart: {git: u, path: p}, valuesFrom: [{secretKeyRef: {name: gone}}]}`, nil, "Secret/gone: does not exist"},
		{"key missing", `{chart: {git: u, path: p}, valuesFrom: [{configMapKeyRef: {name: cm, key: x}}]}`, nil, `ConfigMap/cm: has no key "x"`},
		{"external values", `{chart: {git: u, path: p}, valuesFrom: [{externalSourceRef: {url: "https://x"}}]}`, nil, "spec.valuesFrom[0].externalSourceRef"},
		{"credential missing", `{chart: {git: u, path: p, secretRef: {name: gone}}}`, nil, "Secret/gone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			obj := &hr.HelmRelease{}
			obj.Namespace, obj.Name = "dev", "web"
			if err := yaml.Unmarshal([]byte(strings.ReplaceAll(c.spec, "\t", " ")), &obj.Spec); err != nil {
				t.Fatal(err)
			}
			rel, err := reader(objects).helmRelease(t.Context(), releaseID("web"), obj)
			expect(t, err, c.fails)
			if c.check != nil {
				c.check(t, rel)
			}
			if (releaseName{rel.Namespace, rel.Name}) != placeOf(obj) {
				t.Errorf("it is read as %s/%s and looked for as %v", rel.Namespace, rel.Name, placeOf(obj))
			}
		})
	}
}

func expect(t *testing.T, err error, says string) {
	t.Helper()
	switch {
	case says == "" && err != nil:
		t.Fatal(err)
	case says != "" && (err == nil || !strings.Contains(err.Error(), says)):
		t.Errorf("got %v, want it to say %q", err, says)
	}
}

func TestReadApplication(t *testing.T) {
	for _, c := range []struct {
		name, spec string
		check      func(*testing.T, model.Release)
		fails      string
	}{
		{"by hand", `{source: {repoURL: u, path: p}}`, func(t *testing.T, r model.Release) {
			if r.Policy != (model.Policy{}) || r.Namespace != "default" || r.Name != "web" || !r.TopLevel || r.Source.Git != (model.GitRef{}) {
				t.Errorf("%+v", r)
			}
		}, ""},
		{"automated", `{source: {repoURL: u, path: p, targetRevision: main, directory: {recurse: true}}, destination: {namespace: shop, server: "https://kubernetes.default.svc"}, syncPolicy: {automated: {prune: true, selfHeal: true}, syncOptions: [CreateNamespace=true]}}`, func(t *testing.T, r model.Release) {
			if r.Policy != (model.Policy{Automated: true, SelfHeal: true, Prune: true}) || r.Namespace != "shop" || !r.CreateNamespace || r.TopLevel || r.Source.Git.Name != "main" {
				t.Errorf("%+v", r)
			}
		}, ""},
		{"automation switched off", `{source: {repoURL: u, path: p}, syncPolicy: {automated: {enabled: false}}}`, func(t *testing.T, r model.Release) {
			if r.Policy.Automated {
				t.Error("automated all the same")
			}
		}, ""},
		{"HEAD", `{source: {repoURL: u, path: p, targetRevision: HEAD}}`, func(t *testing.T, r model.Release) {
			if r.Source.Git != (model.GitRef{}) {
				t.Errorf("%+v", r.Source.Git)
			}
		}, ""},
		{"range of tags", `{source: {repoURL: u, path: p, targetRevision: "1.2.*"}}`, func(t *testing.T, r model.Release) {
			if r.Source.Git.SemVer != "1.2.*" || r.Source.Git.Name != "" {
				t.Errorf("%+v", r.Source.Git)
			}
		}, ""},
		{"chart in a repository", `{source: {repoURL: "https://r", chart: web, targetRevision: 1.0.0, helm: {releaseName: api}}}`, func(t *testing.T, r model.Release) {
			if r.Source.Kind != model.SourceHelm || r.Source.Version != "1.0.0" || r.Name != "api" {
				t.Errorf("%+v", r)
			}
		}, ""},
		{"chart in a registry", `{source: {repoURL: r.example.com/charts, chart: web, targetRevision: 1.0.0}}`, func(t *testing.T, r model.Release) {
			if r.Source.Kind != model.SourceOCI || r.Source.URL != "oci://r.example.com/charts" {
				t.Errorf("%+v", r.Source)
			}
		}, ""},
		{"values", `{source: {repoURL: u, path: charts/web, helm: {valueFiles: [v.yaml, ../../env/dev.yaml], values: "a: 1", parameters: [{name: tag, value: "1", forceString: true}]}}}`, func(t *testing.T, r model.Release) {
			if len(r.Values) != 4 || r.Values[2].Origin != "spec.source.helm.values" || r.Values[3].Set == nil || !r.Values[3].Set.ForceString {
				t.Errorf("%+v", r.Values)
			}
			if diff := cmp.Diff([]string{"env/dev.yaml"}, r.Source.Files); diff != "" {
				t.Error(diff)
			}
		}, ""},
		{"no source", `{}`, nil, "spec.source is missing"},
		{"two sources", `{sources: [{repoURL: u}, {repoURL: v}]}`, nil, "spec.sources"},
		{"no repository", `{source: {path: p}}`, nil, "spec.source.repoURL"},
		{"no path", `{source: {repoURL: u}}`, nil, "spec.source.path"},
		{"another cluster", `{source: {repoURL: u, path: p}, destination: {server: "https://10.0.0.1"}}`, nil, "spec.destination.server"},
		{"another cluster by name", `{source: {repoURL: u, path: p}, destination: {name: prod}}`, nil, "spec.destination.name"},
		{"another project", `{project: team, source: {repoURL: u, path: p}}`, nil, "spec.project"},
	} {
		t.Run(c.name, func(t *testing.T) {
			app := &argo.Application{}
			app.Namespace, app.Name = "argocd", "web"
			if err := yaml.Unmarshal([]byte(c.spec), &app.Spec); err != nil {
				t.Fatal(err)
			}
			rel, err := reader(nil).application(t.Context(), model.ReleaseID{Kind: model.KindApplication, Namespace: "argocd", Name: "web"}, app)
			expect(t, err, c.fails)
			if c.check != nil {
				c.check(t, rel)
			}
		})
	}
}

func TestApplicationKeepsItsRecord(t *testing.T) {
	rec := model.Record{
		Revision: 3, Status: model.RecordFailed, Inputs: "in", Owner: "Application/argocd/web", Partial: true, HoldBy: "me", HoldTime: "t",
		Inventory: model.Inventory{{Key: model.ObjectKey{Kind: "ConfigMap", Namespace: "dev", Name: "a"}, Version: "v1", Digest: "d", Fields: "f"}},
	}
	app := &argo.Application{}
	app.Annotations = map[string]string{}
	must(t, keepRecord(app.Annotations, &rec))
	app.Status.History = []argo.RevisionHistory{{ID: 0, Revision: "aaa"}, {ID: 2, Revision: "of the newest"}}
	got, err := applicationHistory(app)
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	if diff := cmp.Diff(rec, got[1]); diff != "" || got[0].Revision != 1 || got[0].Source.Commit != "aaa" {
		t.Errorf("%+v\n%s", got, diff)
	}
	app.Annotations[model.AnnotationInventory] = "gz:broken"
	if _, err := applicationHistory(app); err == nil {
		t.Error("an inventory that cannot be read is taken for none")
	}
}

func TestAsked(t *testing.T) {
	at := func(sync, resume string) map[string]string {
		return map[string]string{model.AnnotationSync: sync, model.AnnotationResume: resume}
	}
	for _, c := range []struct {
		name        string
		annotations map[string]string
		handled     string
		want        Sync
		token       string
	}{
		{"nothing", nil, "", Sync{}, ""},
		{"nothing any more", nil, "1/", Sync{}, "1/"},
		{"sync", at("1", ""), "", Sync{Requested: true}, "1/"},
		{"handled", at("1", ""), "1/", Sync{}, "1/"},
		{"sync again", at("2", ""), "1/", Sync{Requested: true}, "2/"},
		{"resume", at("", "1"), "", Sync{Requested: true, Resume: true}, "/1"},
		{"sync after a resume", at("2", "1"), "/1", Sync{Requested: true}, "2/1"},
		{"resume again", at("2", "3"), "2/1", Sync{Requested: true, Resume: true}, "2/3"},
		{"resume that ends like the one before", at("", "1"), "/21", Sync{Requested: true, Resume: true}, "/1"},
	} {
		if got, token := asked(c.annotations, c.handled); got != c.want || token != c.token {
			t.Errorf("%s: %+v, %q; want %+v, %q", c.name, got, token, c.want, c.token)
		}
	}
}

func TestHold(t *testing.T) {
	for text, ok := range map[string]bool{
		"": true, `{"revision":2,"by":"me","time":"t"}`: true, `{"revision":0}`: false, `{}`: false, `[]`: false, `two`: false,
	} {
		a := ask{Err: nil}
		a.holdFrom(map[string]string{model.AnnotationHold: text})
		if (a.Err == nil) != ok || (a.Release.Hold != nil) != (ok && text != "") {
			t.Errorf("%q gives %+v, %v", text, a.Release.Hold, a.Err)
		}
	}
	a := ask{Err: invalidSpec("spec.values", "is missing", "")}
	a.holdFrom(map[string]string{model.AnnotationHold: `{"revision":2}`})
	if a.Release.Hold == nil {
		t.Error("a request that is wrong otherwise cannot be rolled back")
	}
}

func TestClaimed(t *testing.T) {
	id := releaseID("web")
	other := model.Record{Revision: 1, Owner: releaseID("other").String()}
	foreign := model.Record{Revision: 2}
	for name, c := range map[string]struct {
		history []model.Record
		refused bool
	}{
		"no history":                         {nil, false},
		"made by helm":                       {[]model.Record{foreign}, false},
		"its own":                            {[]model.Record{{Owner: id.String()}}, false},
		"another's":                          {[]model.Record{other}, true},
		"another's, rolled back with helm":   {[]model.Record{other, foreign}, true},
		"its own, after it was another's":    {[]model.Record{other, {Revision: 3, Owner: id.String()}}, false},
		"of something that makes no records": {[]model.Record{{Owner: "Application/argocd/x"}}, false},
	} {
		if err := claimed(id, c.history); (err != nil) != c.refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRootState(t *testing.T) {
	id := model.ReleaseID{Kind: model.KindRoot, Name: "fleet"}
	want := rootState{
		status: RootStatus{URL: "u", Paths: []string{"."}, Status: "Healthy", Revision: 2, Objects: 1},
		record: &model.Record{Revision: 2, Inputs: "in", Inventory: model.Inventory{{Key: model.ObjectKey{Kind: "Namespace", Name: "dev"}, Version: "v1", Digest: "d", Fields: "f"}}},
	}
	raw, err := encodeRoot("fairlead-system", id, want)
	must(t, err)
	got, err := decodeRoot(raw)
	must(t, err)
	if diff := cmp.Diff(want.status, got.status); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want.record, got.record); diff != "" {
		t.Error(diff)
	}
	if !sameRoot(want, got) {
		t.Error("what was read back differs from what was written")
	}
	for _, key := range []string{rootRecord, rootInventory, rootStatus} {
		var cm map[string]any
		must(t, json.Unmarshal(raw, &cm))
		cm["data"].(map[string]any)[key] = "{broken"
		bad, err := json.Marshal(cm)
		must(t, err)
		if _, err := decodeRoot(bad); err == nil {
			t.Errorf("broken %s is taken for nothing", key)
		}
	}
	if empty, err := decodeRoot([]byte(`{}`)); err != nil || empty.record != nil {
		t.Errorf("a root that never ran gives %+v, %v", empty, err)
	}
}
