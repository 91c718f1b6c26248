package check

import "sync"

// Rule is what findings are judged by. Its ID is what suppresses it.
type Rule struct {
	ID       string
	Severity Severity // unless a finding has another
	Title    string
	Fix      string
}

// Rules is the whole list, by subject.
//
// The security baseline is the "restricted" level of the Pod Security Standards
// (https://kubernetes.io/docs/concepts/security/pod-security-standards/) and what the NSA/CISA
// Kubernetes Hardening Guide adds: a read-only root, limits, no needless API token.
var Rules = []Rule{
	// The chart.
	{"lint", Error, "Helm's own lint finds fault", ""},
	{"render", Error, "the chart does not render", "mend the template, or guard it against these values"},
	{"refused", Info, "the chart refuses values by fail, required or its schema", ""},
	{"no-effect", Info, "flipping a value changes nothing", "remove the value, or use it in a template"},
	{"schema", Error, "values do not fit values.schema.json", "change the values, or the schema"},
	{"schema-missing", Info, "the chart has no values.schema.json, or one that lets misspelt values through", "fairlead chart schema writes one"},
	{"misspelt-value", Warning, "a values file sets what the chart does not know", "spell it as values.yaml does"},
	{"golden", Error, "the output differs from the golden file", "look at the difference; fairlead chart test --update accepts it"},
	{"unused-ignore", Info, "a suppression applies to nothing", "remove it from " + ConfigFile},

	// The objects, as Kubernetes sees them.
	{"kube-schema", Error, "a field is unknown, missing or of the wrong type", "spell it as Kubernetes does: kubectl explain KIND.FIELD"},
	{"unknown-kind", Error, "Kubernetes has no such kind", "use a kind and version that it has"},
	{"removed-api", Error, "the API is gone in this version of Kubernetes", "use what has replaced it"},
	{"deprecated-api", Warning, "the API will go", "use what replaces it"},
	{"api-not-served", Warning, "the API is off by default", "ask the cluster's administrator, or guard the template with .Capabilities.APIVersions.Has"},
	{"server", Error, "the API server refuses the object", "the server's message says what it wants"},
	{"duplicate-object", Error, "the chart writes an object twice", "remove one of the two, or give it another name"},

	// Names and what refers to what.
	{"name-length", Error, "a name is too long", "cut it in the helper that makes it: | trunc 63 | trimSuffix \"-\""},
	{"name-invalid", Error, "a name has characters that are not allowed", "use lower-case letters, digits and \"-\""},
	{"label-invalid", Error, "a label or annotation cannot be set like this", "cut and clean it: | trunc 63 | trimAll \"-_.\""},
	{"selector-mismatch", Error, "a selector does not match the labels of the pods it is for", "use the same helper for both: include \"NAME.selectorLabels\""},
	{"service-without-pods", Warning, "a Service selects no pod of the chart", "use the pods' labels in its selector"},
	{"target-missing", Error, "an object is for another that the chart does not make", "guard both with the same condition"},
	{"port-missing", Error, "a port is named that does not exist", "use the name of a port of the container or Service"},
	{"volume-missing", Error, "a mount names a volume that the pod does not have", "add it to volumes, or guard both with the same condition"},
	{"key-missing", Error, "a key is used that the chart's ConfigMap or Secret does not have", "add the key, or set optional: true"},

	// Security.
	{"run-as-non-root", Error, "a container may run as root", "set securityContext.runAsNonRoot: true"},
	{"run-as-root", Error, "a container is told to run as root", "remove runAsUser: 0"},
	{"privileged", Error, "a container is privileged", "remove securityContext.privileged; add single capabilities if any are needed"},
	{"privilege-escalation", Error, "a process may gain more rights than its parent", "set securityContext.allowPrivilegeEscalation: false"},
	{"read-only-root", Error, "the root file system can be written to", "set securityContext.readOnlyRootFilesystem: true and mount an emptyDir where the program writes"},
	{"capabilities", Error, "a container keeps Linux capabilities", "set securityContext.capabilities.drop: [ALL]; only NET_BIND_SERVICE may be added"},
	{"seccomp", Error, "system calls are not filtered", "set securityContext.seccompProfile.type: RuntimeDefault"},
	{"host-namespace", Error, "a pod shares the node's network, processes or IPC", "remove hostNetwork, hostPID and hostIPC"},
	{"host-path", Error, "a pod mounts a folder of the node", "use a PersistentVolumeClaim, or an emptyDir"},
	{"host-port", Warning, "a container takes a port of the node", "use a Service"},
	{"image-tag", Error, "an image has no fixed version", "name a tag other than latest, or a digest"},
	{"resources", Error, "a container has no requests, or no limit of memory", "set resources.requests.cpu, resources.requests.memory and resources.limits.memory"},
	{"plaintext-secret", Error, "a secret is written in the open", "put it in a Secret (existingSecret, or a sealed one) and refer to it with secretKeyRef"},
	{"service-account-token", Warning, "pods get a token for the API that the chart gives no rights", "set automountServiceAccountToken: false"},
	{"rbac-wildcard", Warning, "a role allows everything", "name the API groups, resources and verbs that are needed"},
}

var rulesByID = sync.OnceValue(func() map[string]Rule {
	all := make(map[string]Rule, len(Rules))
	for _, r := range Rules {
		all[r.ID] = r
	}
	return all
})

func ruleByID(id string) Rule { return rulesByID()[id] }

// baseline are the rules that a value can be meant to switch off: what a toggle like
// securityContext.enabled=false brings about is what it is for.
var baseline = map[string]bool{
	"run-as-non-root": true, "run-as-root": true, "privileged": true, "privilege-escalation": true,
	"read-only-root": true, "capabilities": true, "seccomp": true, "host-namespace": true, "host-path": true,
	"host-port": true, "image-tag": true, "resources": true, "service-account-token": true, "rbac-wildcard": true,
	"plaintext-secret": true,
}
