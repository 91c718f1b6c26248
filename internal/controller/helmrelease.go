package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	v1 "github.com/fairlead-cd/fairlead/api/helmfluxcd/v1"
	"github.com/fairlead-cd/fairlead/internal/model"
)

var helmReleases = schema.GroupVersionResource{Group: v1.GroupVersion.Group, Version: v1.GroupVersion.Version, Resource: "helmreleases"}

// helmRelease reads a HelmRelease of the Helm Operator as a release. What its fields mean is said
// in https://github.com/fluxcd/helm-operator, docs/references/helmrelease-custom-resource.md.
func (r *Reconciler) helmRelease(ctx context.Context, id model.ReleaseID, hr *v1.HelmRelease) (model.Release, error) {
	spec := &hr.Spec
	rel := model.Release{
		ID: id, Name: helmReleaseName(hr), Namespace: placeOf(hr).namespace, Renderer: model.RenderHelm,
		Policy:     model.Policy{Automated: true, SelfHeal: true, Prune: true, Rollback: spec.Rollback.Enable},
		Generation: hr.Generation,
	}
	if spec.Timeout != nil {
		rel.Timeout = time.Duration(*spec.Timeout) * time.Second
	}
	if spec.MaxHistory != nil {
		rel.MaxHistory = *spec.MaxHistory
	}
	var err error
	if rel.Source, err = r.chartSource(ctx, id, hr); err != nil {
		return rel, err
	}
	rel.Values, err = r.helmReleaseValues(ctx, id, hr)
	rel.Source.Files = valuesBeside(rel.Source, rel.Values)
	return rel, err
}

// placeOf is the Helm release a HelmRelease asks for.
func placeOf(hr *v1.HelmRelease) releaseName {
	if hr.Spec.TargetNamespace != "" {
		return releaseName{hr.Spec.TargetNamespace, helmReleaseName(hr)}
	}
	return releaseName{hr.Namespace, helmReleaseName(hr)}
}

// helmReleaseName is the Helm Operator's rule for the name of a release that names none.
func helmReleaseName(hr *v1.HelmRelease) string {
	switch {
	case hr.Spec.ReleaseName != "":
		return hr.Spec.ReleaseName
	case hr.Spec.TargetNamespace != "" && hr.Spec.TargetNamespace != hr.Namespace:
		return hr.Namespace + "-" + hr.Spec.TargetNamespace + "-" + hr.Name
	}
	return hr.Namespace + "-" + hr.Name
}

// chartSource is where the chart comes from: Git, or a Helm repository.
func (r *Reconciler) chartSource(ctx context.Context, id model.ReleaseID, hr *v1.HelmRelease) (model.Ref, error) {
	c := &hr.Spec.Chart
	switch {
	case c.GitURL != "" && c.RepoURL != "":
		return model.Ref{}, invalidSpec("spec.chart", "has both git and repository", "keep one of them")
	case c.GitURL != "" && c.Path == "":
		return model.Ref{}, invalidSpec("spec.chart.path", "is missing", "name the chart's folder below the repository's root")
	case c.GitURL != "":
		ref := model.Ref{Kind: model.SourceGit, URL: c.GitURL, Git: model.GitRef{Name: c.Ref}, Path: c.Path}
		if ref.Git.Name == "" {
			ref.Git.Name = r.config.DefaultGitRef
		}
		namespace, name := hr.Namespace, ""
		if s := c.SecretRef; s != nil {
			name = s.Name
			if s.Namespace != "" {
				namespace = s.Namespace
			}
		}
		var err error
		ref.Auth, err = r.auth(ctx, id, ref.URL, namespace, name)
		return ref, err
	case c.RepoURL != "":
		if c.Name == "" {
			return model.Ref{}, invalidSpec("spec.chart.name", "is missing", "name the chart in the Helm repository")
		}
		ref := chartRef(c.RepoURL, c.Name, c.Version)
		name := ""
		if c.ChartPullSecret != nil {
			name = c.ChartPullSecret.Name
		}
		var err error
		ref.Auth, err = r.auth(ctx, id, ref.URL, hr.Namespace, name)
		return ref, err
	}
	return model.Ref{}, invalidSpec("spec.chart", "names no chart", "set git and path, or repository, name and version")
}

// helmReleaseValues are the layers of values in the Helm Operator's order: the deprecated
// valueFileSecrets, then valuesFrom in its order, then values.
func (r *Reconciler) helmReleaseValues(ctx context.Context, id model.ReleaseID, hr *v1.HelmRelease) ([]model.ValuesLayer, error) {
	var layers []model.ValuesLayer
	for _, s := range hr.Spec.ValueFileSecrets {
		l, err := r.valuesKey(ctx, id, "Secret", hr.Namespace, &v1.OptionalKeySelector{Name: s.Name})
		if err != nil {
			return nil, err
		}
		layers = append(layers, l...)
	}
	for i, s := range hr.Spec.ValuesFrom {
		var l []model.ValuesLayer
		var err error
		switch {
		case s.ConfigMapKeyRef != nil:
			l, err = r.valuesKey(ctx, id, "ConfigMap", hr.Namespace, s.ConfigMapKeyRef)
		case s.SecretKeyRef != nil:
			l, err = r.valuesKey(ctx, id, "Secret", hr.Namespace, s.SecretKeyRef)
		case s.ChartFileRef != nil:
			l = []model.ValuesLayer{{
				Origin: fmt.Sprintf("spec.valuesFrom[%d]: chart file %s", i, s.ChartFileRef.Path), File: s.ChartFileRef.Path,
				Optional: s.ChartFileRef.Optional != nil && *s.ChartFileRef.Optional,
			}}
		case s.ExternalSourceRef != nil:
			err = invalidSpec(fmt.Sprintf("spec.valuesFrom[%d].externalSourceRef", i), "is not supported: values must not change outside of Git",
				"put the values into the repository or into a ConfigMap")
		}
		if err != nil {
			return nil, err
		}
		layers = append(layers, l...)
	}
	if hr.Spec.Values != nil && len(hr.Spec.Values.Raw) > 0 {
		layers = append(layers, model.ValuesLayer{Origin: "spec.values", YAML: hr.Spec.Values.Raw})
	}
	return layers, nil
}

// valuesKey reads one key of a Secret or ConfigMap as a layer of values; none when it is optional
// and missing.
func (r *Reconciler) valuesKey(ctx context.Context, id model.ReleaseID, kind, namespace string, s *v1.OptionalKeySelector) ([]model.ValuesLayer, error) {
	if s.Namespace != "" {
		namespace = s.Namespace
	}
	name := s.Key
	if name == "" {
		name = "values.yaml"
	}
	key := model.ObjectKey{Kind: kind, Namespace: namespace, Name: s.Name}
	data, err := r.named.Data(ctx, id, key)
	content, found := data[name]
	switch {
	case err != nil && !errors.Is(err, errNoObject):
		return nil, err
	case found:
		return []model.ValuesLayer{{
			Origin: fmt.Sprintf("%s %s/%s key %q", kind, namespace, s.Name, name), YAML: content, Sensitive: kind == "Secret",
		}}, nil
	case s.Optional:
		return nil, nil
	}
	what := fmt.Sprintf("has no key %q", name)
	if err != nil {
		what = "does not exist"
	}
	return nil, &model.Error{
		Kind: model.ErrNotFound, Reason: "ValuesNotFound", Object: key, Msg: fmt.Sprintf("%s, and values are taken from it", what),
		Next: "create it, or set optional: true on the reference",
	}
}

// chartRef is a chart in a Helm repository or, for oci:// URLs, in a registry.
func chartRef(url, name, version string) model.Ref {
	if len(url) > 6 && url[:6] == "oci://" {
		return model.Ref{Kind: model.SourceOCI, URL: url, Chart: name, Version: version}
	}
	return model.Ref{Kind: model.SourceHelm, URL: url, Chart: name, Version: version}
}

// invalidSpec is what is wrong with a field of a request.
func invalidSpec(path, msg, next string) error {
	return &model.Error{Kind: model.ErrInvalid, Reason: "InvalidSpec", Msg: path + " " + msg, Next: next}
}
