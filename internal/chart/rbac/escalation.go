package rbac

import (
	"encoding/json"

	"github.com/fairlead-cd/fairlead/internal/model"
)

const rbacGroup = "rbac.authorization.k8s.io"

// role is what is read of a Role or ClusterRole.
type role struct {
	AggregationRule *struct{}
	Rules           []policyRule
}

type policyRule struct {
	APIGroups, Resources, ResourceNames, Verbs, NonResourceURLs []string
}

// noteRole remembers the chart's own roles: what a binding to them gives is held already.
func (c *computation) noteRole(o *model.Object) {
	if o.Key.Group == rbacGroup && (o.Key.Kind == "Role" || o.Key.Kind == "ClusterRole") && (o.Hook == nil || runs(o.Hook)) {
		c.roles[c.roleKey(o.Key.Kind, c.namespaceOf(o), o.Key.Name)] = true
	}
}

func (c *computation) roleKey(kind, namespace, name string) string {
	if kind == "ClusterRole" {
		namespace = ""
	}
	return namespace + "/" + kind + "/" + name
}

func (c *computation) namespaceOf(o *model.Object) string {
	if o.Key.Namespace != "" {
		return o.Key.Namespace
	}
	return c.Namespace
}

// escalation adds what Kubernetes asks of who writes roles and bindings: to have what he gives
// (kubernetes.io, "Using RBAC Authorization", privilege escalation prevention).
func (c *computation) escalation(o *model.Object) {
	if o.Key.Group != rbacGroup {
		return
	}
	switch o.Key.Kind {
	case "Role":
		c.grants(o, c.namespaceOf(o))
	case "ClusterRole":
		c.grants(o, "")
	case "RoleBinding":
		c.binding(o, c.namespaceOf(o))
	case "ClusterRoleBinding":
		c.binding(o, "")
	}
}

func (c *computation) grants(o *model.Object, namespace string) {
	var r role
	if err := json.Unmarshal(o.Body, &r); err != nil {
		c.unreadable(o, "its rules")
		return
	}
	if r.AggregationRule != nil {
		// Only who may do everything may aggregate; escalate on this one role asks for less.
		c.addAll(Right{Namespace: namespace, Group: rbacGroup, Resource: "clusterroles", Name: o.Key.Name}, why(ForEscalation, o), "escalate")
		return
	}
	for _, rule := range r.Rules {
		for _, right := range rule.rights(namespace) {
			if right.Group == wildcard && right.Resource == wildcard && right.Verb == wildcard {
				c.warned = append(c.warned, everything(o, namespace))
			}
			c.rights.add(right, why(ForGrant, o))
		}
	}
}

// everything tells of a chart that makes its deployer an administrator.
func everything(o *model.Object, namespace string) string {
	where := "the whole cluster"
	if namespace != "" {
		where = "namespace " + namespace
	}
	return o.Origin.File + ": " + o.Key.Short() + " grants everything in " + where +
		", so whoever deploys the chart has to have that: better have an administrator deploy it, or turn the role off in the values"
}

// rights takes a rule apart, as Kubernetes does to compare (k8s.io/component-helpers,
// auth/rbac/validation, BreakdownRule).
func (p policyRule) rights(namespace string) []Right {
	var all []Right
	for _, verb := range p.Verbs {
		for _, url := range p.NonResourceURLs {
			all = append(all, Right{Namespace: namespace, Verb: verb, URL: url})
		}
		for _, group := range p.APIGroups {
			for _, resource := range p.Resources {
				names := p.ResourceNames
				if len(names) == 0 {
					names = []string{""}
				}
				for _, name := range names {
					all = append(all, Right{Namespace: namespace, Group: group, Resource: resource, Verb: verb, Name: name})
				}
			}
		}
	}
	return all
}

func (c *computation) binding(o *model.Object, namespace string) {
	var b struct {
		RoleRef struct{ Kind, Name string }
	}
	if err := json.Unmarshal(o.Body, &b); err != nil {
		c.unreadable(o, "its roleRef")
		return
	}
	purpose := ForBinding
	if c.roles[c.roleKey(b.RoleRef.Kind, namespace, b.RoleRef.Name)] {
		if c.Tool == Helm {
			return // who has what the role gives may bind it
		}
		// Fairlead asks the server beforehand, when there is no role yet whose rules could be compared.
		purpose = ForOwnBinding
	}
	resource := "roles"
	if b.RoleRef.Kind == "ClusterRole" {
		resource = "clusterroles"
	}
	c.addAll(Right{Namespace: namespace, Group: rbacGroup, Resource: resource, Name: b.RoleRef.Name}, why(purpose, o), "bind")
}
