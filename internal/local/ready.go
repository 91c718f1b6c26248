package local

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

var (
	releaseResource = schema.GroupVersionResource{Group: "helm.fluxcd.io", Version: "v1", Resource: "helmreleases"}
	serviceResource = schema.GroupVersionResource{Version: "v1", Resource: "services"}
)

// environments are those of the fleet's template.
var environments = []string{"dev", "stg", "prod"}

// healthyPatience is how long the applications may take, image pull included.
const healthyPatience = 5 * time.Minute

// awaitHealthy watches the releases of the reference application until all are healthy.
func (in *installation) awaitHealthy(ctx context.Context) error {
	in.Say("waiting for the reference application in %d environments", len(environments))
	ctx, cancel := context.WithTimeout(ctx, healthyPatience)
	defer cancel()
	client, err := in.client()
	if err != nil {
		return err
	}
	seen := map[string]string{} // namespace -> what its release says
	ready := map[string]bool{}
	for len(ready) < len(environments) {
		w, err := client.Resource(releaseResource).Watch(ctx, metav1.ListOptions{})
		if err != nil {
			return fmt.Errorf("watching the releases: %w", err)
		}
		for e := range w.ResultChan() {
			u, ok := e.Object.(*unstructured.Unstructured)
			if !ok {
				break
			}
			status, message := readiness(u)
			if text := u.GetName() + ": " + message; message != "" && seen[u.GetName()] != text {
				seen[u.GetName()] = text
				in.Say("%s", text)
			}
			if status {
				ready[u.GetNamespace()] = true
			}
			if len(ready) == len(environments) {
				break
			}
		}
		w.Stop()
		if ctx.Err() != nil {
			return fmt.Errorf("waiting for the reference application: %w\n%v\nsee: fairlead get; log: %s", notYet(ctx), seen, filepath.Join(in.info.Logs, "controller.log"))
		}
	}
	return in.addEnvironments(ctx, client)
}

func notYet(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("not healthy after %s", healthyPatience)
	}
	return ctx.Err()
}

// readiness is what a release's condition Ready says.
func readiness(u *unstructured.Unstructured) (ready bool, message string) {
	conditions, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	observed, _, _ := unstructured.NestedInt64(u.Object, "status", "observedGeneration")
	for _, c := range conditions {
		m, ok := c.(map[string]any)
		if !ok || m["type"] != "Ready" {
			continue
		}
		message, _ = m["message"].(string)
		return m["status"] == "True" && observed == u.GetGeneration(), message
	}
	return false, ""
}

// addEnvironments finds where the applications can be reached.
func (in *installation) addEnvironments(ctx context.Context, client dynamic.Interface) error {
	var envs []Environment
	for _, name := range environments {
		releases, err := client.Resource(releaseResource).Namespace(name).List(ctx, metav1.ListOptions{})
		if err != nil {
			return fmt.Errorf("listing the releases in %q: %w", name, err)
		}
		for i := range releases.Items {
			env := Environment{Name: name, Namespace: name, Release: releases.Items[i].GetName()}
			if in.snapshot().Node == "containerd" {
				if env.URL, err = serviceURL(ctx, client, name, env.Release); err != nil {
					return err
				}
			}
			envs = append(envs, env)
		}
	}
	in.update(func(i *Info) { i.Environments = envs })
	return nil
}

// serviceURL is the address of a release's Service.
func serviceURL(ctx context.Context, client dynamic.Interface, namespace, release string) (string, error) {
	services, err := client.Resource(serviceResource).Namespace(namespace).List(ctx, metav1.ListOptions{
		LabelSelector: "app.kubernetes.io/instance=" + release,
	})
	if err != nil {
		return "", fmt.Errorf("listing the services of %q: %w", release, err)
	}
	for i := range services.Items {
		ip, _, _ := unstructured.NestedString(services.Items[i].Object, "spec", "clusterIP")
		ports, _, _ := unstructured.NestedSlice(services.Items[i].Object, "spec", "ports")
		if len(ports) == 0 || ip == "" || ip == "None" {
			continue
		}
		if port, ok := ports[0].(map[string]any)["port"].(int64); ok {
			return fmt.Sprintf("http://%s:%d", ip, port), nil
		}
	}
	return "", nil
}
