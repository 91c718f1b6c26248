package local

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"

	"github.com/fairlead-cd/fairlead/internal/git"
)

var (
	releaseResource = schema.GroupVersionResource{Group: "helm.fluxcd.io", Version: "v1", Resource: "helmreleases"}
	serviceResource = schema.GroupVersionResource{Version: "v1", Resource: "services"}
)

// healthyPatience is how long the applications may take, image pull included.
const healthyPatience = 5 * time.Minute

// awaitHealthy watches the releases of the fleet repository until each is healthy or has failed,
// and tells what is wrong with those that are not healthy. Whoever broke one by a push still wants
// the rest of the installation to run.
func (in *installation) awaitHealthy(ctx context.Context, repo *git.Repo) ([]string, error) {
	releases, err := wantedReleases(ctx, repo)
	if err != nil {
		return nil, err
	}
	in.Say("waiting for %d releases of the fleet repository", len(releases))
	client, err := in.client()
	if err != nil {
		return nil, err
	}
	patience, cancel := context.WithTimeout(ctx, healthyPatience)
	defer cancel()
	settled, err := in.awaitSettled(patience, client, releases)
	if err != nil && patience.Err() == nil || ctx.Err() != nil {
		return nil, err
	}
	var problems []string
	for _, w := range releases {
		switch state, ok := settled[w.key()]; {
		case !ok:
			problems = append(problems, fmt.Sprintf("%s: not healthy after %s; see: fairlead why %s, and %s", w.key(), healthyPatience, w.key(), filepath.Join(in.info.Logs, "controller.log")))
		case !state.ready:
			problems = append(problems, w.key()+": "+state.message)
		}
	}
	if err := in.addEnvironments(ctx, client, releases); err != nil {
		return nil, err
	}
	return append(problems, in.awaitAnswers(ctx, settled)...), ctx.Err()
}

// settlement is what a release came to.
type settlement struct {
	ready   bool
	message string
}

// awaitSettled returns what each release came to, as soon as all came to something.
func (in *installation) awaitSettled(ctx context.Context, client dynamic.Interface, releases []wanted) (map[string]settlement, error) {
	told := map[string]string{}
	settled := map[string]settlement{}
	asked, pending := map[string]bool{}, map[string]bool{}
	for _, w := range releases {
		asked[w.key()], pending[w.key()] = true, true
	}
	follow := func(e watch.Event, u *unstructured.Unstructured) {
		key := u.GetNamespace() + "/" + u.GetName()
		if !asked[key] {
			return
		}
		status, message := readiness(u)
		if e.Type == watch.Deleted {
			status, message = "False", "it is deleted"
		}
		if message != "" && told[key] != message {
			told[key] = message
			in.Say("%s: %s", key, message)
		}
		if status == "True" || status == "False" {
			settled[key] = settlement{ready: status == "True", message: message}
			delete(pending, key)
			return
		}
		delete(settled, key) // it has been pushed to since
		pending[key] = true
	}
	tick := time.NewTicker(restartPause) // between watches that fail
	defer tick.Stop()
	for {
		if w, err := client.Resource(releaseResource).Watch(ctx, metav1.ListOptions{}); err == nil {
			for len(pending) > 0 {
				e := <-w.ResultChan()
				u, ok := e.Object.(*unstructured.Unstructured)
				if !ok {
					break // an error, or the end
				}
				follow(e, u)
			}
			w.Stop()
		}
		if len(pending) == 0 {
			return settled, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return settled, ctx.Err()
		}
	}
}

// answerPatience is how long a healthy application may take to answer: a Service's rules are
// written a moment after its pods are ready, and after a restart a release may still be called
// healthy by the run before.
const answerPatience = time.Minute

// awaitAnswers asks each application until it answers at the address that is about to be told, and
// tells which do not.
func (in *installation) awaitAnswers(ctx context.Context, settled map[string]settlement) []string {
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	client := http.Client{Timeout: 2 * time.Second}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var problems []string
	for _, env := range in.snapshot().Environments {
		key := env.Namespace + "/" + env.Release
		for waiting := env.URL != "" && settled[key].ready; waiting; {
			err := ask(ctx, &client, env.URL+"/health")
			if err == nil {
				break
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				problems = append(problems, fmt.Sprintf("%s: %s does not answer: %v", key, env.URL, err))
				waiting = false
			}
		}
	}
	return problems
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
	if response.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("it answers %s", response.Status)
	}
	return nil // also when an application of someone's own has no such page
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
func (in *installation) addEnvironments(ctx context.Context, client dynamic.Interface, releases []wanted) error {
	envs := []Environment{}
	for _, w := range releases {
		env := Environment{Name: w.namespace, Namespace: w.namespace, Release: w.name}
		if in.snapshot().Node == "containerd" {
			var err error
			if env.URL, err = serviceURL(ctx, client, w); err != nil {
				return err
			}
		}
		envs = append(envs, env)
	}
	in.update(func(i *Info) { i.Environments = envs })
	return nil
}

// serviceURL is the address of a release's Service, empty where it has none that speaks HTTP.
func serviceURL(ctx context.Context, client dynamic.Interface, w wanted) (string, error) {
	services, err := client.Resource(serviceResource).Namespace(w.target).List(ctx, metav1.ListOptions{
		LabelSelector: labels.Set{"app.kubernetes.io/instance": w.instance}.String(),
	})
	if err != nil {
		return "", fmt.Errorf("listing the services of %q: %w", w.key(), err)
	}
	for i := range services.Items {
		ip, _, _ := unstructured.NestedString(services.Items[i].Object, "spec", "clusterIP")
		ports, _, _ := unstructured.NestedSlice(services.Items[i].Object, "spec", "ports")
		if ip == "" || ip == "None" {
			continue
		}
		for _, p := range ports {
			port, _ := p.(map[string]any)
			name, _ := port["name"].(string)
			number, ok := port["port"].(int64)
			if ok && (name == "" || name == "http" || name == "web") {
				return "http://" + net.JoinHostPort(ip, strconv.FormatInt(number, 10)), nil
			}
		}
	}
	return "", nil
}
