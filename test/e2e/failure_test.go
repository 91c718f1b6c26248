package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestFailuresAtOnce: a rollout that cannot succeed is failed with its cause, long before the
// timeout, and is healthy again when the cause goes away.
func TestFailuresAtOnce(t *testing.T) {
	s := tell(t, "failures")
	const repo = "failures/charts"
	s.commit(repo, "main", s.chart("web", "web"))
	for _, c := range []struct {
		name, values string
		says         []string
		heal         func(s *story)
	}{
		{"image", `{podAnnotations: {fairlead.dev/simulate: image-pull-error}}`, []string{"example.com/web:1.0"}, nil},
		{"crash", `{podAnnotations: {fairlead.dev/simulate: crash-loop, fairlead.dev/simulate-log: "panic: DATABASE_URL is empty"}}`, []string{"panic: DATABASE_URL is empty"}, nil},
		{"secret", `{secretName: api-db}`, []string{"api-db"}, func(s *story) {
			s.kubectl("apiVersion: v1\nkind: Secret\nmetadata: {name: api-db, namespace: failures}\nstringData: {URL: x}")
		}},
		{"unschedulable", `{podAnnotations: {fairlead.dev/simulate: unschedulable}}`, []string{"node"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := s.part(t)
			begin := time.Now()
			s.kubectl(s.helmRelease(c.name, repo, "web", c.values))
			r := s.told(s.ns, c.name, "Released", "False", c.says...)
			t.Logf("failed after %s: %s", time.Since(begin).Round(time.Millisecond), condition(r, "Released").Message)
			if strings.Contains(condition(r, "Released").Message, "imed out") {
				t.Errorf("it ran into the timeout: %s", condition(r, "Released").Message)
			}
			a := s.fairlead("why", c.name, "-n", s.ns)
			s.want(a, 1, c.says...)
			t.Log(a.out)
			if c.heal != nil {
				c.heal(s)
			} else {
				s.patch(helmReleases, s.ns, c.name, `{"spec":{"values":{"podAnnotations":null}}}`)
			}
			s.released(s.ns, c.name)
			s.want(s.fairlead("why", c.name, "-n", s.ns), 0)
		})
	}
}

// TestRollbackAfterFailure: a release that asks for it goes back to its last good revision, and
// stays there until its inputs change.
func TestRollbackAfterFailure(t *testing.T) {
	s := tell(t, "back")
	const repo = "back/charts"
	s.commit(repo, "main", s.chart("web", "web"))
	s.kubectl(strings.Replace(s.helmRelease("web", repo, "web", "{message: good}"), "  timeout: 60", "  timeout: 60\n  rollback: {enable: true}", 1))
	s.released(s.ns, "web")
	values := s.chart("web", "web")["charts/web/values.yaml"]
	mark := s.log.mark()
	s.commit(repo, "main", map[string]string{"charts/web/values.yaml": strings.Replace(values, "podAnnotations: {}", "podAnnotations: {fairlead.dev/simulate: image-pull-error}", 1)})
	r := s.told(s.ns, "web", "RolledBack", "True")
	if r.Status.Phase != "RolledBack" || r.Status.RollbackCount != 1 || condition(r, "Released").Status != "False" {
		t.Errorf("status: %s", dump(r.Status))
	}
	within(t, patient, "the good revision runs again", func() error {
		d := s.get(deployments, s.ns, "web")
		if strings.Contains(dump(d.Object["spec"]), "simulate") {
			return fmt.Errorf("the bad revision is there")
		}
		return nil
	})
	// It is held there, and goes on to say why.
	s.told(s.ns, "web", "Held", "True", "Rollback to 1", "example.com/web:1.0")
	s.want(s.fairlead("status", "web", "-n", s.ns), 0, "Held", "example.com/web:1.0")
	// A commit that touches something else does not end it.
	s.commit(repo, "main", map[string]string{"README.md": "Words."})
	id := s.commit(repo, "main", map[string]string{"charts/web/values.yaml": strings.Replace(values, "message: hello", "message: better", 1)})
	r = s.releasedAt(s.ns, "web", id)
	if condition(r, "RolledBack").Status == "True" || r.Status.RollbackCount != 0 {
		t.Errorf("status: %s", dump(r.Status))
	}
	s.wantRuns(mark, "upgrade HelmRelease/back/web", "upgrade HelmRelease/back/web")
}
