package local

import (
	"context"
	"fmt"
	"net/http"
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

// awaitHealthy watches the releases of the reference application until each is healthy or has
// failed, and tells what is wrong with those that are not healthy. Whoever broke one by a push
// still wants the rest of the installation to run.
func (in *installation) awaitHealthy(ctx context.Context) ([]string, error) {
	in.Say("waiting for the reference application in %d environments", len(environments))
	client, err := in.client()
	if err != nil {
		return nil, err
	}
	patience, cancel := context.WithTimeout(ctx, healthyPatience)
	defer cancel()
	settled, err := in.awaitSettled(patience, client)
	if err != nil && ctx.Err() != nil {
		return nil, err
	}
	var problems []string
	for _, env := range environments {
		switch state, ok := settled[env]; {
		case !ok:
			problems = append(problems, fmt.Sprintf("%s: not healthy after %s; see: fairlead why, and %s", env, healthyPatience, filepath.Join(in.info.Logs, "controller.log")))
		case !state.ready:
			problems = append(problems, env+": "+state.message)
		}
	}
	if err := in.addEnvironments(ctx, client); err != nil {
		return nil, err
	}
	return problems, in.awaitAnswers(ctx, settled)
}

// settlement is what a release came to.
type settlement struct {
	ready   bool
	message string
}

// awaitSettled returns what each environment's release came to, as soon as all came to something.
func (in *installation) awaitSettled(ctx context.Context, client dynamic.Interface) (map[string]settlement, error) {
	told := map[string]string{}
	settled := map[string]settlement{}
	for len(settled) < len(environments) {
		w, err := client.Resource(releaseResource).Watch(ctx, metav1.ListOptions{})
		if err != nil {
			return settled, fmt.Errorf("watching the releases: %w", err)
		}
		for e := range w.ResultChan() {
			u, ok := e.Object.(*unstructured.Unstructured)
			if !ok {
				break
			}
			status, message := readiness(u)
			if text := u.GetName() + ": " + message; message != "" && told[u.GetName()] != text {
				told[u.GetName()] = text
				in.Say("%s", text)
			}
			delete(settled, u.GetNamespace())
			if status == "True" || status == "False" {
				settled[u.GetNamespace()] = settlement{ready: status == "True", message: message}
			}
			if len(settled) == len(environments) {
				break
			}
		}
		w.Stop()
		if ctx.Err() != nil {
			return settled, ctx.Err()
		}
	}
	return settled, nil
}

// awaitAnswers asks each application until it answers at the address that is about to be told:
// a Service's rules are written a moment after its pods are ready, and after a restart a release
// may still be called healthy by the run before.
func (in *installation) awaitAnswers(ctx context.Context, settled map[string]settlement) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	client := http.Client{Timeout: 2 * time.Second}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for _, env := range in.snapshot().Environments {
		for env.URL != "" && settled[env.Namespace].ready {
			err := ask(ctx, &client, env.URL+"/health")
			if err == nil {
				break
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return fmt.Errorf("waiting for %s to answer: %w (last: %w)", env.URL, ctx.Err(), err)
			}
		}
	}
	return nil
}

func ask(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s", response.Status)
	}
	return nil
}

// readiness is the status and message of a release's condition Ready, empty while the status is of
// an older spec.
func readiness(u *unstructured.Unstructured) (status, message string) {
	conditions, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	observed, _, _ := unstructured.NestedInt64(u.Object, "status", "observedGeneration")
	if observed != u.GetGeneration() {
		return "", ""
	}
	for _, c := range conditions {
		m, ok := c.(map[string]any)
		if !ok || m["type"] != "Ready" {
			continue
		}
		status, _ = m["status"].(string)
		message, _ = m["message"].(string)
	}
	return status, message
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
