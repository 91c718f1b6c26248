package simnode

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
)

// source looks up the objects pods refer to. An answer is only ever "these are its keys"
// or "there is no such object": whoever implements it must have listed everything before.
type source interface {
	configMapKeys(namespace, name string) (map[string]bool, bool)
	secretKeys(namespace, name string) (map[string]bool, bool)
}

// resolveVolumes returns the first volume of the pod whose source does not exist, or nil.
func resolveVolumes(pod *v1.Pod, src source) *volumeFault {
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		if message := resolveVolume(pod.Namespace, v, src); message != "" {
			return &volumeFault{volume: v.Name, message: message}
		}
	}
	return nil
}

func resolveVolume(namespace string, v *v1.Volume, src source) string {
	switch {
	case v.ConfigMap != nil:
		keys, found := src.configMapKeys(namespace, v.ConfigMap.Name)
		return missingItems("configmap", v.ConfigMap.Name, keys, found, v.ConfigMap.Items, v.ConfigMap.Optional)
	case v.Secret != nil:
		keys, found := src.secretKeys(namespace, v.Secret.SecretName)
		return missingItems("secret", v.Secret.SecretName, keys, found, v.Secret.Items, v.Secret.Optional)
	case v.Projected != nil:
		for _, p := range v.Projected.Sources {
			message := ""
			if p.ConfigMap != nil {
				keys, found := src.configMapKeys(namespace, p.ConfigMap.Name)
				message = missingItems("configmap", p.ConfigMap.Name, keys, found, p.ConfigMap.Items, p.ConfigMap.Optional)
			} else if p.Secret != nil {
				keys, found := src.secretKeys(namespace, p.Secret.Name)
				message = missingItems("secret", p.Secret.Name, keys, found, p.Secret.Items, p.Secret.Optional)
			}
			if message != "" {
				return message
			}
		}
	}
	return ""
}

func missingItems(kind, name string, keys map[string]bool, found bool, items []v1.KeyToPath, optional *bool) string {
	if optional != nil && *optional {
		return ""
	}
	if !found {
		return notFound(kind, name)
	}
	for _, item := range items {
		if !keys[item.Key] {
			if kind == "secret" {
				return "references non-existent secret key: " + item.Key
			}
			return "configmap references non-existent config key: " + item.Key
		}
	}
	return ""
}

// resolveEnvironment says, by container, which reference of its environment leads nowhere.
func resolveEnvironment(pod *v1.Pod, src source) map[string]string {
	faults := map[string]string{}
	for _, list := range [][]v1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			if message := resolveContainer(pod.Namespace, &list[i], src); message != "" {
				faults[list[i].Name] = message
			}
		}
	}
	return faults
}

func resolveContainer(namespace string, c *v1.Container, src source) string {
	for _, from := range c.EnvFrom {
		if r := from.ConfigMapRef; r != nil && !isTrue(r.Optional) {
			if _, found := src.configMapKeys(namespace, r.Name); !found {
				return notFound("configmap", r.Name)
			}
		}
		if r := from.SecretRef; r != nil && !isTrue(r.Optional) {
			if _, found := src.secretKeys(namespace, r.Name); !found {
				return notFound("secret", r.Name)
			}
		}
	}
	for _, env := range c.Env {
		if env.ValueFrom == nil {
			continue
		}
		if r := env.ValueFrom.ConfigMapKeyRef; r != nil && !isTrue(r.Optional) {
			keys, found := src.configMapKeys(namespace, r.Name)
			if message := missingKey("configmap", "ConfigMap", namespace, r.Name, r.Key, keys, found); message != "" {
				return message
			}
		}
		if r := env.ValueFrom.SecretKeyRef; r != nil && !isTrue(r.Optional) {
			keys, found := src.secretKeys(namespace, r.Name)
			if message := missingKey("secret", "Secret", namespace, r.Name, r.Key, keys, found); message != "" {
				return message
			}
		}
	}
	return ""
}

func missingKey(resource, kind, namespace, name, key string, keys map[string]bool, found bool) string {
	switch {
	case !found:
		return notFound(resource, name)
	case !keys[key]:
		return fmt.Sprintf("couldn't find key %v in %s %v/%v", key, kind, namespace, name)
	default:
		return ""
	}
}

func notFound(kind, name string) string { return fmt.Sprintf("%s %q not found", kind, name) }

func isTrue(b *bool) bool { return b != nil && *b }
