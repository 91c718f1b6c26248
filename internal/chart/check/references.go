package check

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/fairlead-cd/fairlead/internal/chart/kubeschema"
)

// whole is all that one case renders, to judge what refers to what.
type whole struct {
	*judge
	name    string // of the case
	objects []*Object
	pods    []pod
}

func (j *judge) whole(name string, objects []*Object) {
	w := &whole{judge: j, name: name, objects: objects}
	for _, o := range objects {
		if p, ok := podOf(o); ok {
			w.pods = append(w.pods, p)
		}
	}
	for _, o := range objects {
		switch o.Key.Group + "/" + o.Key.Kind {
		case "apps/Deployment", "apps/StatefulSet", "apps/DaemonSet", "apps/ReplicaSet":
			w.ownSelector(o)
		case "/Service":
			w.service(o)
		case "autoscaling/HorizontalPodAutoscaler":
			w.autoscaler(o)
		case "policy/PodDisruptionBudget":
			w.selects(o, fields("spec", "selector"), mapAt(o.Body, "spec", "selector"))
		case "networking.k8s.io/NetworkPolicy":
			if s := mapAt(o.Body, "spec", "podSelector"); len(s) > 0 {
				w.selects(o, fields("spec", "podSelector"), s)
			}
		case "networking.k8s.io/Ingress":
			w.ingress(o)
		case "monitoring.coreos.com/ServiceMonitor":
			w.serviceMonitor(o)
		}
	}
	for _, p := range w.pods {
		w.keys(p)
		w.token(p)
	}
}

// tell adds a finding of this case. Where every toggle is turned at once, values can contradict each
// other that nobody would set together.
func (w *whole) tell(o *Object, path kubeschema.Path, f Finding, format string, args ...any) {
	f.Message, f.Cases = fmt.Sprintf(format, args...), []string{w.name}
	f.Severity = cmp.Or(f.Severity, ruleByID(f.Rule).Severity)
	if c := w.cases[w.name]; c.Kind == CaseAll || c.Kind == CaseAPIs && c.flip != nil {
		f.Severity = f.Severity.less()
	}
	w.add(o, path, f)
}

func (w *whole) find(group, kind, name string) *Object {
	for _, o := range w.objects {
		if o.Key.Group == group && o.Key.Kind == kind && o.Key.Name == name {
			return o
		}
	}
	return nil
}

// ownSelector: a workload's selector has to match its own pods, or the API server refuses it.
func (w *whole) ownSelector(o *Object) {
	p, ok := podOf(o)
	selector := mapAt(o.Body, "spec", "selector")
	switch {
	case !ok:
		return
	case selector == nil:
		w.tell(o, fields("spec", "selector"), Finding{Rule: "selector-mismatch"}, "there is no selector")
		return
	case matchesSelector(selector, p.labels):
		return
	}
	w.tell(o, fields("spec", "selector"), Finding{Rule: "selector-mismatch"},
		"the selector %s does not match the pods' own labels %s", labelText(mapAt(selector, "matchLabels")), labelText(p.labels))
}

// service: its selector should match pods of the chart, and the ports it names exist in them.
func (w *whole) service(o *Object) {
	selector := mapAt(o.Body, "spec", "selector")
	if len(selector) == 0 || textAt(o.Body, "spec", "type") == "ExternalName" || len(w.pods) == 0 {
		return
	}
	names, found := map[string]bool{}, false
	for _, p := range w.pods {
		if !matches(selector, p.labels) {
			continue
		}
		found = true
		for _, c := range p.containers() {
			for _, port := range listAt(c.body, "ports") {
				names[textAt(port, "name")] = true
			}
		}
	}
	if !found {
		w.tell(o, fields("spec", "selector"), Finding{Rule: "service-without-pods"}, "no pod of the chart has the labels %s", labelText(selector))
		return
	}
	delete(names, "")
	for i, port := range listAt(o.Body, "spec", "ports") {
		if target := textAt(port, "targetPort"); target != "" && !digits(target) && !names[target] {
			w.tell(o, fields("spec", "ports").At(i).Field("targetPort"), Finding{Rule: "port-missing"},
				"the pods have no port named %q%s", target, ofNames(names))
		}
	}
}

func (w *whole) autoscaler(o *Object) {
	ref := mapAt(o.Body, "spec", "scaleTargetRef")
	kind, name := textAt(ref, "kind"), textAt(ref, "name")
	if !slices.Contains([]string{"Deployment", "StatefulSet", "ReplicaSet"}, kind) || w.find("apps", kind, name) != nil {
		return
	}
	w.tell(o, fields("spec", "scaleTargetRef", "name"), Finding{Rule: "target-missing"}, "it scales %s/%s, which the chart does not make", kind, name)
}

// selects: an object for pods should find some.
func (w *whole) selects(o *Object, path kubeschema.Path, selector map[string]any) {
	if selector == nil || len(w.pods) == 0 || slices.ContainsFunc(w.pods, func(p pod) bool { return matchesSelector(selector, p.labels) }) {
		return
	}
	w.tell(o, path, Finding{Rule: "target-missing", Severity: Warning, Fix: ruleByID("selector-mismatch").Fix},
		"no pod of the chart has the labels %s", labelText(mapAt(selector, "matchLabels")))
}

func (w *whole) ingress(o *Object) {
	check := func(backend any, path kubeschema.Path) {
		service := mapAt(backend, "service")
		// The AWS load balancer's controller: the name is of an annotation, and of no Service.
		if service == nil || textAt(service, "port", "name") == "use-annotation" {
			return
		}
		target := w.find("", "Service", textAt(service, "name"))
		if target == nil {
			w.tell(o, path.Field("service").Field("name"), Finding{Rule: "target-missing", Severity: Warning},
				"it leads to the Service %q, which the chart does not make", textAt(service, "name"))
			return
		}
		w.servicePort(o, path.Field("service").Field("port"), target, at(service, "port", "name"), at(service, "port", "number"))
	}
	check(at(o.Body, "spec", "defaultBackend"), fields("spec", "defaultBackend"))
	for i, rule := range listAt(o.Body, "spec", "rules") {
		path := fields("spec", "rules").At(i).Field("http").Field("paths")
		for k, p := range listAt(rule, "http", "paths") {
			check(at(p, "backend"), path.At(k).Field("backend"))
		}
	}
}

// servicePort: a Service has to have the port that another object names.
func (w *whole) servicePort(o *Object, path kubeschema.Path, service *Object, name, number any) {
	names := map[string]bool{}
	for _, port := range listAt(service.Body, "spec", "ports") {
		if name != nil && at(port, "name") == name || number != nil && at(port, "port") == number {
			return
		}
		label := textAt(port, "name")
		if n, ok := at(port, "port").(json.Number); ok && (number != nil || label == "") {
			label = n.String()
		}
		names[label] = true
	}
	wanted, field := name, "name"
	if wanted == nil || wanted == "" {
		wanted, field = number, "number"
	}
	if wanted == nil {
		return
	}
	w.tell(o, path.Field(field), Finding{Rule: "port-missing"}, "Service/%s has no port %v%s", service.Key.Name, wanted, ofNames(names))
}

func (w *whole) serviceMonitor(o *Object) {
	selector := mapAt(o.Body, "spec", "selector")
	if mapAt(o.Body, "spec", "namespaceSelector") != nil {
		return // elsewhere
	}
	var services []*Object
	for _, s := range w.objects {
		if s.Key.Group == "" && s.Key.Kind == "Service" && matchesSelector(selector, mapAt(s.Body, "metadata", "labels")) {
			services = append(services, s)
		}
	}
	if len(services) == 0 {
		w.tell(o, fields("spec", "selector"), Finding{Rule: "target-missing", Severity: Warning},
			"no Service of the chart has the labels %s", labelText(mapAt(selector, "matchLabels")))
		return
	}
	for i, e := range listAt(o.Body, "spec", "endpoints") {
		name := textAt(e, "port")
		has := func(s *Object) bool {
			return slices.ContainsFunc(listAt(s.Body, "spec", "ports"), func(p any) bool { return textAt(p, "name") == name })
		}
		if name != "" && !slices.ContainsFunc(services, has) {
			w.tell(o, fields("spec", "endpoints").At(i).Field("port"), Finding{Rule: "port-missing"}, "no Service it selects has a port named %q", name)
		}
	}
}

// keys: where a container takes a key of a ConfigMap or Secret that the chart makes, the key has to
// be there, or the pod never starts.
func (w *whole) keys(p pod) {
	for _, c := range p.containers() {
		for i, e := range listAt(c.body, "env") {
			for _, from := range []struct{ field, kind string }{{"configMapKeyRef", "ConfigMap"}, {"secretKeyRef", "Secret"}} {
				ref := mapAt(e, "valueFrom", from.field)
				if ref == nil || at(ref, "optional") == true {
					continue
				}
				source := w.find("", from.kind, textAt(ref, "name"))
				if source == nil || hasKey(source.Body, textAt(ref, "key")) {
					continue
				}
				w.tell(p.owner, c.path.Field("env").At(i).Field("valueFrom").Field(from.field).Field("key"), Finding{Rule: "key-missing"},
					"%s/%s has no key %q for the variable %s", from.kind, source.Key.Name, textAt(ref, "key"), textAt(e, "name"))
			}
		}
	}
}

func hasKey(body map[string]any, key string) bool {
	for _, part := range []string{"data", "stringData", "binaryData"} {
		if _, ok := mapAt(body, part)[key]; ok {
			return true
		}
	}
	return false
}

// token: a pod that gets a token for the API should have something to do with it.
func (w *whole) token(p pod) {
	if at(p.spec, "automountServiceAccountToken") != nil {
		if at(p.spec, "automountServiceAccountToken") == false || w.bound(textAt(p.spec, "serviceAccountName")) {
			return
		}
	} else {
		name := textAt(p.spec, "serviceAccountName")
		account := w.find("", "ServiceAccount", name)
		// Of an account that someone else makes nothing is known.
		if name != "" && account == nil || account != nil && at(account.Body, "automountServiceAccountToken") == false || w.bound(name) {
			return
		}
	}
	o := p.owner
	if !w.cases[w.name].given() && w.known[containerKey(o, nil)] {
		return // flipping what gives it rights, or its token, is meant so
	}
	f := Finding{Rule: "service-account-token"}
	if o.isTest() {
		f.Severity = Info
	}
	w.tell(o, p.path.Field("automountServiceAccountToken"), f, "its pods get a token for the Kubernetes API, and the chart gives them no rights there")
}

// bound reports whether the chart gives a service account any rights.
func (w *whole) bound(name string) bool {
	for _, o := range w.objects {
		if o.Key.Group != "rbac.authorization.k8s.io" || o.Key.Kind != "RoleBinding" && o.Key.Kind != "ClusterRoleBinding" {
			continue
		}
		for _, s := range listAt(o.Body, "subjects") {
			if textAt(s, "kind") == "ServiceAccount" && textAt(s, "name") == name {
				return true
			}
		}
	}
	return false
}
