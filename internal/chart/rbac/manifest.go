package rbac

import (
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"
)

// Subject is who gets the rights.
type Subject struct {
	Kind      string // ServiceAccount, User or Group
	Name      string
	Namespace string // of a ServiceAccount
}

// Manifest is an object that gives rights, and the rules with their reasons where it has some.
type Manifest struct {
	Object map[string]any
	Rules  []Rule
}

// Manifests are the objects to apply: the service account, and for each namespace a Role and a
// binding. name is what they are called.
func (res Result) Manifests(in Input, name string, to Subject) []Manifest {
	var all []Manifest
	if to.Kind == "ServiceAccount" {
		all = append(all, Manifest{Object: object("v1", "ServiceAccount", to.Name, to.Namespace)})
	}
	for _, ns := range res.Namespaces() {
		kind, called := "Role", name
		if ns == "" {
			kind, called = "ClusterRole", in.Namespace+"-"+name // cluster-wide names must tell releases apart
		}
		rules := res.Rules(in, ns)
		role := object(rbacGroup+"/v1", kind, called, ns)
		var plain []any
		for _, r := range rules {
			plain = append(plain, r.object())
		}
		role["rules"] = plain
		binding := object(rbacGroup+"/v1", kind+"Binding", called, ns)
		binding["roleRef"] = map[string]any{"apiGroup": rbacGroup, "kind": kind, "name": called}
		binding["subjects"] = []any{to.object()}
		all = append(all, Manifest{Object: role, Rules: rules}, Manifest{Object: binding})
	}
	return all
}

func object(apiVersion, kind, name, namespace string) map[string]any {
	md := map[string]any{"name": name}
	if namespace != "" {
		md["namespace"] = namespace
	}
	return map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": md}
}

func (s Subject) object() map[string]any {
	o := map[string]any{"kind": s.Kind, "name": s.Name}
	if s.Kind == "ServiceAccount" {
		o["namespace"] = s.Namespace
	} else {
		o["apiGroup"] = rbacGroup
	}
	return o
}

func (r Rule) object() map[string]any {
	o := map[string]any{"verbs": anys(r.Verbs)}
	if len(r.URLs) > 0 {
		o["nonResourceURLs"] = anys(r.URLs)
		return o
	}
	o["apiGroups"], o["resources"] = anys(r.Groups), anys(r.Resources)
	if len(r.Names) > 0 {
		o["resourceNames"] = anys(r.Names)
	}
	return o
}

func anys(list []string) []any {
	all := make([]any, len(list))
	for i, s := range list {
		all[i] = s
	}
	return all
}

// YAML writes manifests with the reasons as comments.
func YAML(manifests []Manifest) (string, error) {
	var b strings.Builder
	for i, m := range manifests {
		if i > 0 {
			b.WriteString("---\n")
		}
		head := map[string]any{}
		for k, v := range m.Object {
			if k != "rules" {
				head[k] = v
			}
		}
		text, err := yaml.Marshal(head)
		if err != nil {
			return "", fmt.Errorf("writing %v: %w", m.Object["kind"], err)
		}
		b.Write(text)
		if _, ok := m.Object["rules"]; !ok {
			continue
		}
		b.WriteString("rules:\n")
		for _, r := range m.Rules {
			for _, line := range r.Why {
				b.WriteString("# " + strings.ReplaceAll(line, "\n", " ") + "\n")
			}
			b.WriteString(r.yaml())
		}
	}
	return b.String(), nil
}

// yaml writes a rule with its lists on one line each, in the order people expect.
func (r Rule) yaml() string {
	var b strings.Builder
	lead := "- "
	line := func(key string, values []string) {
		if len(values) == 0 {
			return
		}
		quoted := make([]string, len(values))
		for i, v := range values {
			quoted[i] = scalar(v)
		}
		b.WriteString(lead + key + ": [" + strings.Join(quoted, ", ") + "]\n")
		lead = "  "
	}
	line("nonResourceURLs", r.URLs)
	line("apiGroups", r.Groups)
	line("resources", r.Resources)
	line("resourceNames", r.Names)
	line("verbs", r.Verbs)
	return b.String()
}

// scalar quotes what is not a plain word.
func scalar(s string) string {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '/' {
			return fmt.Sprintf("%q", s)
		}
	}
	if s == "" || s[0] < 'a' || s == "true" || s == "false" || s == "null" || s == "yes" || s == "no" || s == "on" || s == "off" || s == "y" || s == "n" {
		return fmt.Sprintf("%q", s)
	}
	return s
}
