package observe

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/internal/ci/report"
	"github.com/fairlead-cd/fairlead/internal/deploy"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pipeline"
	words "github.com/fairlead-cd/fairlead/internal/report"
)

func key(kind, name string) model.ObjectKey {
	return model.ObjectKey{Kind: kind, Namespace: "shop", Name: name}
}

// failed is a run whose pod logs text that would be commands of either build service.
func failed() deploy.Result {
	service, web, last := key("Service", "web"), key("Deployment", "web"), key("Job", "last")
	cause := model.Cause{Object: web, Summary: "0/2 ready", Reason: "CrashLoopBackOff", Links: []model.Link{
		{Role: model.RoleLog, Text: "::add-mask::x\n\x1b[0Ksection_end:1:y"}, {Role: model.RoleCause, Text: "exit 1 | ::error::no\n```"},
	}}
	start := time.Unix(1700000000, 0)
	r := deploy.Result{
		Verb: deploy.VerbDeploy, Started: start, Ended: start.Add(38 * time.Second), Before: 1, Revision: 3, Err: errors.New("Deployment/web: exit 1"),
		Release: model.Release{Name: "web", Namespace: "shop", Source: model.Ref{Kind: model.SourceDir, URL: "./chart"}},
	}
	r.Outcome = pipeline.Outcome{
		Plan: model.Plan{Phases: [][]model.Change{{
			{Action: model.ActionUnchanged, Key: service},
			{Action: model.ActionUpdate, Key: web, Desired: &model.Object{Key: web, Origin: model.Origin{File: "templates/deployment.yaml", Line: 7}}},
			{Action: model.ActionCreate, Key: last},
		}}},
		Verdict: model.Verdict{Status: model.Degraded, Reason: "RolloutFailed", Causes: []model.Cause{cause}, Objects: []model.ObjectHealth{
			{Key: service, Health: model.Health{Status: model.Healthy}}, {Key: web, Health: model.Health{Status: model.Degraded, Message: "0/2 ready"}},
		}},
	}
	r.Outcome.Results = []model.Result{{Change: model.Change{Key: last}, Skipped: true}}
	r.Failure = &words.Failure{Release: "shop/web", After: 38 * time.Second, Causes: []model.Cause{cause}, Rollback: &words.Rollback{Revision: 1, Status: model.Healthy}}
	return r
}

// tell tells an observer of a run as a Deployer does.
func tell(o deploy.Observer, r deploy.Result) {
	o.Step(deploy.StepPlan)
	o.Planned(r.Outcome.Plan)
	o.Step(deploy.StepRun)
	for _, h := range r.Outcome.Verdict.Objects {
		o.Progress(h)
	}
	o.Finished(r)
}

func TestGitLab(t *testing.T) {
	var b bytes.Buffer
	tell(NewGitLab(&b, func() time.Time { return time.Unix(5, 0) }), failed())
	want := "\x1b[0Ksection_start:5:fairlead_plan_5000000000\r\x1b[0KPlan\n\x1b[0Ksection_end:5:fairlead_plan_5000000000\r\x1b[0K\n" +
		"\x1b[0Ksection_start:5:fairlead_run_5000000000\r\x1b[0KDeploying\n\x1b[0Ksection_end:5:fairlead_run_5000000000\r\x1b[0K\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestGitHub(t *testing.T) {
	var b bytes.Buffer
	var summary string
	tell(NewGitHub(&b, func(s string) error { summary = s; return nil }), failed())
	want := `::group::Plan
::endgroup::
::group::Deploying
::endgroup::
::error file=chart/templates/deployment.yaml,line=7,title=web%3A Deployment/web 0/2 ready::exit 1 | ::error::no%0A` + "```" + `
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
	for _, s := range []string{
		"### ❌ shop/web: deploy failed after 38s, revision 1 runs again\n", "| Deployment/web | update | Degraded 0/2 ready |\n",
		"| Job/last | create | not started |\n", "\n````text\n",
	} {
		if !strings.Contains(summary, s) {
			t.Errorf("%q is not in the summary:\n%s", s, summary)
		}
	}
	if strings.Contains(summary, "\x1b") {
		t.Error("the summary holds escapes")
	}
}

func TestGitHubGood(t *testing.T) {
	r := failed()
	r.Err, r.Failure, r.Outcome.Verdict.Causes = nil, nil, nil
	var b bytes.Buffer
	var summary string
	tell(NewGitHub(&b, func(s string) error { summary = s; return errors.New("disk full") }), r)
	if strings.Count(b.String(), "::error") != 1 || !strings.Contains(b.String(), "disk full") {
		t.Errorf("what could not be written is not told: %s", b.String())
	}
	if !strings.HasPrefix(summary, "### ✅ shop/web: deployed, revision 3, after 38s\n") {
		t.Error(summary)
	}
}

func TestJUnit(t *testing.T) {
	file := filepath.Join(t.TempDir(), "deploy.xml")
	targets, err := report.ParseTargets([]string{"junit=" + file}, report.FormatJUnit)
	if err != nil {
		t.Fatal(err)
	}
	junit, err := NewJUnit(targets[0], func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(file); err != nil || !strings.Contains(string(b), "ended before it was done") {
		t.Errorf("what a killed run leaves: %v %s", err, b)
	}
	tell(junit, failed())
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{
		`<testsuite name="fairlead deploy shop/web" tests="4" failures="2" skipped="1" time="38">`,
		`<testcase classname="shop/web" name="deploy" time="38">`,
		`<failure message="exit 1 | ::error::no ` + "```" + `" type="CrashLoopBackOff">`,
		`<testcase classname="shop/web" name="Service/web" time="0"></testcase>`,
		`file="chart/templates/deployment.yaml" line="7"`,
	} {
		if !strings.Contains(string(b), s) {
			t.Errorf("%q is not in:\n%s", s, b)
		}
	}
}

func TestJUnitThatCannotBeWritten(t *testing.T) {
	target := report.Target{Format: report.FormatJUnit, File: filepath.Join(t.TempDir(), "none", "deploy.xml")}
	if _, err := NewJUnit(target, nil); err == nil {
		t.Error("it is found out only after the deployment")
	}
}

// A chart from elsewhere has no place in this repository.
func TestInRepository(t *testing.T) {
	for url, want := range map[string]string{
		"./chart": "chart/x", "chart": "chart/x", "/tmp/chart": "", "../chart": "", "oci://r/c": "", "chart-1.0.tgz": "",
	} {
		r := deploy.Result{Release: model.Release{Source: model.Ref{Kind: model.SourceDir, URL: url}}}
		if got := inRepository(&r, "x"); got != want {
			t.Errorf("%s: %q, want %q", url, got, want)
		}
	}
}
