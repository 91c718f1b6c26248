package follow

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	argo "github.com/fairlead-cd/fairlead/api/argoproj/v1alpha1"
	"github.com/fairlead-cd/fairlead/internal/cli/releases"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// manager is the field manager of wishes: not that of the objects Fairlead applies.
const manager = "fairlead-cli"

// Wish is what is wanted of a release. Annotations with a nil value are removed.
type Wish struct {
	Annotations map[string]*string
	// Operation asks an Application to be deployed, also one that may not be without being asked.
	Operation *argo.Operation
}

// Sync wants a run now.
func Sync(kind model.Kind, user string, now time.Time) Wish {
	stamp := now.UTC().Format(time.RFC3339Nano)
	w := Wish{Annotations: map[string]*string{model.AnnotationSync: &stamp}}
	if kind == model.KindApplication {
		normal := "normal"
		w.Annotations[argo.AnnotationRefresh] = &normal
		w.Operation = &argo.Operation{
			Sync: &argo.SyncOperation{}, InitiatedBy: argo.OperationInitiator{Username: user},
		}
	}
	return w
}

// Hold wants the release to go back to a revision and to stay there.
func Hold(revision int, now time.Time) (Wish, error) {
	b, err := json.Marshal(model.Hold{Revision: revision, By: "fairlead rollback", Time: now.UTC().Format(time.RFC3339Nano)})
	if err != nil {
		return Wish{}, fmt.Errorf("writing the hold: %w", err)
	}
	text, stamp := string(b), now.UTC().Format(time.RFC3339Nano)
	// The sync beside it is what the controller answers.
	return Wish{Annotations: map[string]*string{model.AnnotationHold: &text, model.AnnotationSync: &stamp}}, nil
}

// Resume wants a hold to end, whoever made it.
func Resume(now time.Time) Wish {
	stamp := now.UTC().Format(time.RFC3339Nano)
	return Wish{Annotations: map[string]*string{model.AnnotationHold: nil, model.AnnotationResume: &stamp}}
}

// Granted is a wish that was written.
type Granted struct {
	token string // what the controller says it has handled, once it has
}

// handled reports whether a controller says that it dealt with the wish.
func (g Granted) handled(v releases.View) bool { return v.Handled == g.token }

// Make writes the wish to the object that asks for the release.
func Make(ctx context.Context, client dynamic.Interface, v *releases.View, w Wish) (Granted, error) {
	if v.Direct() {
		return Granted{}, &model.Error{Kind: model.ErrInvalid, Reason: "NoController",
			Msg:  fmt.Sprintf("%s is deployed without a controller: there is nobody to ask", v.Short()),
			Next: "run fairlead deploy again; fairlead diff shows what others changed since"}
	}
	resource, ok := releases.Resource(v.Kind)
	if !ok || v.Kind == model.KindRoot {
		return Granted{}, &model.Error{Kind: model.ErrInvalid, Reason: "NotAsked",
			Msg:  fmt.Sprintf("%s is a %s, which is named in the configuration and follows its repository by itself", v.Short(), v.Kind),
			Next: "commit to the repository, or act on one of the releases it brings: fairlead get"}
	}
	patch := map[string]any{"metadata": map[string]any{"annotations": w.Annotations}}
	if w.Operation != nil {
		patch["operation"] = w.Operation
	}
	body, err := json.Marshal(patch)
	if err != nil {
		return Granted{}, fmt.Errorf("writing the wish: %w", err)
	}
	obj, err := client.Resource(resource).Namespace(v.Object.Namespace).
		Patch(ctx, v.Object.Name, types.MergePatchType, body, metav1.PatchOptions{FieldManager: manager})
	if err != nil {
		return Granted{}, fmt.Errorf("annotating %s: %w", v.ID(), err)
	}
	return Granted{token: releases.WishToken(obj.GetAnnotations())}, nil
}
