package check

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/chart/kubeschema"
)

// pod applies the security baseline, and what holds a pod together.
func (j *judge) pod(p pod) {
	if textAt(p.spec, "os", "name") == "windows" {
		return // other rules, by other fields
	}
	for _, f := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		if at(p.spec, f) == true {
			j.secure(p, nil, "host-namespace", p.path.Field(f), "%s is true", f)
		}
	}
	for i, v := range listAt(p.spec, "volumes") {
		if mapAt(v, "hostPath") != nil {
			j.secure(p, nil, "host-path", p.path.Field("volumes").At(i).Field("hostPath"),
				"volume %q is the node's %s", textAt(v, "name"), textAt(v, "hostPath", "path"))
		}
	}
	for _, c := range p.containers() {
		j.rights(p, &c)
		j.capabilities(p, &c)
		j.image(p, &c)
		j.resources(p, &c)
		j.ports(p, &c)
		j.mounts(p, &c)
	}
}

// rights are those of a container's processes. What a container does not say, its pod may.
func (j *judge) rights(p pod, c *container) {
	ctx := c.path.Field("securityContext")
	nonRoot, inPod := at(c.body, "securityContext", "runAsNonRoot"), at(p.spec, "securityContext", "runAsNonRoot")
	if nonRoot != true && (nonRoot != nil || inPod != true) {
		j.secure(p, c, "run-as-non-root", ctx.Field("runAsNonRoot"), "container %q does not say runAsNonRoot: true", c.name())
	}
	for _, from := range []struct {
		body map[string]any
		path kubeschema.Path
	}{{c.body, c.path}, {p.spec, p.path}} {
		if user, ok := at(from.body, "securityContext", "runAsUser").(json.Number); ok {
			if user.String() == "0" {
				j.secure(p, c, "run-as-root", from.path.Field("securityContext").Field("runAsUser"), "container %q runs as user 0", c.name())
			}
			break
		}
	}
	if at(c.body, "securityContext", "privileged") == true {
		j.secure(p, c, "privileged", ctx.Field("privileged"), "container %q is privileged", c.name())
	} else if at(c.body, "securityContext", "allowPrivilegeEscalation") != false {
		j.secure(p, c, "privilege-escalation", ctx.Field("allowPrivilegeEscalation"), "container %q does not say allowPrivilegeEscalation: false", c.name())
	}
	if at(c.body, "securityContext", "readOnlyRootFilesystem") != true {
		j.secure(p, c, "read-only-root", ctx.Field("readOnlyRootFilesystem"), "container %q does not say readOnlyRootFilesystem: true", c.name())
	}
	profile := textAt(c.body, "securityContext", "seccompProfile", "type")
	if profile == "" {
		profile = textAt(p.spec, "securityContext", "seccompProfile", "type")
	}
	if profile != "RuntimeDefault" && profile != "Localhost" {
		j.secure(p, c, "seccomp", ctx.Field("seccompProfile"), "container %q has no seccomp profile", c.name())
	}
}

func (j *judge) capabilities(p pod, c *container) {
	path := c.path.Field("securityContext").Field("capabilities")
	drop := listAt(c.body, "securityContext", "capabilities", "drop")
	if !slices.ContainsFunc(drop, func(v any) bool { s, _ := v.(string); return strings.EqualFold(s, "ALL") }) {
		j.secure(p, c, "capabilities", path.Field("drop"), "container %q does not drop ALL capabilities", c.name())
	}
	for i, added := range listAt(c.body, "securityContext", "capabilities", "add") {
		if added != "NET_BIND_SERVICE" {
			j.secure(p, c, "capabilities", path.Field("add").At(i), "container %q adds the capability %v", c.name(), added)
		}
	}
}

func (j *judge) image(p pod, c *container) {
	image := textAt(c.body, "image")
	path := c.path.Field("image")
	tag, ok := tagOf(image)
	switch {
	case image == "" || strings.HasPrefix(image, ":"):
		j.secure(p, c, "image-tag", path, "container %q has no image", c.name())
	case !ok:
		j.secure(p, c, "image-tag", path, "container %q uses %s, which has no tag: that means latest", c.name(), image)
	case tag == "latest":
		j.secure(p, c, "image-tag", path, "container %q uses %s, which is something else every week", c.name(), image)
	}
}

// tagOf is the tag of an image; ok is false for one with neither tag nor digest.
func tagOf(image string) (tag string, ok bool) {
	if strings.Contains(image, "@") {
		return "", true
	}
	last := image[strings.LastIndex(image, "/")+1:]
	_, tag, ok = strings.Cut(last, ":")
	return tag, ok && tag != ""
}

// resources wants requests, so that the scheduler knows what it places, and a limit of memory, so
// that one leak takes one pod down. A limit of CPU is a matter of taste: it makes programs slow on
// a node that has time to spare.
func (j *judge) resources(p pod, c *container) {
	var missing []string
	for _, f := range [][]string{{"requests", "cpu"}, {"requests", "memory"}, {"limits", "memory"}} {
		// A limit is also a request where there is none.
		if at(c.body, "resources", f[0], f[1]) == nil && at(c.body, "resources", "limits", f[1]) == nil {
			missing = append(missing, f[0]+"."+f[1])
		}
	}
	if len(missing) == 0 {
		return
	}
	if c.init {
		j.secure(p, c, "resources", c.path.Field("resources"), "init container %q sets no %s", c.name(), strings.Join(missing, ", "))
		return
	}
	j.secure(p, c, "resources", c.path.Field("resources"), "container %q sets no %s", c.name(), strings.Join(missing, ", "))
}

// ports checks that the ports that probes and hooks name exist, and that none is the node's.
func (j *judge) ports(p pod, c *container) {
	named := map[string]bool{}
	for i, raw := range listAt(c.body, "ports") {
		if name := textAt(raw, "name"); name != "" {
			named[name] = true
		}
		if host, ok := at(raw, "hostPort").(json.Number); ok && host.String() != "0" && at(p.spec, "hostNetwork") != true {
			j.secure(p, c, "host-port", c.path.Field("ports").At(i).Field("hostPort"), "container %q takes the node's port %s", c.name(), host)
		}
	}
	check := func(handler any, path kubeschema.Path) {
		for _, how := range []string{"httpGet", "tcpSocket"} {
			if name := textAt(handler, how, "port"); name != "" && !named[name] && !digits(name) {
				j.report(p.owner, "port-missing", path.Field(how).Field("port"), "container %q has no port named %q%s", c.name(), name, ofNames(named))
			}
		}
	}
	for _, probe := range []string{"livenessProbe", "readinessProbe", "startupProbe"} {
		check(at(c.body, probe), c.path.Field(probe))
	}
	for _, hook := range []string{"postStart", "preStop"} {
		check(at(c.body, "lifecycle", hook), c.path.Field("lifecycle").Field(hook))
	}
}

func ofNames(names map[string]bool) string {
	if len(names) == 0 {
		return ": its ports have no names"
	}
	var all []string
	for n := range names {
		all = append(all, n)
	}
	slices.Sort(all)
	return ": it has " + strings.Join(all, ", ")
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

func (j *judge) mounts(p pod, c *container) {
	volumes := map[string]bool{}
	for _, v := range listAt(p.spec, "volumes") {
		volumes[textAt(v, "name")] = true
	}
	for _, t := range listAt(p.owner.Body, "spec", "volumeClaimTemplates") {
		volumes[textAt(t, "metadata", "name")] = true
	}
	for i, m := range listAt(c.body, "volumeMounts") {
		if name := textAt(m, "name"); name != "" && !volumes[name] {
			j.report(p.owner, "volume-missing", c.path.Field("volumeMounts").At(i).Field("name"),
				"container %q mounts the volume %q, which the pod does not have", c.name(), name)
		}
	}
}

// roles looks for rules that allow everything.
func (j *judge) roles(o *Object) {
	if o.Key.Group != "rbac.authorization.k8s.io" || o.Key.Kind != "Role" && o.Key.Kind != "ClusterRole" {
		return
	}
	for i, r := range listAt(o.Body, "rules") {
		all := func(field string) bool { return slices.Contains(listAt(r, field), any("*")) }
		if all("verbs") && all("resources") {
			j.report(o, "rbac-wildcard", fields("rules").At(i), "%s allows every verb on every resource%s", o.Key.Kind, groups(all("apiGroups")))
		}
	}
}

func groups(every bool) string {
	if every {
		return " of every API group"
	}
	return fmt.Sprintf(" of %s", "some API groups")
}
