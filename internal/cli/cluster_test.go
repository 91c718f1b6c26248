package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/crds"
	"github.com/fairlead-cd/fairlead/internal/cli/get"
	"github.com/fairlead-cd/fairlead/internal/cli/history"
	"github.com/fairlead-cd/fairlead/internal/cli/releases"
	"github.com/fairlead-cd/fairlead/internal/cli/resume"
	"github.com/fairlead-cd/fairlead/internal/cli/rollback"
	"github.com/fairlead-cd/fairlead/internal/cli/status"
	clisync "github.com/fairlead-cd/fairlead/internal/cli/sync"
	"github.com/fairlead-cd/fairlead/internal/cli/why"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
	"github.com/fairlead-cd/fairlead/internal/testkit"
)

var cluster testkit.SharedCluster

func TestMain(m *testing.M) { os.Exit(cluster.Main(m)) }

// patient is how long a test waits for what comes at once unless something is broken.
const patient = 60 * time.Second

// lab is a namespace of the test cluster and a way to run commands against it.
type lab struct {
	*cli.Cluster
	t          *testing.T
	kubeconfig string
	namespace  string
}

var install sync.Once

// newLab makes a namespace for one test, and installs the kinds for the first.
func newLab(t *testing.T, namespace string) *lab {
	t.Helper()
	l := &lab{t: t, kubeconfig: cluster.Get(t).Kubeconfig, namespace: namespace}
	l.Cluster = l.connect()
	install.Do(func() { l.install() })
	l.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: " + namespace + "}")
	return l
}

func (l *lab) connect() *cli.Cluster {
	l.t.Helper()
	c, err := cli.Connect(cli.Kubeconfigs{Explicit: l.kubeconfig}, "fairlead-test", io.Discard)
	if err != nil {
		l.t.Fatal(err)
	}
	return c
}

// install does what `fairlead crds | kubectl apply -f -` does, and finds no releases before.
func (l *lab) install() {
	l.t.Helper()
	if r := l.run("get"); r.code != 0 || r.err != "no releases\n" {
		l.t.Fatalf("get without any kinds: %+v", r)
	}
	l.apply(l.run("crds").out)
	ctx, cancel := context.WithTimeout(l.t.Context(), patient)
	defer cancel()
	err := wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		r := &releases.Reader{Dynamic: l.Dynamic, Metadata: l.Metadata, Now: time.Now, Leases: l.Typed.CoordinationV1().Leases(releases.SystemNamespace)}
		gvr, _ := releases.Resource(model.KindApplication)
		_, err := l.Dynamic.Resource(gvr).List(ctx, metav1.ListOptions{})
		if err == nil {
			_, err = r.List(ctx)
		}
		return err == nil, nil
	})
	if err != nil {
		l.t.Fatalf("the kinds do not appear: %v", err)
	}
	l.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: " + releases.SystemNamespace + "}")
}

// apply writes YAML documents to the cluster; a status in them is written too.
func (l *lab) apply(text string) {
	l.t.Helper()
	docs := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	for {
		u := &unstructured.Unstructured{}
		if err := docs.Decode(&u.Object); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			l.t.Fatal(err)
		}
		if u.Object == nil {
			continue
		}
		l.applyObject(u)
	}
}

func (l *lab) applyObject(u *unstructured.Unstructured) {
	l.t.Helper()
	ctx := l.t.Context()
	m, err := l.connect().Mapper().RESTMapping(u.GroupVersionKind().GroupKind(), u.GroupVersionKind().Version)
	if err != nil {
		l.t.Fatal(err)
	}
	ns := u.GetNamespace()
	if ns == "" && m.Scope.Name() == meta.RESTScopeNameNamespace {
		ns = l.namespace
	}
	c := l.Dynamic.Resource(m.Resource).Namespace(ns)
	opts := metav1.ApplyOptions{FieldManager: "test", Force: true}
	if _, err := c.Apply(ctx, u.GetName(), u, opts); err != nil {
		l.t.Fatal(err)
	}
	if u.Object["status"] != nil && u.GetKind() == "HelmRelease" {
		if _, err := c.ApplyStatus(ctx, u.GetName(), u, opts); err != nil {
			l.t.Fatal(err)
		}
	}
}

// result is what a command printed and its exit code.
type result struct {
	code     int
	out, err string
}

// run runs a command line as the program does.
func (l *lab) run(args ...string) result {
	return l.runIn(l.t.Context(), args...)
}

func (l *lab) runIn(ctx context.Context, args ...string) result {
	var out, errOut bytes.Buffer
	code := l.runTo(ctx, &out, &errOut, args...)
	return result{code, out.String(), errOut.String()}
}

func (l *lab) runTo(ctx context.Context, out, errOut io.Writer, args ...string) int {
	f := &cli.Factory{IO: output.NewBuffers(out, errOut, output.Env{CI: "true"}), Now: time.Now, User: "tester"}
	f.Cluster = sync.OnceValues(func() (*cli.Cluster, error) {
		return cli.Connect(cli.Kubeconfigs{Explicit: l.kubeconfig}, "fairlead-test", errOut)
	})
	root := &cobra.Command{Use: "fairlead", SilenceErrors: true, SilenceUsage: true}
	root.PersistentFlags().StringVarP(&f.Global.Namespace, "namespace", "n", "", "")
	for _, id := range []string{cli.GroupLook, cli.GroupAct, cli.GroupRun} {
		root.AddGroup(&cobra.Group{ID: id, Title: id})
	}
	root.AddCommand(get.NewCmdGet(f, nil), status.NewCmdStatus(f, nil), why.NewCmdWhy(f, nil), history.NewCmdHistory(f, nil),
		clisync.NewCmdSync(f, nil), rollback.NewCmdRollback(f, nil), resume.NewCmdResume(f, nil), crds.NewCmdCRDs(f, nil))
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errOut)
	return cli.Report(f.IO, root.ExecuteContext(ctx))
}

// want checks a result: its exit code and texts that stand in its output.
func (l *lab) want(r result, code int, texts ...string) {
	l.t.Helper()
	if r.code != code {
		l.t.Errorf("exit code %d, want %d", r.code, code)
	}
	for _, text := range texts {
		if !strings.Contains(r.out+r.err, text) {
			l.t.Errorf("%q is missing", text)
		}
	}
	if l.t.Failed() {
		l.t.Fatalf("stdout:\n%s\nstderr:\n%s", r.out, r.err)
	}
}

// helmRelease is a HelmRelease of the lab's namespace with a status.
func (l *lab) helmRelease(name, status string) string {
	return fmt.Sprintf(`
apiVersion: helm.fluxcd.io/v1
kind: HelmRelease
metadata: {name: %s, namespace: %s}
spec: {releaseName: %s, chart: {git: "https://git.example.com/fleet.git", ref: main, path: charts/web}}
status: %s
`, name, l.namespace, name, status)
}

const succeeded = `{observedGeneration: 1, phase: Succeeded, revision: 9f3c1ab0123456789012345678901234567890ab, conditions: [
  {type: Released, status: "True", reason: Succeeded, message: Release was successful},
  {type: Ready, status: "True", reason: Succeeded, message: Release was successful}]}`

// answer plays the controller: it waits for a wish about a HelmRelease and writes a status that says
// it was handled.
func (l *lab) answer(ctx context.Context, name, patch string) error {
	gvr, _ := releases.Resource(model.KindHelmRelease)
	c := l.Dynamic.Resource(gvr).Namespace(l.namespace)
	return wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		u, err := c.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		token := releases.WishToken(u.GetAnnotations())
		handled, _, _ := unstructured.NestedString(u.Object, "status", "lastHandledSync")
		if token == "/" || token == handled {
			return false, nil
		}
		body := fmt.Sprintf(`{"status":{"lastHandledSync":%q,%s}}`, token, patch)
		_, err = c.Patch(ctx, name, types.MergePatchType, []byte(body), metav1.PatchOptions{}, "status")
		return true, err
	})
}

// answering runs a command while the controller is played.
func (l *lab) answering(name, patch string, args ...string) result {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), patient)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- l.answer(ctx, name, patch) }()
	r := l.runIn(ctx, args...)
	if err := <-done; err != nil {
		l.t.Fatalf("playing the controller: %v", err)
	}
	return r
}
