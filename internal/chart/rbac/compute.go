package rbac

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Tool is who deploys.
type Tool string

// The tools.
const (
	Fairlead Tool = "fairlead"
	Helm     Tool = "helm"
)

// Input is what the rights are computed of.
type Input struct {
	Tool      Tool
	Release   string
	Namespace string
	// Rendered is the chart as it is installed and as it is upgraded: a chart may tell them apart.
	Rendered []model.Rendered
	Lookups  []Lookup // what templates look up in the cluster
	Resolve  Resolver // asked about kinds that neither the chart nor Kubernetes defines; may be nil
	Diagnose bool     // also what helps to tell why a deployment failed
	AnyName  bool     // don't narrow to names, so that a later version of the chart can add objects
}

// Result is the rights and what should be known of them.
type Result struct {
	Rights   Rights
	Warnings []string
}

// computation collects rights.
type computation struct {
	Input
	kinds  *kinds
	rights Rights
	warned []string
	roles  map[string]bool // the chart's own, "namespace/Kind/name"
}

// Compute finds the rights.
func Compute(in Input) Result {
	var all []model.Object
	for _, r := range in.Rendered {
		all = append(append(all, r.Objects...), r.Hooks...)
	}
	c := &computation{
		Input: in, kinds: &kinds{defined: map[schema.GroupKind]Resource{}, ask: in.Resolve}, rights: Rights{}, roles: map[string]bool{},
	}
	for i := range all {
		c.noteRole(&all[i])
		if !c.kinds.define(&all[i]) {
			c.unreadable(&all[i], "the kind it defines")
		}
	}
	c.records()
	for i := range all {
		o := &all[i]
		if o.Hook != nil && !runs(o.Hook) {
			continue
		}
		c.object(o)
		c.escalation(o)
	}
	c.lookups()
	c.diagnosis()
	if in.AnyName {
		c.forgetNames()
	}
	c.rights.reduce()
	slices.Sort(c.warned)
	return Result{Rights: c.rights, Warnings: slices.Compact(c.warned)}
}

// runs reports whether deploying runs a hook: tests are run by another command.
func runs(h *model.Hook) bool {
	return slices.ContainsFunc(h.Events, func(e string) bool { return e != "test" && e != "test-success" && e != "test-failure" })
}

// records are the rights on Helm's storage (helm.sh/helm/v4/pkg/storage/driver, secrets.go). Fairlead
// keeps its records there too, and a lock beside them, which it writes anew while a run lasts and
// where the last one died.
func (c *computation) records() {
	secrets := Right{Namespace: c.Namespace, Resource: "secrets"}
	c.addAll(secrets, Reason{Purpose: ForRecords}, "get", "list", "create", "delete")
	if c.Tool == Helm {
		c.addAll(secrets, Reason{Purpose: ForRecords}, "update")
		return
	}
	c.addAll(secrets, Reason{Purpose: ForRecords}, "patch")
	secrets.Name = "fairlead.lock." + c.Release
	c.addAll(secrets, Reason{Purpose: ForLock}, "update")
}

// diagnosis are rights that no deployment needs, with which the cause of a failed one is told
// better. Fairlead makes use of them where it has them.
func (c *computation) diagnosis() {
	if !c.Diagnose || c.Tool != Fairlead {
		return
	}
	reason := Reason{Purpose: ForDiagnosis}
	for _, at := range []Right{{Resource: "pods"}, {Resource: "events"}, {Group: "apps", Resource: "replicasets"}} {
		at.Namespace = c.Namespace
		c.addAll(at, reason, "get", "list", "watch")
	}
	c.addAll(Right{Namespace: c.Namespace, Resource: "pods/log"}, reason, "get")
}

// place is the right to do something to an object, its verb still to be filled in.
func (c *computation) place(o *model.Object) Right {
	r := c.kinds.of(o)
	right := Right{Group: r.Group, Resource: r.Name, Name: o.Key.Name}
	if r.Namespaced {
		right.Namespace = o.Key.Namespace
		if right.Namespace == "" {
			right.Namespace = c.Namespace
		}
	}
	if r.Guessed {
		where := "in a namespace"
		if !r.Namespaced {
			where = "in no namespace"
		}
		c.warned = append(c.warned, "nothing here defines "+o.APIVersion()+" "+o.Key.Kind+": it is taken for the resource "+r.Name+", "+where+"; --cluster asks the cluster")
	}
	return right
}

// unreadable tells of a part of an object that could not be read: the rights it needs are missing.
func (c *computation) unreadable(o *model.Object, part string) {
	c.warned = append(c.warned, o.Origin.File+": "+o.Key.Short()+": "+part+" cannot be read, so that rights may be missing")
}

func why(p Purpose, o *model.Object) Reason {
	return Reason{Purpose: p, Object: o.Key.Short(), File: o.Origin.File}
}

func (c *computation) addAll(at Right, reason Reason, verbs ...string) {
	for _, v := range verbs {
		at.Verb = v
		c.rights.add(at, reason)
	}
}

// exact are the purposes whose rights are for those objects alone, whatever a chart becomes.
var exact = []Purpose{ForGrant, ForEscalation, ForBinding, ForOwnBinding, ForLock}

// forgetNames widens what is narrowed to the names of a chart's objects.
func (c *computation) forgetNames() {
	wide := Rights{}
	for r, reasons := range c.rights {
		if !slices.ContainsFunc(reasons, func(why Reason) bool { return slices.Contains(exact, why.Purpose) }) {
			r.Name = ""
		}
		for _, why := range reasons {
			wide.add(r, why)
		}
	}
	c.rights = wide
}

// isCRDFile reports whether an object comes from a crds/ folder: made before all others, and never
// changed or deleted afterwards.
func isCRDFile(o *model.Object) bool {
	return o.Key.Kind == "CustomResourceDefinition" && (strings.HasPrefix(o.Origin.File, "crds/") || strings.Contains(o.Origin.File, "/crds/")) &&
		!strings.Contains(o.Origin.File, "templates/")
}
