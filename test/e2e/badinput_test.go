package e2e

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// badInput is one way to get it wrong, on a release that runs.
type badInput struct {
	name string
	// break gets the release's name, which is the chart's too, and makes it wrong; fix makes it right.
	spoil, fix func(s *story, name string)
	condition  string // that tells; Released when empty
	says       []string
}

// charts is the repository of the charts that get spoiled.
const badCharts = "bad/charts"

// TestBadInput spoils running releases in every way there is to. Each must say what is wrong and
// where, go on running as it was, leave others alone, and recover once it is made right.
func TestBadInput(t *testing.T) {
	s := tell(t, "bad")
	s.commit(badCharts, "main", s.chart("web", "bystander"))
	s.kubectl(s.helmRelease("bystander", badCharts, "bystander", "{}"))
	s.released(s.ns, "bystander")
	t.Run("cases", func(t *testing.T) {
		for _, c := range badInputs {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				s.part(t).spoil(c)
			})
		}
		t.Run("others go on", func(t *testing.T) {
			t.Parallel()
			s := s.part(t)
			s.edit("bystander", "values.yaml", "message: hello", "message: still here")
			// Commits of the others come with this one: which of them brings it is anyone's guess.
			s.wantMessage("bystander", "still here")
			s.released(s.ns, "bystander")
		})
	})
}

func (s *story) spoil(c badInput) {
	name := strings.ReplaceAll(strings.ToLower(c.name), " ", "-")
	s.commit(badCharts, "main", s.chart("web", name))
	s.kubectl(s.helmRelease(name, badCharts, name, "{}"))
	s.released(s.ns, name)
	before := s.get(deployments, s.ns, name)

	c.spoil(s, name)
	kind := c.condition
	if kind == "" {
		kind = "Released"
	}
	status := "False"
	if kind == "Unsupported" {
		status = "True"
	}
	r := s.told(s.ns, name, kind, status, c.says...)
	s.Logf("%s: %s", condition(r, kind).Reason, condition(r, kind).Message)
	a := s.fairlead("status", name, "-n", s.ns)
	s.want(a, map[bool]int{true: 1, false: 0}[status == "False"], c.says...)
	after := s.get(deployments, s.ns, name)
	if before.GetUID() != after.GetUID() || before.GetGeneration() != after.GetGeneration() {
		s.Errorf("the running Deployment was changed: generation %d, then %d", before.GetGeneration(), after.GetGeneration())
	}

	c.fix(s, name)
	within(s.T, patient, name+" recovers", func() error {
		r, err := s.release(s.ns, name)
		if err != nil {
			return err
		}
		if r.Status.ObservedGeneration != r.Generation || condition(r, "Released").Status != "True" || condition(r, "Ready").Status != "True" || condition(r, "Unsupported").Status == "True" {
			return fmt.Errorf("%s", dump(r.Status))
		}
		return nil
	})
	s.want(s.fairlead("status", name, "-n", s.ns), 0)
}

// edit replaces text in a file of a spoiled chart and commits that.
func (s *story) edit(chart, file, from, to string) string {
	s.Helper()
	p := "charts/" + chart + "/" + file
	text := s.chart("web", chart)[p]
	if !strings.Contains(text, from) {
		s.Fatalf("%s does not hold %q", p, from)
	}
	return s.commit(badCharts, "main", map[string]string{p: strings.Replace(text, from, to, 1)})
}

// restore makes a chart what it was, but for a mark that shows that it was released again.
func restore(s *story, name string) {
	s.commit(badCharts, "main", s.chart("web", name), "charts/"+name)
}

// respec restores the HelmRelease.
func respec(s *story, name string) {
	s.put(s.helmRelease(name, badCharts, name, "{}"))
}

// put replaces a HelmRelease, dropping fields that are not given.
func (s *story) put(text string) {
	s.Helper()
	s.kubectl(text)
}

func editing(file, from, to string) func(*story, string) {
	return func(s *story, name string) { s.edit(name, file, from, to) }
}

// specifying patches the HelmRelease.
func specifying(patch string) func(*story, string) {
	return func(s *story, name string) {
		s.patch(helmReleases, s.ns, name, strings.ReplaceAll(patch, "NAME", name))
	}
}

var badInputs = []badInput{
	{name: "broken chart", spoil: editing("Chart.yaml", "version: 1.0.0", "version: [1.0"), fix: restore, says: []string{"Chart.yaml"}},
	{name: "chart without a version", spoil: editing("Chart.yaml", "version: 1.0.0", ""), fix: restore, says: []string{"Chart.yaml", "version"}},
	{
		name:  "template error",
		spoil: editing("templates/configmap.yaml", "{{ .Values.message | quote }}", "{{ .Values.nothing.there | quote }}"), fix: restore,
		says: []string{"templates/configmap.yaml:6", "nil pointer"},
	},
	{
		name:  "template syntax",
		spoil: editing("templates/configmap.yaml", "{{ .Values.message | quote }}", "{{ .Values.message | qoute }}"), fix: restore,
		says: []string{"templates/configmap.yaml:6", `"qoute" not defined`},
	},
	{
		name:  "rendered yaml",
		spoil: editing("templates/configmap.yaml", "data:", "data: : :"), fix: restore,
		says: []string{"templates/configmap.yaml"},
	},
	{
		name: "schema violation",
		spoil: func(s *story, name string) {
			s.commit(badCharts, "main", map[string]string{"charts/" + name + "/values.schema.json": `{"properties":{"replicas":{"type":"integer","maximum":0}}}`})
		},
		fix: restore, says: []string{"replicas", "maximum"},
	},
	{
		name:  "values of the wrong type",
		spoil: specifying(`{"spec":{"values":{"service":"eighty"}}}`), fix: unset("service"),
		says: []string{"templates/", "can't evaluate field port"},
	},
	{
		name:  "value of the wrong type",
		spoil: specifying(`{"spec":{"values":{"replicas":"many"}}}`), fix: unset("replicas"),
		says: []string{"replicas", "Deployment"},
	},
	{
		name: "values that are no map",
		spoil: func(s *story, name string) {
			s.kubectl(fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: values-%s, namespace: %s}\ndata: {values.yaml: just words}", name, s.ns))
			specifying(`{"spec":{"valuesFrom":[{"configMapKeyRef":{"name":"values-NAME"}}]}}`)(s, name)
		},
		fix: func(s *story, name string) {
			s.kubectl(fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: values-%s, namespace: %s}\ndata: {values.yaml: \"message: hi\"}", name, s.ns))
		},
		says: []string{"ConfigMap", "values.yaml"},
	},
	{
		name:  "values Secret missing",
		spoil: specifying(`{"spec":{"valuesFrom":[{"secretKeyRef":{"name":"values-NAME","key":"v"}}]}}`),
		fix: func(s *story, name string) {
			s.kubectl(fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: values-%s, namespace: %s}\nstringData: {v: \"message: hi\"}", name, s.ns))
		},
		says: []string{"values-values-secret-missing", "does not exist"},
	},
	{
		name:  "unknown ref",
		spoil: specifying(`{"spec":{"chart":{"ref":"v9.9"}}}`),
		fix: func(s *story, _ string) {
			r, err := s.git.Create(s.Context(), badCharts)
			if err != nil {
				s.Fatal(err)
			}
			head, err := r.Head(s.Context(), "refs/heads/main")
			if err != nil {
				s.Fatal(err)
			}
			if err := r.Tag(s.Context(), "v9.9", head); err != nil {
				s.Fatal(err)
			}
			s.push(s.gitURL, badCharts, "main", head)
		},
		says: []string{`"v9.9"`},
	},
	{
		name: "wrong credential",
		spoil: func(s *story, name string) {
			s.quietCommit(s.closed, "private", "main", s.chart("web", name))
			s.kubectl(fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: git, namespace: %s}\nstringData: {username: %s, password: wrong-horse}", s.ns, gitUser))
			specifying(`{"spec":{"chart":{"git":"`+s.closedURL+`/private.git","secretRef":{"name":"git"}}}}`)(s, name)
		},
		fix: func(s *story, _ string) {
			s.kubectl(fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: git, namespace: %s}\nstringData: {username: %s, password: %s}", s.ns, gitUser, gitPassword))
		},
		says: []string{"private.git"},
	},
	{
		name:  "unreachable host",
		spoil: specifying(`{"spec":{"chart":{"git":"http://127.0.0.1:1/charts.git"}}}`), fix: respec,
		says: []string{"127.0.0.1:1"}, condition: "ChartFetched",
	},
	{
		name:  "unknown field of the request",
		spoil: specifying(`{"spec":{"chart":{"branch":"main"}, "frobnicate":true}}`),
		fix:   specifying(`{"spec":{"chart":{"branch":null}, "frobnicate":null}}`),
		says:  []string{"spec.chart.branch", "spec.frobnicate"}, condition: "Unsupported",
	},
	{
		name:  "unknown field of an object",
		spoil: editing("templates/deployment.yaml", "replicas:", "replikas:"), fix: restore,
		says: []string{"replikas", "templates/deployment.yaml"},
	},
	{
		name:  "unknown kind",
		spoil: editing("templates/service.yaml", "kind: Service", "kind: Servise"), fix: restore,
		says: []string{"Servise", "templates/service.yaml"},
	},
	{
		name:  "path outside the repository",
		spoil: specifying(`{"spec":{"chart":{"path":"charts/../../../etc"}}}`), fix: respec,
		says: []string{"charts/../../../etc"},
	},
	{
		name: "symlink outside the repository",
		spoil: func(s *story, name string) {
			s.commit(badCharts, "main", map[string]string{"charts/" + name: "-> ../../../../etc"}, "charts/"+name)
		},
		fix: restore, says: []string{"charts/symlink-outside-the-repository"},
	},
	{
		name: "symlink out of the chart",
		spoil: func(s *story, name string) {
			s.commit(badCharts, "main", map[string]string{"charts/" + name + "/templates/configmap.yaml": "-> /etc/hostname"})
		},
		fix: restore, says: []string{"configmap.yaml"},
	},
	{
		name:  "path that is not there",
		spoil: specifying(`{"spec":{"chart":{"path":"charts/nowhere"}}}`), fix: respec,
		says: []string{"charts/nowhere"},
	},
	{
		name:  "chart in a repository that lacks it",
		spoil: specifying(`{"spec":{"chart":{"git":null,"path":null,"ref":null,"repository":"https://kubernetes-charts.storage.googleapis.com/","name":"nothing","version":"1.0.0"}}}`),
		fix: func(s *story, name string) {
			specifying(`{"spec":{"chart":{"repository":null,"name":null,"version":null}}}`)(s, name)
			respec(s, name)
		},
		says: []string{`"nothing"`},
	},
}

func unset(value string) func(*story, string) {
	return specifying(`{"spec":{"values":{"` + value + `":null}}}`)
}

// TestTwoClaimOneObject: of two releases with one object the first keeps it; the second says whose
// it is, and gets it when the first lets go.
func TestTwoClaimOneObject(t *testing.T) {
	s := tell(t, "claims")
	files := merge(s.chart("web", "one"), s.chart("web", "two"))
	for _, name := range []string{"one", "two"} {
		p := "charts/" + name + "/templates/configmap.yaml"
		files["charts/"+name+"/templates/shared.yaml"] = strings.Replace(files[p], "{{ .Release.Name }}", "shared", 1)
	}
	const repo = "claims/charts"
	s.commit(repo, "main", files)
	s.kubectl(s.helmRelease("one", repo, "one", "{message: of one}"))
	s.released(s.ns, "one")
	s.kubectl(s.helmRelease("two", repo, "two", "{message: of two}"))
	s.told(s.ns, "two", "Released", "False", "shared", "HelmRelease/claims/one")
	s.want(s.fairlead("status", "two", "-n", s.ns), 1, "shared", "HelmRelease/claims/one")
	if got := message(s.get(configMaps, s.ns, "shared")); got != "of one" {
		t.Errorf("the first has lost its object: %q", got)
	}
	s.released(s.ns, "one")
	s.commit(repo, "main", nil, "charts/one/templates/shared.yaml")
	s.released(s.ns, "two")
	within(t, patient, "the second has the object", func() error {
		u, err := s.dynamic.Resource(configMaps).Namespace(s.ns).Get(t.Context(), "shared", metav1.GetOptions{})
		if err == nil && message(u) != "of two" {
			err = fmt.Errorf("it holds %q", message(u))
		}
		return err
	})
}

func message(u *unstructured.Unstructured) string {
	text, _, _ := unstructured.NestedString(u.Object, "data", "MESSAGE")
	return text
}

// TestTwoClaimOneRelease: of two HelmReleases that name one Helm release the first keeps it.
func TestTwoClaimOneRelease(t *testing.T) {
	s := tell(t, "names")
	const repo = "names/charts"
	s.commit(repo, "main", s.chart("web", "web"))
	s.kubectl(s.helmRelease("first", repo, "web", "{message: first}"))
	s.released(s.ns, "first")
	s.kubectl(strings.Replace(s.helmRelease("second", repo, "web", "{message: second}"), "releaseName: second", "releaseName: first", 1))
	s.told(s.ns, "second", "Released", "False", "names/first")
	if got := message(s.get(configMaps, s.ns, "first")); got != "first" {
		t.Errorf("the first has lost its release: %q", got)
	}
	s.released(s.ns, "first")
	if err := s.dynamic.Resource(helmReleases).Namespace(s.ns).Delete(t.Context(), "second", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	// What the second asked for was never its own: the first goes on.
	id := s.commit(repo, "main", map[string]string{"charts/web/values.yaml": strings.Replace(s.chart("web", "web")["charts/web/values.yaml"], "replicas: 1", "replicas: 2", 1)})
	s.releasedAt(s.ns, "first", id)
}

// TestBadFolder: a root folder with a file that is no YAML says so; what it applied before stays,
// and nothing is pruned.
func TestBadFolder(t *testing.T) {
	s := tell(t, "folder")
	const repo = "roots/folder"
	manifest := func(name string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + ", namespace: folder}\ndata: {MESSAGE: hello}\n"
	}
	s.commit(repo, "main", map[string]string{"a.yaml": manifest("a"), "sub/b.yaml": manifest("b")})
	s.there("a", "b")
	s.commit(repo, "main", map[string]string{"sub/b.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b\n  oops: [\n", "c.yaml": manifest("c")}, "a.yaml")
	within(t, patient, "the folder says what is wrong", func() error {
		a := s.fairlead("status", "folder")
		if a.code != 1 || !strings.Contains(a.out+a.err, "sub/b.yaml") {
			return fmt.Errorf("exit code %d\n%s%s", a.code, a.out, a.err)
		}
		t.Log(a.out)
		return nil
	})
	s.there("a", "b")
	s.commit(repo, "main", map[string]string{"sub/b.yaml": manifest("b")})
	s.there("b", "c")
	s.gone(configMaps, s.ns, "a")
	within(t, patient, "the folder is healthy", func() error {
		if a := s.fairlead("status", "folder"); a.code != 0 {
			return fmt.Errorf("exit code %d\n%s%s", a.code, a.out, a.err)
		}
		return nil
	})
}

// there waits for ConfigMaps of the story.
func (s *story) there(names ...string) {
	s.Helper()
	for _, name := range names {
		within(s.T, patient, "ConfigMap "+name+" is there", func() error {
			_, err := s.dynamic.Resource(configMaps).Namespace(s.ns).Get(s.Context(), name, metav1.GetOptions{})
			return err
		})
	}
}
