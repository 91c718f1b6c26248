package report

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/internal/model"
)

var (
	api    = model.ObjectKey{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "api"}
	set    = model.ObjectKey{Group: "apps", Kind: "ReplicaSet", Namespace: "shop", Name: "api-7d9c"}
	pod    = model.ObjectKey{Kind: "Pod", Namespace: "shop", Name: "api-7d9c-x2k"}
	secret = model.ObjectKey{Kind: "Secret", Namespace: "shop", Name: "api-db"}
)

func crash() model.Cause {
	return model.Cause{
		Object: api, Summary: "0/3 ready", Reason: "MissingSecret", Final: true,
		Links: []model.Link{
			{Role: model.RoleObject, Object: set, Text: "revision 2, 3 pods"},
			{Role: model.RoleObject, Object: pod, Text: "container api: CrashLoopBackOff, exit 1, 3 restarts"},
			{Role: model.RoleLog, Object: pod, Text: "panic: DATABASE_URL is empty"},
			{Role: model.RoleCause, Object: secret, Text: `env DATABASE_URL <- Secret/api-db key "url": key missing`},
			{Role: model.RoleSource, Text: "ExternalSecret/api-db: not synced: 403 on kv/shop/api"},
		},
	}
}

func failure() *Failure {
	return &Failure{
		Release: "shop/api", After: 38 * time.Second, From: 41, To: 42, Commit: "9f3c1ab77d0e4b1a8c5e2f6a9d3b7c1e5f8a2d4c",
		Causes: []model.Cause{crash()}, Counts: Counts{4, 1, 2},
		Rollback: &Rollback{Revision: 41, Status: model.Healthy, After: 12 * time.Second},
	}
}

func TestFailureText(t *testing.T) {
	refused := &Failure{Release: "shop/api", To: 1, Commit: "1.2.3", Causes: []model.Cause{{
		Object: api, Summary: "0/3 ready", Reason: "QuotaExceeded", Next: "raise the quota, or lower what the pods request",
		Links: []model.Link{
			{Role: model.RoleObject, Object: set, Text: "revision 1, 0 pods"},
			{Role: model.RoleEvent, Object: set, Text: "FailedCreate (5 times): exceeded quota: small"},
			{Role: model.RoleCause, Object: set, Text: "exceeded quota: small"},
		},
	}}}
	for _, tc := range []struct {
		name  string
		f     *Failure
		style Style
		want  string
	}{
		{"the line's end", failure(), Style{}, `
✗ shop/api failed after 38s  (revision 41 -> 42, commit 9f3c1ab)
  Deployment/api            0/3 ready
   └ Pod/api-7d9c-x2k       container api: CrashLoopBackOff, exit 1, 3 restarts
       last log   panic: DATABASE_URL is empty
       cause      env DATABASE_URL <- Secret/api-db key "url": key missing
       source     ExternalSecret/api-db: not synced: 403 on kv/shop/api
  done 4 · failed 1 · not started 2 · rolled back to revision 41 (healthy, 12s)
  next       fairlead why shop/api
`},
		{"narrow and ASCII", failure(), Style{Width: 60, ASCII: true}, `
x shop/api failed after 38s  (revision 41 -> 42, commit 9f3c1ab)
  Deployment/api            0/3 ready
   ` + "`- " + `Pod/api-7d9c-x2k      container api: CrashLoopBackOff,
                            exit 1, 3 restarts
       last log   panic: DATABASE_URL is empty
       cause      env DATABASE_URL <- Secret/api-db key
                  "url": key missing
       source     ExternalSecret/api-db: not synced: 403 on
                  kv/shop/api
  done 4, failed 1, not started 2, rolled back to revision 41 (healthy, 12s)
  next       fairlead why shop/api
`},
		{"refused pods", refused, Style{}, `
✗ shop/api failed  (revision 1, 1.2.3)
  Deployment/api            0/3 ready
   └ ReplicaSet/api-7d9c    revision 1, 0 pods
       cause      exceeded quota: small
  next       raise the quota, or lower what the pods request
             fairlead why shop/api
`},
		{"an error before any object", &Failure{
			Release: "shop/api", Next: "fairlead status shop/api",
			Err: &model.Error{File: "templates/web.yaml", Line: 7, Msg: "nil pointer evaluating .Values.image.tag", Next: "set image.tag"},
		}, Style{}, `
✗ shop/api failed
  cause      templates/web.yaml:7: nil pointer evaluating .Values.image.tag
  next       set image.tag
             fairlead status shop/api
`},
		{"a rollback that failed", &Failure{
			Release: "shop/api", Err: errors.New("x"), Rollback: &Rollback{Revision: 3, Err: errors.New("denied")},
		}, Style{}, `
✗ shop/api failed
  cause      x
  not rolled back to revision 3: denied
  next       fairlead why shop/api
`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(strings.TrimPrefix(tc.want, "\n"), tc.f.Text(tc.style)); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFailureLine(t *testing.T) {
	want := `failed after 38s: Deployment/api 0/3 ready: Pod/api-7d9c-x2k container api: CrashLoopBackOff, exit 1, 3 restarts: ` +
		`env DATABASE_URL <- Secret/api-db key "url": key missing: ExternalSecret/api-db: not synced: 403 on kv/shop/api; ` +
		`rolled back to revision 41 (healthy, 12s)`
	if got := failure().Line(); got != want {
		t.Errorf("line is %q\nwant    %q", got, want)
	}
	long := &Failure{Err: errors.New(strings.Repeat("ä\n", 2000))}
	if got := long.Line(); len(got) > 1024 || strings.Contains(got, "\n") {
		t.Errorf("line has %d bytes", len(got))
	}
}

// Emphasis must not move columns.
func TestFailureEmphasis(t *testing.T) {
	mark := func(s string) string { return "\x1b[1m" + s + "\x1b[0m" }
	plain := failure().Text(Style{})
	styled := failure().Text(Style{Bad: mark, Good: mark, Warn: mark, Dim: mark, Bold: mark})
	bare := strings.NewReplacer("\x1b[1m", "", "\x1b[0m", "").Replace(styled)
	if diff := cmp.Diff(plain, bare); diff != "" {
		t.Errorf("text without emphasis differs (-plain +styled):\n%s", diff)
	}
}

// A log must not be able to draw on the reader's terminal.
func TestForeignText(t *testing.T) {
	f := failure()
	f.Causes[0].Links[2].Text = "first\x1b[2J\u202e\nsecond\tline"
	if text := f.Text(Style{}); strings.ContainsAny(text, "\x1b\u202e") ||
		!strings.Contains(text, "last log   first[2J\n                  second line\n") {
		t.Errorf("text is\n%s", text)
	}
}

func TestCauses(t *testing.T) {
	c := crash()
	c.Next = "see ExternalSecret/api-db"
	want := `  Deployment/api            0/3 ready
   └ Pod/api-7d9c-x2k       container api: CrashLoopBackOff, exit 1, 3 restarts
       last log   panic: DATABASE_URL is empty
       cause      env DATABASE_URL <- Secret/api-db key "url": key missing
       source     ExternalSecret/api-db: not synced: 403 on kv/shop/api
       next       see ExternalSecret/api-db
`
	if diff := cmp.Diff(want, Causes([]model.Cause{c}, Style{})); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
}

func TestCountsOf(t *testing.T) {
	results := []model.Result{
		{Change: model.Change{Key: secret}}, {Change: model.Change{Key: api}},
		{Change: model.Change{Key: set}, Err: errors.New("denied")}, {Change: model.Change{Key: pod}, Skipped: true},
	}
	if diff := cmp.Diff(Counts{1, 2, 1}, CountsOf(results, []model.Cause{crash()})); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}
