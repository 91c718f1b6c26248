package rbac

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// object adds the rights with which an object is deployed.
func (c *computation) object(o *model.Object) {
	at := c.place(o)
	all := at
	all.Name = ""
	switch {
	case o.Hook != nil:
		c.hook(o, at, all)
	case isCRDFile(o):
		c.crd(o, at, all)
	default:
		verbs := []string{"get", "create", "patch"}
		if !kept(o) {
			verbs = append(verbs, "delete")
		}
		c.addAll(at, why(ForObject, o), verbs...)
		c.addAll(all, why(ForWaiting, o), "list", "watch")
	}
	c.parts(o, all.Namespace)
	c.routeHost(o, at)
}

// hook adds the rights for a hook: the last one is deleted, it is applied, waited for and deleted,
// and never read by name.
func (c *computation) hook(o *model.Object, at, all Right) {
	verbs := []string{"create", "patch", "delete"}
	if o.Key.Name == "" { // generateName: only a plain create makes it, and nobody knows what it is called
		at = all
		verbs = slices.DeleteFunc(verbs, func(v string) bool { return v == "patch" })
	}
	c.addAll(at, why(ForHook, o), verbs...)
	c.addAll(all, why(ForWaiting, o), "list", "watch")
	if c.Tool == Helm && annotation(o, "helm.sh/hook-output-log-policy") != "" {
		pods := Right{Namespace: all.Namespace, Resource: "pods"}
		c.addAll(pods, why(ForLogs, o), "list")
		pods.Resource = "pods/log"
		c.addAll(pods, why(ForLogs, o), "get")
	}
}

// crd adds the rights for a definition of a crds/ folder.
func (c *computation) crd(o *model.Object, at, all Right) {
	verbs := []string{"create", "patch"}
	if c.Tool == Fairlead {
		verbs = append(verbs, "get")
	}
	c.addAll(at, why(ForCRD, o), verbs...)
	c.addAll(all, why(ForWaiting, o), "list", "watch")
}

// parts adds what Helm reads to tell whether a workload is ready: it lists what the workload made
// (fluxcd/cli-utils, pkg/kstatus/polling/statusreaders). Of a ReplicaSet it would like to see the
// pods, and does without.
func (c *computation) parts(o *model.Object, namespace string) {
	if c.Tool != Helm || o.Key.Group != "apps" || o.Hook != nil {
		return
	}
	switch o.Key.Kind {
	case "Deployment":
		c.addAll(Right{Namespace: namespace, Group: "apps", Resource: "replicasets"}, why(ForParts, o), "list")
	case "StatefulSet", "ReplicaSet":
		c.addAll(Right{Namespace: namespace, Resource: "pods"}, why(ForParts, o), "list")
	}
}

// routeHost adds what OpenShift asks of who sets a Route's host or certificate himself
// (openshift/library-go, pkg/route/hostassignment).
func (c *computation) routeHost(o *model.Object, at Right) {
	if o.Key.Group != "route.openshift.io" || o.Key.Kind != "Route" {
		return
	}
	var route struct {
		Spec struct {
			Host string
			TLS  *struct{ Certificate, Key, CACertificate string }
		}
	}
	if err := json.Unmarshal(o.Body, &route); err != nil {
		c.unreadable(o, "its spec")
		return
	}
	tls := route.Spec.TLS
	if route.Spec.Host == "" && (tls == nil || tls.Certificate+tls.Key+tls.CACertificate == "") {
		return
	}
	at.Resource, at.Name = "routes/custom-host", ""
	c.addAll(at, why(ForHost, o), "create", "update")
}

// kept reports whether an object outlives its release.
func kept(o *model.Object) bool {
	return strings.EqualFold(strings.TrimSpace(annotation(o, "helm.sh/resource-policy")), "keep")
}

func annotation(o *model.Object, name string) string {
	var head struct {
		Metadata struct {
			Annotations map[string]any
		}
	}
	if json.Unmarshal(o.Body, &head) != nil {
		return ""
	}
	value, _ := head.Metadata.Annotations[name].(string)
	return value
}
