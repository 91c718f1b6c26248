package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	argo "github.com/fairlead-cd/fairlead/api/argoproj/v1alpha1"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/record"
)

var applications = schema.GroupVersionResource{Group: argo.GroupVersion.Group, Version: argo.GroupVersion.Version, Resource: "applications"}

const annotationRefresh = argo.AnnotationRefresh

// application reads an Application of Argo CD as a release.
func (r *Reconciler) application(ctx context.Context, id model.ReleaseID, app *argo.Application) (model.Release, error) {
	rel := model.Release{
		ID: id, Name: app.Name, Namespace: app.Spec.Destination.Namespace, Generation: app.Generation,
		CreateNamespace: hasSyncOption(app, "CreateNamespace=true"),
	}
	if rel.Namespace == "" {
		rel.Namespace = "default"
	}
	if p := app.Spec.SyncPolicy; p != nil && p.Automated != nil && (p.Automated.Enabled == nil || *p.Automated.Enabled) {
		rel.Policy = model.Policy{Automated: true, SelfHeal: p.Automated.SelfHeal, Prune: p.Automated.Prune}
	}
	if op := app.Operation; op != nil && op.Sync != nil && op.Sync.Prune {
		rel.Policy.Prune = true
	}
	if app.Spec.RevisionHistoryLimit != nil {
		rel.MaxHistory = int(*app.Spec.RevisionHistoryLimit)
	}
	if err := checkApplication(app); err != nil {
		return rel, err
	}
	src := applicationSource(app)
	if src.Helm != nil && src.Helm.ReleaseName != "" {
		rel.Name = src.Helm.ReleaseName
	}
	rel.Source = sourceRef(src)
	rel.TopLevel = src.Directory == nil || !src.Directory.Recurse // as Argo CD reads a folder
	rel.Values = applicationValues(src)
	rel.Source.Files = valuesBeside(rel.Source, rel.Values)
	var err error
	rel.Source.Auth, err = r.auth(ctx, id, rel.Source.URL, app.Namespace, "")
	return rel, err
}

// checkApplication refuses what would be deployed wrongly if it were let through.
func checkApplication(app *argo.Application) error {
	src := applicationSource(app)
	d := app.Spec.Destination
	switch {
	case src == nil && len(app.Spec.Sources) > 1:
		return invalidSpec("spec.sources", "has more than one source, which is not supported yet", "use one source")
	case src == nil:
		return invalidSpec("spec.source", "is missing", "name a repository, and a path or chart in it")
	case src.RepoURL == "":
		return invalidSpec("spec.source.repoURL", "is missing", "name the repository")
	case src.Chart == "" && src.Path == "":
		return invalidSpec("spec.source.path", "is missing", "name the folder of the chart or manifests, or a chart; \".\" is the root")
	case src.Kustomize != nil || src.Plugin != nil:
		return invalidSpec("spec.source", "asks for Kustomize or a plugin, which are not supported yet", "use a chart or plain manifests")
	case d.Server != "" && d.Server != "https://kubernetes.default.svc":
		return invalidSpec("spec.destination.server", "is another cluster, which is not supported yet", "use https://kubernetes.default.svc")
	case d.Server == "" && d.Name != "" && d.Name != "in-cluster":
		return invalidSpec("spec.destination.name", "is another cluster, which is not supported yet", "use in-cluster")
	case app.Spec.Project != "" && app.Spec.Project != "default":
		return invalidSpec("spec.project", "is not default; rules of other projects are not enforced yet", "use the project default")
	}
	return nil
}

// applicationSource is the one source of an Application, or nil.
func applicationSource(app *argo.Application) *argo.ApplicationSource {
	if app.Spec.Source != nil {
		return app.Spec.Source
	}
	if len(app.Spec.Sources) == 1 {
		return &app.Spec.Sources[0]
	}
	return nil
}

func sourceRef(src *argo.ApplicationSource) model.Ref {
	if src.Chart != "" {
		url := src.RepoURL
		if !strings.Contains(url, "://") {
			url = "oci://" + url // Argo CD writes registries without a scheme
		}
		return chartRef(url, src.Chart, src.TargetRevision)
	}
	ref := model.Ref{Kind: model.SourceGit, URL: src.RepoURL, Path: src.Path, Git: model.GitRef{Name: src.TargetRevision}}
	switch {
	case src.TargetRevision == "HEAD":
		ref.Git = model.GitRef{}
	case strings.ContainsAny(src.TargetRevision, "*^~<>= |"): // Argo CD's sign for a semver range of tags
		ref.Git = model.GitRef{SemVer: src.TargetRevision}
	}
	return ref
}

// applicationValues are the layers in Argo CD's order: value files, values, valuesObject in place
// of values, parameters.
func applicationValues(src *argo.ApplicationSource) []model.ValuesLayer {
	h := src.Helm
	if h == nil {
		return nil
	}
	var layers []model.ValuesLayer
	for _, f := range h.ValueFiles {
		layers = append(layers, model.ValuesLayer{Origin: "value file " + f, File: f, Optional: h.IgnoreMissingValueFiles})
	}
	switch {
	case h.ValuesObject != nil && len(h.ValuesObject.Raw) > 0:
		layers = append(layers, model.ValuesLayer{Origin: "spec.source.helm.valuesObject", YAML: h.ValuesObject.Raw})
	case h.Values != "":
		layers = append(layers, model.ValuesLayer{Origin: "spec.source.helm.values", YAML: []byte(h.Values)})
	}
	for _, p := range h.Parameters {
		layers = append(layers, model.ValuesLayer{
			Origin: "spec.source.helm.parameters " + p.Name,
			Set:    &model.Parameter{Name: p.Name, Value: p.Value, ForceString: p.ForceString},
		})
	}
	return layers
}

func hasSyncOption(app *argo.Application, option string) bool {
	return app.Spec.SyncPolicy != nil && slices.Contains(app.Spec.SyncPolicy.SyncOptions, option)
}

// applicationHistory is the history of an Application: its status.history, completed by the
// newest record, which is kept whole in annotations.
func applicationHistory(app *argo.Application) ([]model.Record, error) {
	var latest model.Record
	if text := app.Annotations[model.AnnotationNote]; text != "" {
		if err := json.Unmarshal([]byte(text), &latest); err != nil {
			return nil, fmt.Errorf("reading annotation %s: %w", model.AnnotationNote, err)
		}
		var err error
		if latest.Inventory, err = record.DecodeInventory(app.Annotations[model.AnnotationInventory]); err != nil {
			return nil, fmt.Errorf("reading annotation %s: %w", model.AnnotationInventory, err)
		}
	}
	history := make([]model.Record, 0, len(app.Status.History)+1)
	for _, h := range app.Status.History {
		rec := model.Record{
			Revision: int(h.ID) + 1, Status: model.RecordSuperseded, Time: h.DeployedAt.Time,
			Source: model.Revision{Commit: h.Revision}, Owner: latest.Owner,
		}
		if rec.Revision < latest.Revision || latest.Revision == 0 {
			history = append(history, rec)
		}
	}
	if latest.Revision > 0 {
		history = append(history, latest)
	}
	return history, nil
}
