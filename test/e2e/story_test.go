package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"

	argo "github.com/fairlead-cd/fairlead/api/argoproj/v1alpha1"
	hr "github.com/fairlead-cd/fairlead/api/helmfluxcd/v1"
	"github.com/fairlead-cd/fairlead/internal/git"
	"github.com/fairlead-cd/fairlead/internal/testkit"
)

var (
	helmReleases = hr.GroupVersion.WithResource("helmreleases")
	applications = argo.GroupVersion.WithResource("applications")
	deployments  = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	jobs         = schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: "jobs"}
	configMaps   = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
)

// story is one test's part of the world: a namespace and repositories of its own.
type story struct {
	*world
	*testing.T
	ns string
}

// tell begins a story in a namespace of its own, which ends with it.
func tell(t *testing.T, ns string) *story {
	t.Helper()
	s := &story{world: theWorld(t), T: t, ns: ns}
	s.kubectl("apiVersion: v1\nkind: Namespace\nmetadata: {name: " + ns + "}")
	t.Cleanup(func() { s.end(t) })
	return s
}

// end takes the story's releases away, so that the next one has the controller for itself.
func (s *story) end(t *testing.T) {
	ctx := context.Background()
	for _, gvr := range []schema.GroupVersionResource{helmReleases, applications} {
		if err := s.dynamic.Resource(gvr).Namespace(s.ns).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil && !apierrors.IsNotFound(err) {
			t.Error(err)
		}
	}
}

// part is the same story for a subtest.
func (s *story) part(t *testing.T) *story { return &story{world: s.world, T: t, ns: s.ns} }

// kubectl applies documents as kubectl would.
func (s *story) kubectl(text string) {
	s.Helper()
	if err := s.apply(context.Background(), text); err != nil {
		s.Fatal(err)
	}
}

// apply applies documents, waiting for kinds that were only just defined.
func (w *world) apply(ctx context.Context, text string) error {
	docs := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	for {
		u := &unstructured.Unstructured{}
		if err := docs.Decode(&u.Object); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if u.Object == nil {
			continue
		}
		gvr, _ := meta.UnsafeGuessKindToResource(u.GroupVersionKind())
		c := w.dynamic.Resource(gvr)
		ctx, cancel := context.WithTimeout(ctx, patient)
		var err error
		for {
			opts := metav1.ApplyOptions{FieldManager: "kubectl", Force: true}
			if u.GetNamespace() != "" {
				_, err = c.Namespace(u.GetNamespace()).Apply(ctx, u.GetName(), u, opts)
			} else {
				_, err = c.Apply(ctx, u.GetName(), u, opts)
			}
			if !apierrors.IsNotFound(err) {
				break
			}
		}
		cancel()
		if err != nil {
			return fmt.Errorf("applying %s %q: %w", u.GetKind(), u.GetName(), err)
		}
	}
}

// commit changes a branch of a repository and tells the controller, as a Git host would.
func (s *story) commit(repo, branch string, files map[string]string, remove ...string) string {
	s.Helper()
	return s.commitTo(s.git, s.gitURL, repo, branch, files, remove...)
}

func (s *story) commitTo(server *testkit.GitServer, base, repo, branch string, files map[string]string, remove ...string) string {
	s.Helper()
	id := s.quietCommit(server, repo, branch, files, remove...)
	s.push(base, repo, branch, id)
	return id
}

// push tells the controller's webhook of a commit.
func (s *story) push(base, repo, branch, id string) {
	s.Helper()
	err := testkit.SendPush(s.Context(), "http://"+s.listen+"/webhook", "", base+"/"+repo+".git",
		testkit.GitPush{Repository: repo, Ref: "refs/heads/" + branch, New: id, Old: strings.Repeat("0", 40)})
	if err != nil {
		s.Fatal(err)
	}
}

// quietCommit changes a branch and tells nobody. Content that begins with "-> " is a symlink.
func (s *story) quietCommit(server *testkit.GitServer, repo, branch string, files map[string]string, remove ...string) string {
	s.Helper()
	r, err := server.Create(s.Context(), repo)
	if err != nil {
		s.Fatal(err)
	}
	c := git.Commit{Branch: branch, Files: map[string]git.File{}, Delete: remove, Message: "Change " + strings.Join(slices.Sorted(maps.Keys(files)), ", ")}
	for path, text := range files {
		f := git.File{Data: []byte(text)}
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			f = git.File{Mode: git.ModeLink, Data: []byte(target)}
		}
		c.Files[path] = f
	}
	s.committing.Lock()
	defer s.committing.Unlock()
	id, err := r.Commit(s.Context(), c)
	if err != nil {
		s.Fatal(err)
	}
	return id
}

// release reads a HelmRelease.
func (s *story) release(ns, name string) (*hr.HelmRelease, error) {
	out := &hr.HelmRelease{}
	return out, s.read(helmReleases, ns, name, out)
}

// application reads an Application.
func (s *story) application(ns, name string) (*argo.Application, error) {
	out := &argo.Application{}
	return out, s.read(applications, ns, name, out)
}

func (s *story) read(gvr schema.GroupVersionResource, ns, name string, into any) error {
	u, err := s.dynamic.Resource(gvr).Namespace(ns).Get(s.Context(), name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	return runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, into)
}

// get reads any object; it must be there.
func (s *story) get(gvr schema.GroupVersionResource, ns, name string) *unstructured.Unstructured {
	s.Helper()
	u, err := s.dynamic.Resource(gvr).Namespace(ns).Get(s.Context(), name, metav1.GetOptions{})
	if err != nil {
		s.Fatal(err)
	}
	return u
}

// patch merges into an object under a manager of its own.
func (s *story) patch(gvr schema.GroupVersionResource, ns, name, patch string) {
	s.Helper()
	_, err := s.dynamic.Resource(gvr).Namespace(ns).Patch(s.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: "kubectl-edit"})
	if err != nil {
		s.Fatal(err)
	}
}

// wantMessage waits until the ConfigMap of chart web says something.
func (s *story) wantMessage(name, want string) {
	s.Helper()
	within(s.T, patient, "ConfigMap "+name+" says "+want, func() error {
		if got := message(s.get(configMaps, s.ns, name)); got != want {
			return fmt.Errorf("it says %q", got)
		}
		return nil
	})
}

// onDisk writes files into a folder of their own, for a tool that reads them there.
func (s *story) onDisk(files map[string]string) string {
	s.Helper()
	dir := s.TempDir()
	for p, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(p))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			s.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			s.Fatal(err)
		}
	}
	return dir
}

// condition is a HelmRelease's condition, with an empty status where there is none.
func condition(r *hr.HelmRelease, kind string) hr.HelmReleaseCondition {
	for _, c := range r.Status.Conditions {
		if string(c.Type) == kind {
			return c
		}
	}
	return hr.HelmReleaseCondition{}
}

// released waits until a HelmRelease is released and healthy as its spec and Git say now.
func (s *story) released(ns, name string) *hr.HelmRelease {
	s.Helper()
	return s.releasedAt(ns, name, "")
}

// releasedAt waits until that is so at a commit; an empty one stands for any.
func (s *story) releasedAt(ns, name, commit string) *hr.HelmRelease {
	s.Helper()
	var r *hr.HelmRelease
	within(s.T, patient, fmt.Sprintf("%s/%s is released at %.7s", ns, name, commit), func() (err error) {
		if r, err = s.release(ns, name); err != nil {
			return err
		}
		ok := r.Status.ObservedGeneration == r.Generation && condition(r, "Released").Status == "True" && condition(r, "Ready").Status == "True" &&
			(commit == "" || r.Status.Revision == commit)
		if !ok {
			return fmt.Errorf("generation %d: %s", r.Generation, dump(r.Status))
		}
		return nil
	})
	return r
}

// told waits until a HelmRelease's condition has a status and a message that holds all the texts.
func (s *story) told(ns, name, kind, status string, texts ...string) *hr.HelmRelease {
	s.Helper()
	var r *hr.HelmRelease
	within(s.T, patient, fmt.Sprintf("%s/%s says %s=%s %q", ns, name, kind, status, texts), func() (err error) {
		if r, err = s.release(ns, name); err != nil {
			return err
		}
		c := condition(r, kind)
		if string(c.Status) != status || r.Status.ObservedGeneration != r.Generation {
			return fmt.Errorf("generation %d: %s", r.Generation, dump(r.Status))
		}
		for _, text := range texts {
			if !strings.Contains(c.Reason+": "+c.Message, text) {
				return fmt.Errorf("%q is missing from %s", text, dump(r.Status))
			}
		}
		return nil
	})
	return r
}

func dump(v any) string {
	data, _ := json.MarshalIndent(v, "", "  ")
	return string(data)
}

// answer is what a command printed and its exit code.
type answer struct {
	code     int
	out, err string
}

// fairlead runs the program as a user does.
func (s *story) fairlead(args ...string) answer {
	s.Helper()
	return s.command(program, append(args, "--kubeconfig", s.kubeconfig)...)
}

// helm runs the real helm.
func (s *story) helm(args ...string) answer {
	s.Helper()
	return s.command(helmBinary(s.T), append(args, "--kubeconfig", s.kubeconfig)...)
}

func (s *story) command(bin string, args ...string) answer {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 2*time.Minute)
	defer cancel()
	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(ctx, bin, args...)
	cmd.Stdout, cmd.Stderr = &out, &errOut
	cmd.Env = []string{"HOME=" + tempDir, "PATH=/usr/local/bin:/usr/bin:/bin", "CI=true"}
	err := cmd.Run()
	if cmd.ProcessState == nil {
		s.Fatal(err)
	}
	return answer{cmd.ProcessState.ExitCode(), out.String(), errOut.String()}
}

// want checks an exit code and that the output holds texts.
func (s *story) want(a answer, code int, texts ...string) {
	s.Helper()
	missing := slices.DeleteFunc(slices.Clone(texts), func(t string) bool { return strings.Contains(a.out+a.err, t) })
	if a.code != code || len(missing) > 0 {
		s.Errorf("exit code %d, want %d; missing %q\nstdout:\n%s\nstderr:\n%s", a.code, code, missing, a.out, a.err)
	}
}
