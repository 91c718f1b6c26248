package registrysecret

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// fieldManager owns what this command writes: a release that has the same Secret in its chart sees
// that it is not its own.
const fieldManager = "fairlead-registry-secret"

// What became of the Secret.
const (
	created   = "created"
	updated   = "updated"
	unchanged = "unchanged"
)

// registrySecretRun observes the Secret, decides, and writes at most once.
func registrySecretRun(ctx context.Context, o *Options) error {
	c, err := o.Cluster()
	if err != nil {
		return err
	}
	secrets := c.Typed.CoreV1().Secrets(o.Namespace)
	live, err := secrets.Get(ctx, o.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		live, err = nil, nil
	}
	if err != nil {
		return fmt.Errorf("reading Secret %s/%s: %w", o.Namespace, o.Name, err)
	}
	want, action, err := o.decide(live)
	if err != nil {
		return err
	}
	if action == unchanged {
		return o.print(action, want.servers())
	}
	data, err := want.encode()
	if err != nil {
		return err
	}
	desired := applycorev1.Secret(o.Name, o.Namespace).WithType(corev1.SecretTypeDockerConfigJson).
		WithData(map[string][]byte{corev1.DockerConfigJsonKey: data})
	if live != nil {
		desired.WithResourceVersion(live.ResourceVersion) // what was decided upon is what is changed
	}
	opts := metav1.ApplyOptions{FieldManager: fieldManager, Force: true}
	if o.DryRun {
		opts.DryRun = []string{metav1.DryRunAll}
	}
	if _, err := secrets.Apply(ctx, desired, opts); err != nil {
		quotable := want.secrets(data)
		if live != nil { // a webhook sees what was there before, too
			before := live.Data[corev1.DockerConfigJsonKey]
			if have, err := parseConfig(before); err == nil {
				quotable = append(quotable, have.secrets(before)...)
			}
		}
		return o.explain(scrub(err, quotable...))
	}
	return o.print(action, want.servers())
}

// decide says what the Secret is to hold, and whether that is a change.
func (o *Options) decide(live *corev1.Secret) (dockerConfig, string, error) {
	want := dockerConfig{Auths: map[string]login{o.Server: newLogin(o.Username, o.Password, o.Email)}}
	if live == nil {
		return want, created, nil
	}
	key := model.ObjectKey{Kind: "Secret", Namespace: o.Namespace, Name: o.Name}
	if live.Type != corev1.SecretTypeDockerConfigJson {
		return want, "", &model.Error{Kind: model.ErrConflict, Reason: "OtherType", Object: key,
			Msg:  fmt.Sprintf("it exists with the type %s: it is something else's and is left alone", live.Type),
			Next: "choose another name, or delete it first if nothing uses it"}
	}
	if owner := metav1.GetControllerOf(live); owner != nil {
		return want, "", &model.Error{Kind: model.ErrConflict, Reason: "Controlled", Object: key,
			Msg:  fmt.Sprintf("%s/%s keeps this Secret and would undo the change", owner.Kind, owner.Name),
			Next: "change it there, or choose another name"}
	}
	have, err := parseConfig(live.Data[corev1.DockerConfigJsonKey])
	if err != nil && o.Add {
		return want, "", &model.Error{Kind: model.ErrInvalid, Reason: "Unreadable", Object: key, Err: err,
			Msg: "adding to what it holds", Next: "without --add it is replaced by this one registry"}
	}
	if o.Add {
		for server, l := range have.Auths {
			if server != o.Server {
				want.Auths[server] = l
			}
		}
	}
	if err == nil && want.equal(have) {
		return want, unchanged, nil
	}
	if live.Immutable != nil && *live.Immutable {
		return want, "", &model.Error{Kind: model.ErrConflict, Reason: "Immutable", Object: key,
			Msg: "it is immutable and holds something else", Next: "delete it first, or choose another name"}
	}
	return want, updated, nil
}

// explain says what to do about a refused write.
func (o *Options) explain(err error) error {
	key := model.ObjectKey{Kind: "Secret", Namespace: o.Namespace, Name: o.Name}
	switch {
	case apierrors.IsNotFound(err):
		return &model.Error{Kind: model.ErrNotFound, Reason: "NoNamespace", Msg: fmt.Sprintf("there is no namespace %s", o.Namespace), Next: "kubectl create namespace " + o.Namespace}
	case apierrors.IsConflict(err):
		return &model.Error{Kind: model.ErrConflict, Reason: "Changed", Object: key, Msg: "someone changed it in the same moment", Next: "run the command again"}
	}
	return fmt.Errorf("writing Secret %s/%s: %w", o.Namespace, o.Name, err)
}
