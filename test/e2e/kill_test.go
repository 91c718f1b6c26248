package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	killedReleases = 6
	kills          = 50
)

// TestKilledFiftyTimes kills the controller with kill -9 again and again while it carries out
// commits. Whatever instruction it dies at, the next one goes on: in the end all is as the last
// commit says, each release has one deployed record and none is pending, and nothing is left over.
func TestKilledFiftyTimes(t *testing.T) {
	s := tell(t, "killed")
	const fleet, charts = "roots/killed", "killed/charts"
	chart := s.chart("web", "web")
	// A name that changes with each commit: the old object must be pruned.
	chart["charts/web/templates/marker.yaml"] = strings.NewReplacer("name: {{ .Release.Name }}", "name: {{ .Release.Name }}-{{ .Values.round }}").Replace(chart["charts/web/templates/configmap.yaml"])
	s.commit(charts, "main", chart)
	round := func(n int) map[string]string {
		files := map[string]string{}
		for i := range killedReleases {
			name := fmt.Sprintf("web-%d", i)
			files["releases/"+name+".yaml"] = s.helmRelease(name, charts, "web", fmt.Sprintf(`{round: "r%d", message: "round %d"}`, n, n))
		}
		return files
	}
	s.commit(fleet, "main", round(0))
	for i := range killedReleases {
		s.released(s.ns, fmt.Sprintf("web-%d", i))
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	begin := time.Now()
	during := 0
	for n := 1; n <= kills; n++ {
		mark := s.log.mark()
		s.quietCommit(s.git, fleet, "main", round(n))
		if s.controller == nil {
			s.launch(t)
		} else {
			s.push(s.gitURL, fleet, "main", s.head(fleet))
		}
		within(t, patient, "a run begins", func() error {
			if len(s.log.runs(mark)) == 0 {
				return fmt.Errorf("none yet")
			}
			return nil
		})
		// Any moment of the runs may be the last.
		select {
		case <-time.After(time.Duration(random.IntN(250)) * time.Millisecond):
		case <-t.Context().Done():
		}
		s.controller.kill()
		s.controller = nil
		if !s.settled(n) {
			during++
		}
	}
	t.Logf("%d kills in %s, %d of them before all releases were done", kills, time.Since(begin).Round(time.Millisecond), during)
	if during < kills/4 {
		t.Errorf("only %d of %d kills hit a controller at work", during, kills)
	}

	s.launch(t)
	took := within(t, patient, "all releases are as the last commit says", func() error { return s.converged(kills) })
	t.Logf("converged %s after the last start", took.Round(time.Millisecond))
	s.awaitReady(t)
	s.want(s.helm("list", "-n", s.ns), 0, "web-0", "deployed")
	if a := s.helm("list", "-A", "--pending", "-q"); a.code != 0 || strings.TrimSpace(a.out) != "" {
		t.Errorf("helm list --pending: exit code %d\n%s%s", a.code, a.out, a.err)
	}
	within(t, patient, "one record of each release is deployed, the newest", s.oneDeployedEach)
	s.commit(fleet, "main", map[string]string{"releases/README.md": "Nothing."}, slices.Collect(func(yield func(string) bool) {
		for i := range killedReleases {
			if !yield(fmt.Sprintf("releases/web-%d.yaml", i)) {
				return
			}
		}
	})...)
	for i := range killedReleases {
		s.gone(deployments, s.ns, fmt.Sprintf("web-%d", i))
	}
	within(t, patient, "nothing is left over", func() error { return s.onlyMarkers() })
}

func (s *story) head(repo string) string {
	s.Helper()
	r, err := s.git.Create(s.Context(), repo)
	if err != nil {
		s.Fatal(err)
	}
	id, err := r.Head(s.Context(), "refs/heads/main")
	if err != nil {
		s.Fatal(err)
	}
	return id
}

// settled reports whether a round was done completely.
func (s *story) settled(n int) bool { return s.converged(n) == nil }

// converged says what is missing to a round: objects, records, or statuses.
func (s *story) converged(n int) error {
	markers := make([]string, 0, killedReleases)
	for i := range killedReleases {
		name := fmt.Sprintf("web-%d", i)
		markers = append(markers, fmt.Sprintf("%s-r%d", name, n))
		r, err := s.release(s.ns, name)
		if err != nil {
			return err
		}
		if r.Status.ObservedGeneration != r.Generation || condition(r, "Released").Status != "True" || condition(r, "Ready").Status != "True" || r.Status.ReleaseStatus != "deployed" {
			return fmt.Errorf("%s: generation %d: %s", name, r.Generation, dump(r.Status))
		}
	}
	return s.onlyMarkers(markers...)
}

// onlyMarkers is an error unless the markers are those named and nothing else.
func (s *story) onlyMarkers(want ...string) error {
	list, err := s.typed.CoreV1().ConfigMaps(s.ns).List(s.Context(), metav1.ListOptions{})
	if err != nil {
		return err
	}
	var got []string
	for _, cm := range list.Items {
		if strings.Contains(cm.Name, "-r") && cm.Name != "kube-root-ca.crt" {
			got = append(got, cm.Name)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return fmt.Errorf("markers are %v, want %v", got, want)
	}
	return nil
}

// oneDeployedEach looks at Helm's records themselves. What they replaced is told of a moment later.
func (s *story) oneDeployedEach() error {
	list, err := s.typed.CoreV1().Secrets(s.ns).List(s.Context(), metav1.ListOptions{LabelSelector: "owner=helm"})
	if err != nil {
		return err
	}
	var wrong []error
	deployed := map[string][]string{}
	for _, secret := range list.Items {
		switch status := secret.Labels["status"]; {
		case status == "deployed":
			deployed[secret.Labels["name"]] = append(deployed[secret.Labels["name"]], secret.Name)
		case strings.HasPrefix(status, "pending") || status == "uninstalling":
			wrong = append(wrong, fmt.Errorf("%s is %s", secret.Name, status))
		}
	}
	for i := range killedReleases {
		name := fmt.Sprintf("web-%d", i)
		if want := []string{newest(list.Items, name)}; !slices.Equal(deployed[name], want) {
			wrong = append(wrong, fmt.Errorf("deployed records of %s: %v, want %v", name, deployed[name], want))
		}
	}
	return errors.Join(wrong...)
}

func newest(secrets []corev1.Secret, name string) string {
	best, revision := "", -1
	for _, secret := range secrets {
		var n int
		if secret.Labels["name"] == name && json.Unmarshal([]byte(secret.Labels["version"]), &n) == nil && n > revision {
			best, revision = secret.Name, n
		}
	}
	return best
}
