package main

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/fairlead-cd/fairlead/api/crds"
)

// style is how a controller is asked for releases and how it says that one is done.
type style struct {
	gvr     schema.GroupVersionResource
	request func(f *fleet, i int) *unstructured.Unstructured
	// file is a release's own in Git, with the request in it; nil makes requests in the cluster, and
	// then only their values are in Git.
	file func(f *fleet, i int) (name, text string)
	// before is what has to exist before the first request.
	before func(f *fleet) []*unstructured.Unstructured
	// ready says whether a request is done with what it asks for now.
	ready func(u *unstructured.Unstructured) bool
	// pushed tells of a commit where there is no webhook; nil has one, or polls.
	pushed func(ctx context.Context, w *world, touched []int) error
}

var helmReleases = schema.GroupVersionResource{Group: "helm.fluxcd.io", Version: "v1", Resource: "helmreleases"}

// styles by the name that a peer's description uses.
func styles() map[string]style {
	return map[string]style{
		"helmrelease": {gvr: helmReleases, request: helmRelease, ready: readyCondition},
		"root":        {gvr: helmReleases, request: inlineHelmRelease, file: releaseFile, ready: readyCondition},
		"registry":    {gvr: helmReleases, request: publishedHelmRelease, ready: readyCondition, pushed: changeValues},
		"application": {
			gvr:     schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "applications"},
			request: application, ready: syncedAndHealthy,
		},
		"argocd": {
			gvr:     schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "applications"},
			request: argoApplication, before: appProject, ready: syncedAndHealthy, pushed: refreshApplications,
		},
		"flux": {
			gvr:     schema.GroupVersionResource{Group: "helm.toolkit.fluxcd.io", Version: "v2", Resource: "helmreleases"},
			request: fluxHelmRelease, before: fluxRepository, ready: readyCondition, pushed: reconcileFlux,
		},
	}
}

// object reads an object written as YAML.
func object(format string, args ...any) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(fmt.Appendf(nil, format, args...), &u.Object); err != nil {
		panic(err) // the text is below
	}
	return u
}

func helmRelease(f *fleet, i int) *unstructured.Unstructured {
	return object(`
apiVersion: helm.fluxcd.io/v1
kind: HelmRelease
metadata: {name: %[1]s, namespace: %[2]s}
spec:
  releaseName: %[1]s
  chart: {git: %[3]q, ref: %[4]s, path: %[5]s}
  valuesFrom: [{chartFileRef: {path: ../../%[6]s}}]
`, releaseName(i), namespace, f.url, branch, chartPath, valuesPath(i))
}

// inlineHelmRelease has its values in itself, as it would lie in a folder that is applied as it is.
func inlineHelmRelease(f *fleet, i int) *unstructured.Unstructured {
	u := helmRelease(f, i)
	spec := u.Object["spec"].(map[string]any)
	delete(spec, "valuesFrom")
	spec["values"] = map[string]any{"message": f.messages[i]}
	return u
}

// publishedHelmRelease takes the newest chart of the registry, and is changed in the cluster.
func publishedHelmRelease(f *fleet, i int) *unstructured.Unstructured {
	u := inlineHelmRelease(f, i)
	u.Object["spec"].(map[string]any)["chart"] = map[string]any{"repository": "oci://" + f.charts, "name": path.Base(chartPath), "version": "*"}
	return u
}

func releaseFile(f *fleet, i int) (name, text string) {
	data, err := yaml.Marshal(inlineHelmRelease(f, i).Object)
	if err != nil {
		panic(err) // maps of strings
	}
	return path.Join(releasesPath, releaseName(i)+".yaml"), string(data)
}

func application(f *fleet, i int) *unstructured.Unstructured {
	return object(`
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: %[1]s, namespace: %[2]s}
spec:
  project: default
  source: {repoURL: %[3]q, targetRevision: %[4]s, path: %[5]s, helm: {releaseName: %[1]s, valueFiles: [../../%[6]s]}}
  destination: {server: "https://kubernetes.default.svc", namespace: %[2]s}
  syncPolicy: {automated: {prune: true, selfHeal: true}}
`, releaseName(i), namespace, f.url, branch, chartPath, valuesPath(i))
}

// argoApplication follows what Argo CD's manual advises for many applications in one repository
// (operator-manual/high_availability.md, "Monorepo Scaling Considerations"): a full name of the
// branch, and the paths that matter, so that a commit elsewhere makes nothing anew.
func argoApplication(f *fleet, i int) *unstructured.Unstructured {
	u := application(f, i)
	u.SetAnnotations(map[string]string{"argocd.argoproj.io/manifest-generate-paths": ".;/" + valuesPath(i)})
	source := u.Object["spec"].(map[string]any)["source"].(map[string]any)
	source["targetRevision"] = "refs/heads/" + branch
	return u
}

func appProject(*fleet) []*unstructured.Unstructured {
	return []*unstructured.Unstructured{object(`
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: default, namespace: %s}
spec: {sourceRepos: ["*"], destinations: [{namespace: "*", server: "*"}], clusterResourceWhitelist: [{group: "*", kind: "*"}]}
`, namespace)}
}

func fluxRepository(f *fleet) []*unstructured.Unstructured {
	return []*unstructured.Unstructured{object(`
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: fleet, namespace: %s}
spec: {interval: 1h, url: %q, ref: {branch: %s}}
`, namespace, f.url, branch)}
}

// fluxHelmRelease has its values in itself: with files of the repository as values, each commit would
// make all charts anew, whatever it touches.
func fluxHelmRelease(f *fleet, i int) *unstructured.Unstructured {
	return object(`
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: %[1]s, namespace: %[2]s}
spec:
  interval: 1m
  releaseName: %[1]s
  driftDetection: {mode: enabled}
  chart:
    spec:
      chart: %[3]s
      sourceRef: {kind: GitRepository, name: fleet}
  values: {message: %[4]q}
`, releaseName(i), namespace, chartPath, f.messages[i])
}

// readyCondition is Kubernetes' usual way to say so, of the generation that is asked for.
func readyCondition(u *unstructured.Unstructured) bool {
	observed, _, _ := unstructured.NestedInt64(u.Object, "status", "observedGeneration")
	conditions, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	for _, c := range conditions {
		if c, ok := c.(map[string]any); ok && c["type"] == "Ready" {
			return c["status"] == "True" && observed == u.GetGeneration()
		}
	}
	return false
}

func syncedAndHealthy(u *unstructured.Unstructured) bool {
	sync, _, _ := unstructured.NestedString(u.Object, "status", "sync", "status")
	health, _, _ := unstructured.NestedString(u.Object, "status", "health", "status")
	return sync == "Synced" && health == "Healthy"
}

// refreshApplications does what Argo CD's webhook does with the applications a push touched.
func refreshApplications(ctx context.Context, w *world, touched []int) error {
	gvr := styles()["argocd"].gvr
	return each(ctx, len(touched), 16, func(ctx context.Context, k int) error {
		return w.merge(ctx, gvr, releaseName(touched[k]), `{"metadata":{"annotations":{"argocd.argoproj.io/refresh":"normal"}}}`)
	})
}

// reconcileFlux does what Flux does with a push once it has read it: kustomize-controller writes the
// HelmReleases whose manifests changed, and a Receiver has source-controller fetch a chart that did.
func reconcileFlux(ctx context.Context, w *world, touched []int) error {
	if w.fleet.head == w.fleet.reissued {
		gvr := schema.GroupVersionResource{Group: "source.toolkit.fluxcd.io", Version: "v1", Resource: "gitrepositories"}
		return w.merge(ctx, gvr, "fleet", `{"metadata":{"annotations":{"reconcile.fluxcd.io/requestedAt":%q}}}`, w.fleet.head)
	}
	return writeValues(ctx, w, styles()["flux"].gvr, touched)
}

// changeValues changes the HelmReleases that a commit touches. Of a chart it tells nothing: a registry
// sends no pushes.
func changeValues(ctx context.Context, w *world, touched []int) error {
	if w.fleet.head == w.fleet.reissued {
		return nil
	}
	return writeValues(ctx, w, helmReleases, touched)
}

func writeValues(ctx context.Context, w *world, gvr schema.GroupVersionResource, touched []int) error {
	return each(ctx, len(touched), 16, func(ctx context.Context, k int) error {
		i := touched[k]
		return w.merge(ctx, gvr, releaseName(i), `{"spec":{"values":{"message":%q}}}`, w.fleet.messages[i])
	})
}

// merge patches an object in the namespace of the releases.
func (w *world) merge(ctx context.Context, gvr schema.GroupVersionResource, name, format string, args ...any) error {
	_, err := w.dynamic.Resource(gvr).Namespace(namespace).Patch(ctx, name, types.MergePatchType, fmt.Appendf(nil, format, args...), metav1.PatchOptions{})
	return err
}

// createRequest asks for a release.
func createRequest(ctx context.Context, w *world, gvr schema.GroupVersionResource, u *unstructured.Unstructured) error {
	_, err := w.dynamic.Resource(gvr).Namespace(namespace).Create(ctx, u, metav1.CreateOptions{FieldManager: "bench"})
	return err
}

// warm asks for a release in a dry run: the first object of a new kind takes the API server seconds,
// which are not the subject's.
func warm(ctx context.Context, w *world, gvr schema.GroupVersionResource, u *unstructured.Unstructured) error {
	_, err := w.dynamic.Resource(gvr).Namespace(namespace).Create(ctx, u, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	return err
}

// installCRDs installs Fairlead's own kinds, and its namespace.
func installCRDs(ctx context.Context, w *world) error {
	if err := w.install(ctx, "apiVersion: v1\nkind: Namespace\nmetadata: {name: fairlead-system}"); err != nil {
		return err
	}
	names, err := fs.Glob(crds.Files, "*.yaml")
	if err != nil {
		return err
	}
	for _, name := range names {
		data, err := crds.Files.ReadFile(name)
		if err != nil {
			return err
		}
		if err := w.install(ctx, string(data)); err != nil {
			return fmt.Errorf("installing %s: %w", name, err)
		}
	}
	return nil
}

// install applies the documents of a manifest and waits until kinds it defines can be used.
func (w *world) install(ctx context.Context, text string) error {
	for _, doc := range strings.Split(text, "\n---") {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(strings.TrimPrefix(doc, "---")), &u.Object); err != nil {
			return err
		}
		if len(u.Object) == 0 {
			continue
		}
		if err := w.apply(ctx, u); err != nil {
			return err
		}
		if u.GetKind() == "CustomResourceDefinition" {
			if err := w.established(ctx, u); err != nil {
				return err
			}
		}
	}
	return nil
}

// established waits until objects of a kind that was defined can be made.
func (w *world) established(ctx context.Context, crd *unstructured.Unstructured) error {
	gvr := schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	one := metav1.ListOptions{FieldSelector: "metadata.name=" + crd.GetName()}
	watch, err := w.dynamic.Resource(gvr).Watch(ctx, one)
	if err != nil {
		return err
	}
	defer watch.Stop()
	for event := range watch.ResultChan() {
		u, ok := event.Object.(*unstructured.Unstructured)
		if !ok {
			continue
		}
		conditions, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
		for _, c := range conditions {
			if c, ok := c.(map[string]any); ok && c["type"] == "Established" && c["status"] == "True" {
				return nil
			}
		}
	}
	return fmt.Errorf("waiting for %s: %w", crd.GetName(), context.Cause(ctx))
}
