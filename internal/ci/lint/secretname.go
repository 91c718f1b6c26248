package lint

import "strings"

// issuedNames are credentials that the provider makes for each job and takes back after it.
var issuedNames = map[string]bool{
	"CI_JOB_TOKEN": true, "CI_REGISTRY_PASSWORD": true, "CI_DEPENDENCY_PROXY_PASSWORD": true, "CI_BUILD_TOKEN": true,
	"CI_REPOSITORY_URL": true, "GITHUB_TOKEN": true, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": true, "ACTIONS_RUNTIME_TOKEN": true,
}

// notSecret ends names that speak about a secret without holding one.
var notSecret = []string{
	"_URL", "_NAME", "_USER", "_USERNAME", "_TYPE", "_TTL", "_LENGTH", "_PREFIX", "_HOST", "_EMAIL", "_ENDPOINT", "_ISSUER", "_AUDIENCE", "_ENABLED",
	"_DETECTION_DISABLED", "_VERSION", "_IMAGE", "_REGION", "_PATH", "_DIR", "_EXISTS", "_REQUIRED", "_DISABLED", "_EXCLUDED_PATHS", "_HISTORIC_SCAN", "_LOG_OPTIONS", "_ADDR", "_NAMES", "_FILE", "_HEADER", "_SERVER", "_REGISTRY",
}

// holdsSecret reports whether a variable of this name is one: by the words in it.
func holdsSecret(name string) bool {
	n := strings.ToUpper(name)
	if issuedNames[n] || strings.HasPrefix(n, "CI_SERVER_") || strings.HasPrefix(n, "SECRET_DETECTION") {
		return false
	}
	if isKubeconfig(n) {
		return true
	}
	for _, end := range notSecret {
		if strings.HasSuffix(n, end) {
			return false
		}
	}
	words := strings.Split(n, "_")
	for i, w := range words {
		switch w {
		case "PASSWORD", "PASSWD", "PASSWORT", "PASS", "PWD", "TOKEN", "SECRET", "SECRETS", "CREDENTIALS", "CREDENTIAL", "CREDS", "PAT", "APIKEY", "PASSPHRASE":
			return w != "PWD" || i > 0 // PWD alone is the working directory
		case "KEY":
			if i > 0 {
				switch words[i-1] {
				case "API", "ACCESS", "PRIVATE", "SSH", "DEPLOY", "SIGNING", "ENCRYPTION", "SECRET", "AUTH", "MASTER", "SERVICE", "ACCOUNT":
					return true
				}
			}
		}
	}
	return n == "SSH_PRIVATE" || n == "GOOGLE_APPLICATION_CREDENTIALS"
}

func isKubeconfig(name string) bool {
	n := strings.ToUpper(name)
	return strings.Contains(n, "KUBECONFIG") || strings.Contains(n, "KUBE_CONFIG")
}

// words of names that say what a credential opens.
var (
	clusterWords  = []string{"OC", "OPENSHIFT", "KUBE", "KUBERNETES", "K8S", "CLUSTER", "RANCHER", "OKD", "K3S", "SA"}
	cloudWords    = []string{"AWS", "GCP", "GCLOUD", "GOOGLE", "AZURE", "ARM", "DIGITALOCEAN", "SCW", "HCLOUD", "OVH", "YC", "IBMCLOUD", "GKE", "EKS", "AKS"}
	registryWords = []string{"DOCKER", "DOCKERHUB", "QUAY", "REGISTRY", "HARBOR", "GHCR", "ECR", "ACR", "NEXUS", "ARTIFACTORY", "HUB"}
)

// opens says what a credential of this name gives access to.
func opens(name string) string {
	n := strings.ToUpper(name)
	if isKubeconfig(n) {
		return "kubeconfig"
	}
	for _, w := range strings.Split(n, "_") {
		switch {
		case contains(clusterWords, w):
			return "cluster"
		case contains(cloudWords, w):
			return "cloud"
		case contains(registryWords, w):
			return "registry"
		}
	}
	return ""
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}
