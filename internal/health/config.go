package health

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// The kubelet's words for a reference that leads nowhere (pkg/kubelet/kubelet_pods.go and the
// volume plugins).
var (
	objectMissing = pattern.New(`(?i)(secret|configmap)s? "([^"]+)" not found`)
	keyMissing    = pattern.New(`couldn't find key (\S+) in (Secret|ConfigMap) [^/\s]+/(\S+)`)
	volumeKey     = pattern.New(`references non-existent (secret|config) key: (\S+)`)
	volumeNamed   = pattern.New(`for volume "([^"]+)"`)
)

// reference is a place in a pod that wants a Secret or ConfigMap, or a key of one.
type reference struct {
	key   model.ObjectKey
	data  string // the key wanted; "" is the whole object
	place string // "env DATABASE_URL of container api", "volume config"
}

// text is "env DATABASE_URL <- Secret/api-db key "url"".
func (r reference) text() string {
	s := r.key.Short()
	if r.data != "" {
		s += fmt.Sprintf(" key %q", r.data)
	}
	if r.place == "" {
		return s
	}
	return r.place + " <- " + s
}

// config names the Secret or ConfigMap that a container cannot start without.
func (d *diagnosis) config(ctx context.Context, c *container) (*finding, error) {
	message := oneLine(clean(c.status.State.Waiting.Message))
	f := &finding{reason: "CreateContainerConfigError"}
	f.add(model.RoleObject, podKey(c.pod), "%s: %s", c.label(), c.waiting())
	ref, ok := missingReference(c.pod.Namespace, message)
	if !ok {
		f.add(model.RoleCause, podKey(c.pod), "%s", message)
		// What remains are contradictions inside the manifest: runAsNonRoot with an image that
		// runs as root, a subPath that leaves its volume.
		f.finalAfter(d.o.Rules.Missing, d.began(c.pod), d.o.Now)
		f.next = "correct the container's security context or volume mounts"
		return f, nil
	}
	ref.place = placeOf(c.pod, &c.spec, ref)
	return f, d.absent(ctx, c.pod, ref, f)
}

// missingReference reads the kubelet's message.
func missingReference(namespace, message string) (reference, bool) {
	if m := keyMissing.FindStringSubmatch(message); m != nil {
		return reference{key: model.ObjectKey{Kind: m[2], Namespace: namespace, Name: m[3]}, data: m[1]}, true
	}
	if m := objectMissing.FindStringSubmatch(message); m != nil {
		kind := "Secret"
		if strings.EqualFold(m[1], "configmap") {
			kind = "ConfigMap"
		}
		return reference{key: model.ObjectKey{Kind: kind, Namespace: namespace, Name: m[2]}}, true
	}
	return reference{}, false
}

// absent looks whether what is missing is still missing, who should make it, and tells.
func (d *diagnosis) absent(ctx context.Context, p *corev1.Pod, ref reference, f *finding) error {
	have, err := d.r.Keys(ctx, ref.key)
	gone := apierrors.IsNotFound(err)
	if err != nil && !gone {
		// Not allowed to look: the kubelet's word stands, but it is not confirmed.
		f.reason = "Missing" + ref.key.Kind
		f.add(model.RoleCause, ref.key, "%s: missing, says the kubelet", ref.text())
		return nil
	}
	lacks := ref.data != "" && !slices.ContainsFunc(have, func(k DataKey) bool { return k.Name == ref.data })
	if !gone && !lacks {
		f.reason = ReasonPodsNotReady
		f.add(model.RoleCause, ref.key, "%s exists by now: the container starts at the next try", ref.text())
		return nil
	}
	f.reason = "Missing" + ref.key.Kind
	what := ref.text() + ": does not exist"
	if !gone {
		what = ref.text() + ": key missing"
	}
	f.add(model.RoleCause, ref.key, "%s%s", what, nearby(ref, have))
	f.next = "create " + ref.key.Short() + " in namespace " + ref.key.Namespace + ", or correct the reference"
	if ref.data != "" && !gone {
		f.next = fmt.Sprintf("add key %q to %s, or correct the reference", ref.data, ref.key.Short())
	}
	maker, err := d.maker(ctx, ref.key)
	if err != nil {
		return err
	}
	switch {
	case maker.found:
		f.add(model.RoleSource, maker.key, "%s", maker.text)
		f.next = "see " + maker.key.Short()
		if maker.failed {
			f.finalAfter(3*d.o.Rules.Missing, d.began(p), d.o.Now)
		}
	case ref.key.Kind == "ConfigMap" && (ref.key.Name == "kube-root-ca.crt" || ref.key.Name == "openshift-service-ca.crt"):
		// Every namespace gets these from the cluster, a new one a moment after it was made.
		f.next = "check that kube-controller-manager runs"
	case slices.Contains(d.o.Release, ref.key) && gone:
		// The release itself brings it: it will be there when the apply is through.
	default:
		f.finalAfter(d.o.Rules.Missing, d.began(p), d.o.Now)
		d.located(f, ref.key.Name, ref.data)
	}
	return nil
}

// nearby lists the keys there are, which shows a misspelt one at a glance.
func nearby(ref reference, have []DataKey) string {
	if ref.data == "" || len(have) == 0 {
		return ""
	}
	names := make([]string, 0, len(have))
	for _, k := range have[:min(len(have), 6)] {
		names = append(names, k.Name)
	}
	if len(have) > 6 {
		names = append(names, "...")
	}
	return " (has " + strings.Join(names, ", ") + ")"
}

// placeOf finds what in the pod wants the reference, in one container or in the volumes.
func placeOf(p *corev1.Pod, c *corev1.Container, ref reference) string {
	for _, r := range envReferences(p.Namespace, c) {
		if r.key == ref.key && (ref.data == "" || r.data == ref.data || r.data == "") {
			return r.place
		}
	}
	return volumeOf(p, ref)
}

func volumeOf(p *corev1.Pod, ref reference) string {
	for _, v := range p.Spec.Volumes {
		secret := v.Secret != nil && ref.key.Kind == "Secret" && v.Secret.SecretName == ref.key.Name
		config := v.ConfigMap != nil && ref.key.Kind == "ConfigMap" && v.ConfigMap.Name == ref.key.Name
		if secret || config {
			return "volume " + v.Name
		}
		if v.Projected == nil {
			continue
		}
		for _, s := range v.Projected.Sources {
			if s.Secret != nil && ref.key.Kind == "Secret" && s.Secret.Name == ref.key.Name ||
				s.ConfigMap != nil && ref.key.Kind == "ConfigMap" && s.ConfigMap.Name == ref.key.Name {
				return "volume " + v.Name
			}
		}
	}
	return ""
}

// envReferences are the Secrets and ConfigMaps that a container's environment hangs on.
func envReferences(namespace string, c *corev1.Container) []reference {
	var refs []reference
	add := func(kind, name, data, place string) {
		refs = append(refs, reference{model.ObjectKey{Kind: kind, Namespace: namespace, Name: name}, data, place})
	}
	for _, e := range c.Env {
		if e.ValueFrom == nil {
			continue
		}
		if r := e.ValueFrom.SecretKeyRef; r != nil {
			add("Secret", r.Name, r.Key, "env "+e.Name)
		}
		if r := e.ValueFrom.ConfigMapKeyRef; r != nil {
			add("ConfigMap", r.Name, r.Key, "env "+e.Name)
		}
	}
	for _, e := range c.EnvFrom {
		if e.SecretRef != nil {
			add("Secret", e.SecretRef.Name, "", "envFrom")
		}
		if e.ConfigMapRef != nil {
			add("ConfigMap", e.ConfigMapRef.Name, "", "envFrom")
		}
	}
	return refs
}

// environment finds an environment variable of a crashing container that is unset or empty
// because of where it comes from: optional references do not stop a container from starting.
func (d *diagnosis) environment(ctx context.Context, c *container, log string, f *finding) (bool, error) {
	for _, ref := range envReferences(c.pod.Namespace, &c.spec) {
		name, isVar := strings.CutPrefix(ref.place, "env ")
		have, err := d.r.Keys(ctx, ref.key)
		if err != nil && !apierrors.IsNotFound(err) {
			continue // not allowed to look: the log has to do
		}
		i := slices.IndexFunc(have, func(k DataKey) bool { return k.Name == ref.data })
		var what string
		switch {
		case apierrors.IsNotFound(err):
			what = "does not exist"
		case ref.data != "" && i < 0:
			what = "key missing"
		case ref.data != "" && have[i].Empty:
			what = "is empty"
		default:
			continue
		}
		if isVar && log != "" && !strings.Contains(log, name) && telling.MatchString(log) && what == "is empty" {
			continue // the program complains of something else
		}
		f.add(model.RoleCause, ref.key, "%s: %s%s", ref.text(), what, nearby(ref, have))
		f.reason = "Missing" + ref.key.Kind
		f.next = "set it in " + ref.key.Short()
		maker, err := d.maker(ctx, ref.key)
		if err != nil {
			return false, err
		}
		if maker.found {
			f.add(model.RoleSource, maker.key, "%s", maker.text)
			f.next = "see " + maker.key.Short()
		} else {
			d.located(f, ref.key.Name)
		}
		return true, nil
	}
	return false, nil
}

// maker is the object that should make a Secret.
type maker struct {
	found  bool
	key    model.ObjectKey
	text   string
	failed bool
}

// maker looks for a SealedSecret, ExternalSecret or Certificate that makes this Secret: one of
// the same name, or one of the release that names it as its target.
func (d *diagnosis) maker(ctx context.Context, secret model.ObjectKey) (maker, error) {
	if secret.Kind != "Secret" {
		return maker{}, nil
	}
	candidates := []model.ObjectKey{
		{Group: "bitnami.com", Kind: "SealedSecret", Namespace: secret.Namespace, Name: secret.Name},
		{Group: "external-secrets.io", Kind: "ExternalSecret", Namespace: secret.Namespace, Name: secret.Name},
	}
	for _, k := range d.o.Release {
		named := k.Group == "external-secrets.io" && k.Kind == "ExternalSecret" || k.Group == "cert-manager.io" && k.Kind == "Certificate" ||
			k.Group == "bitnami.com" && k.Kind == "SealedSecret"
		if named && k.Namespace == secret.Namespace && k.Name != secret.Name {
			candidates = append(candidates, k)
		}
	}
	for _, k := range candidates {
		obj, err := d.r.Object(ctx, k)
		if err != nil {
			if apierrors.IsNotFound(err) || meta.IsNoMatchError(err) || apierrors.IsForbidden(err) {
				continue // none, or none of a kind this cluster knows
			}
			return maker{}, fmt.Errorf("reading %s: %w", k.Short(), err)
		}
		if targetOf(obj) != secret.Name {
			continue
		}
		h := Of(obj)
		m := maker{found: true, key: k, failed: h.Status == model.Degraded, text: k.Short() + " makes it"}
		if h.Status != model.Healthy {
			m.text = k.Short() + ": not synced: " + h.Message
		}
		return m, nil
	}
	return maker{}, nil
}

// targetOf is the name of the Secret that an object makes.
func targetOf(obj content) string {
	for _, path := range [][]string{{"spec", "target", "name"}, {"spec", "secretName"}, {"spec", "template", "metadata", "name"}} {
		if name := obj.str(path...); name != "" {
			return name
		}
	}
	return obj.str("metadata", "name")
}
