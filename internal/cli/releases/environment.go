package releases

import "slices"

// LabelEnvironment names the environment of a release, on the request or on the namespace it
// deploys to.
const LabelEnvironment = "fairlead.dev/environment"

// usual are namespace names that say what environment they are.
var usual = []string{
	"dev", "development", "test", "testing", "qa", "int", "integration", "uat", "preview",
	"stg", "stage", "staging", "preprod", "canary", "prod", "production", "live",
}

// environment is the label of the request, or of the target namespace, or that namespace's name
// where it is a usual one, or "".
func environment(request, namespace map[string]string, target string) string {
	switch {
	case request[LabelEnvironment] != "":
		return request[LabelEnvironment]
	case namespace[LabelEnvironment] != "":
		return namespace[LabelEnvironment]
	case slices.Contains(usual, target):
		return target
	}
	return ""
}
