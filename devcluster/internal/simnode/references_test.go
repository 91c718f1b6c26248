package simnode

import (
	"testing"

	v1 "k8s.io/api/core/v1"
)

// objects is a source of fixed contents, by "kind/name".
type objects map[string][]string

func (o objects) configMapKeys(_, name string) (map[string]bool, bool) { return o.keys("cm/" + name) }
func (o objects) secretKeys(_, name string) (map[string]bool, bool)    { return o.keys("secret/" + name) }

func (o objects) keys(id string) (map[string]bool, bool) {
	list, found := o[id]
	set := map[string]bool{}
	for _, k := range list {
		set[k] = true
	}
	return set, found
}

func TestResolveContainer(t *testing.T) {
	src := objects{"secret/db": {"url"}, "cm/app": {"mode"}}
	yes := true
	secret := func(name, key string, optional *bool) v1.Container {
		return v1.Container{Env: []v1.EnvVar{{Name: "A", ValueFrom: &v1.EnvVarSource{SecretKeyRef: &v1.SecretKeySelector{
			LocalObjectReference: v1.LocalObjectReference{Name: name}, Key: key, Optional: optional}}}}}
	}
	config := func(name, key string) v1.Container {
		return v1.Container{Env: []v1.EnvVar{{Name: "A", ValueFrom: &v1.EnvVarSource{ConfigMapKeyRef: &v1.ConfigMapKeySelector{
			LocalObjectReference: v1.LocalObjectReference{Name: name}, Key: key}}}}}
	}
	from := func(name string) v1.Container {
		return v1.Container{EnvFrom: []v1.EnvFromSource{{ConfigMapRef: &v1.ConfigMapEnvSource{LocalObjectReference: v1.LocalObjectReference{Name: name}}}}}
	}
	tests := []struct {
		name      string
		container v1.Container
		want      string
	}{
		{"nothing", v1.Container{Env: []v1.EnvVar{{Name: "A", Value: "1"}}}, ""},
		{"secret key", secret("db", "url", nil), ""},
		{"secret missing", secret("other", "url", nil), `secret "other" not found`},
		{"secret missing but optional", secret("other", "url", &yes), ""},
		{"secret key missing", secret("db", "password", nil), "couldn't find key password in Secret shop/db"},
		{"config key", config("app", "mode"), ""},
		{"config key missing", config("app", "level"), "couldn't find key level in ConfigMap shop/app"},
		{"all of a config", from("app"), ""},
		{"all of a missing config", from("none"), `configmap "none" not found`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := resolveContainer("shop", &test.container, src); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestResolveVolumes(t *testing.T) {
	src := objects{"secret/tls": {"tls.crt"}, "cm/app": {"config.yaml"}}
	yes := true
	configMap := func(name string, optional *bool, keys ...string) v1.VolumeSource {
		v := &v1.ConfigMapVolumeSource{LocalObjectReference: v1.LocalObjectReference{Name: name}, Optional: optional}
		for _, k := range keys {
			v.Items = append(v.Items, v1.KeyToPath{Key: k, Path: k})
		}
		return v1.VolumeSource{ConfigMap: v}
	}
	tests := []struct {
		name   string
		source v1.VolumeSource
		want   string
	}{
		{"empty dir", v1.VolumeSource{EmptyDir: &v1.EmptyDirVolumeSource{}}, ""},
		{"config", configMap("app", nil, "config.yaml"), ""},
		{"config missing", configMap("none", nil), `configmap "none" not found`},
		{"config missing but optional", configMap("none", &yes), ""},
		{"config key missing", configMap("app", nil, "x"), "configmap references non-existent config key: x"},
		{"secret", v1.VolumeSource{Secret: &v1.SecretVolumeSource{SecretName: "tls"}}, ""},
		{"secret missing", v1.VolumeSource{Secret: &v1.SecretVolumeSource{SecretName: "none"}}, `secret "none" not found`},
		{"projected secret missing", v1.VolumeSource{Projected: &v1.ProjectedVolumeSource{Sources: []v1.VolumeProjection{
			{Secret: &v1.SecretProjection{LocalObjectReference: v1.LocalObjectReference{Name: "none"}}}}}}, `secret "none" not found`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			pod := newPod("", func(p *v1.Pod) { p.Spec.Volumes = []v1.Volume{{Name: "v", VolumeSource: test.source}} })
			got := ""
			if fault := resolveVolumes(pod, src); fault != nil {
				got = fault.message
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
