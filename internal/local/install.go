package local

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"github.com/fairlead-cd/fairlead/api/crds"
	"github.com/fairlead-cd/fairlead/internal/config"
	"github.com/fairlead-cd/fairlead/internal/git"
)

var (
	crdResource       = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	namespaceResource = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
)

// ConfigFile is the controller's configuration, in the folder of the installation.
const ConfigFile = "controller.yaml"

func (in *installation) configPath() string { return filepath.Join(in.Dir, ConfigFile) }

// install puts into place what the controller finds when it starts: the fleet repository, the
// kinds it reads, its namespace and its configuration.
func (in *installation) install(ctx context.Context, digest string) (*git.Repo, error) {
	repo, err := in.git.Create(ctx, fleetName)
	if err != nil {
		return nil, fmt.Errorf("making the fleet repository: %w", err)
	}
	names := map[string]string{"GIT": in.info.Git, "REGISTRY": in.info.Registry, "DIGEST": digest}
	if err := seedFleet(ctx, repo, names, in.Now()); err != nil {
		return nil, err
	}
	client, err := in.client()
	if err != nil {
		return nil, err
	}
	if err := applyNamespace(ctx, client, config.DefaultNamespace); err != nil {
		return nil, err
	}
	if err := applyCRDs(ctx, client); err != nil {
		return nil, err
	}
	return repo, in.writeConfig()
}

func (in *installation) client() (dynamic.Interface, error) {
	cfg, err := clientcmd.BuildConfigFromFlags("", in.info.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading the cluster's kubeconfig: %w", err)
	}
	cfg.QPS = -1
	return dynamic.NewForConfig(cfg)
}

func applyNamespace(ctx context.Context, client dynamic.Interface, name string) error {
	body := []byte(fmt.Sprintf(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q}}`, name))
	return serverSideApply(ctx, client.Resource(namespaceResource), name, body)
}

// applyCRDs applies the kinds Fairlead reads and waits until the API server serves them.
func applyCRDs(ctx context.Context, client dynamic.Interface) error {
	files, err := fs.Glob(crds.Files, "*.yaml")
	if err != nil {
		return err
	}
	resource := client.Resource(crdResource)
	for _, file := range files {
		data, err := crds.Files.ReadFile(file)
		if err != nil {
			return err
		}
		body, err := yaml.YAMLToJSON(data)
		if err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
		var u unstructured.Unstructured
		if err := u.UnmarshalJSON(body); err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
		if err := serverSideApply(ctx, resource, u.GetName(), body); err != nil {
			return err
		}
		if err := awaitEstablished(ctx, resource, u.GetName()); err != nil {
			return err
		}
	}
	return nil
}

func serverSideApply(ctx context.Context, resource dynamic.ResourceInterface, name string, body []byte) error {
	force := true
	_, err := resource.Patch(ctx, name, types.ApplyPatchType, body, metav1.PatchOptions{FieldManager: "fairlead-install", Force: &force})
	if err != nil {
		return fmt.Errorf("applying %q: %w", name, err)
	}
	return nil
}

func awaitEstablished(ctx context.Context, resource dynamic.ResourceInterface, name string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		w, err := resource.Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name})
		if err != nil {
			return fmt.Errorf("watching CustomResourceDefinition %q: %w", name, err)
		}
		for e := range w.ResultChan() {
			if u, ok := e.Object.(*unstructured.Unstructured); ok && established(u) {
				w.Stop()
				return nil
			}
		}
		if ctx.Err() != nil {
			return fmt.Errorf("waiting for CustomResourceDefinition %q to be served: %w", name, ctx.Err())
		}
	}
}

func established(u *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	for _, c := range conditions {
		m, ok := c.(map[string]any)
		if ok && m["type"] == "Established" && m["status"] == "True" {
			return true
		}
	}
	return false
}

// writeConfig writes the controller's configuration. A person may have added to it since: what
// is there is kept, but for what this installation knows better.
func (in *installation) writeConfig() error {
	var c config.Config
	data, err := os.ReadFile(in.configPath())
	if err == nil {
		if err := yaml.UnmarshalStrict(data, &c); err != nil {
			return fmt.Errorf("reading %s: %w", in.configPath(), err)
		}
	} else if !os.IsNotExist(err) {
		return err
	}
	c.CacheDir = filepath.Join(in.Dir, "cache", "controller")
	c.Listen = loopback(in.ports.Controller)
	c.Webhook.SecretFiles = []string{secretPath(in.Dir)}
	fleet := config.Root{
		Name: fleetName, URL: in.info.Git, Ref: "main", Paths: fleetPaths, Prune: true,
	}
	roots := []config.Root{fleet}
	for _, r := range c.Roots {
		if r.Name != fleetName {
			roots = append(roots, r)
		}
	}
	c.Roots = roots
	if data, err = yaml.Marshal(c); err != nil {
		return err
	}
	head := "# Written by fairlead up; roots, rewrites and credentials that are added here are kept.\n"
	return os.WriteFile(in.configPath(), append([]byte(head), data...), 0o600)
}
