package lint

// storedRules are about credentials that are kept for the pipeline.
func storedRules() []Rule {
	return []Rule{
		{
			ID: "stored-cluster-token", Severity: Error, Title: "A cluster's token is kept in CI variables",
			Why: "A service account's token kept as a variable is the same for months, and whoever gets it once, from a log, a job or the settings, can deploy until someone rotates it. Masking hides it from logs, protection from some branches; neither makes it end.",
			Fix: each(oidcGitLab, oidcGitHub),
			check: stored("cluster", func(name string) string {
				return "$" + name + " is a cluster's token kept in variables: it does not end by itself"
			}),
		},
		{
			ID: "stored-kubeconfig", Severity: Error, Title: "A kubeconfig is kept in CI variables",
			Why: "The file holds a client certificate or token that is valid for months or years, often an administrator's. A File variable keeps it out of the environment, not out of the job: any command in it can read the file.",
			Fix: each(oidcGitLab, oidcGitHub),
			check: stored("kubeconfig", func(name string) string {
				return "$" + name + " is a kubeconfig kept in variables: the credentials in it do not end by themselves"
			}),
		},
		{
			ID: "stored-registry-password", Severity: Warning, Title: "A registry's password is kept in CI variables",
			Why: "A password is not bound to this project or to pushing, and works until someone changes it. The provider's own registry takes the job's token; others take a robot account of one repository, or an ID token.",
			Fix: each(`
build:
  script:
    # GitLab's registry: the password is made for this job and ends with it
    - printf '%s' "$CI_REGISTRY_PASSWORD" | buildah login --username "$CI_REGISTRY_USER" --password-stdin "$CI_REGISTRY"
    # another registry: a robot account of this one repository, from Vault or OpenBao by the job's ID token
  secrets:
    QUAY_PASSWORD: {vault: ci/quay/password, file: false}`, `
permissions: {contents: read, packages: write}
steps:
  # GitHub's registry: the token is made for this job and ends with it
  - run: printf '%s' "$TOKEN" | buildah login --username "$GITHUB_ACTOR" --password-stdin ghcr.io
    env: {TOKEN: "${{ github.token }}"}`),
			check: stored("registry", func(name string) string {
				return "$" + name + " is a registry's password kept in variables: it does not end by itself"
			}),
		},
		{
			ID: "stored-cloud-key", Severity: Error, Title: "A cloud provider's key is kept in CI variables",
			Why: "An access key opens the account from anywhere until someone rotates it. Every large provider takes the job's ID token and gives out credentials for an hour.",
			Fix: each(`
job:
  id_tokens:
    ID_TOKEN: {aud: https://gitlab.example.com}
  script:
    - aws sts assume-role-with-web-identity --role-arn "$ROLE" --role-session-name "$CI_JOB_ID" --web-identity-token "$ID_TOKEN"`, `
permissions: {contents: read, id-token: write}
steps:
  - uses: aws-actions/configure-aws-credentials@<commit>  # role-to-assume instead of keys`),
			check: stored("cloud", func(name string) string {
				return "$" + name + " is a cloud provider's key kept in variables: it does not end by itself"
			}),
		},
		{
			ID: "stored-credential", Severity: Info, Title: "A credential is kept in CI variables",
			Why: "It works until someone changes it, for everyone who ever saw it. Where the service takes an ID token, or a secret store can give out a short-lived one, nothing has to be kept.",
			Fix: each(`
job:
  secrets:
    SERVICE_TOKEN: {vault: ci/service/token, file: false}   # by the job's ID token
  # where it has to stay a variable: masked, hidden and protected, and a date to rotate it`, `
jobs:
  deploy:
    environment: production   # keep it as a secret of the environment, not of the repository`),
			check: stored("", func(name string) string {
				return "$" + name + " looks like a credential kept in variables: it does not end by itself"
			}),
		},
	}
}

// secretRules are about how a pipeline handles secrets and rights.
func secretRules() []Rule {
	return []Rule{
		{
			ID: "hardcoded-secret", Severity: Error, Title: "A secret's value stands in the pipeline",
			Why:   "Everyone who can read the repository has it, now and from its history, in every clone and fork.",
			Fix:   both("\n# take it out, change it where it is valid (its history stays), and give it to the job as above"),
			check: hardcoded,
		},
		{
			ID: "password-on-command-line", Severity: Error, Title: "A secret is an argument of a command",
			Why: "Arguments are readable by every process on the runner, appear in its process accounting, and in the log as soon as somebody debugs with set -x.",
			Fix: both(`
printf '%s' "$REGISTRY_PASSWORD" | buildah login --username "$REGISTRY_USER" --password-stdin registry.example.com
# a pull secret, created or updated, never shown:
printf '%s' "$REGISTRY_PASSWORD" | fairlead registry-secret pull --server registry.example.com --username "$REGISTRY_USER" --password-stdin -n shop
# a cluster: no token at all
fairlead ci kubeconfig`),
			check: eachCommand(passwordOnCommandLine),
		},
		{
			ID: "secret-in-values", Severity: Warning, Title: "A secret is given as a chart value",
			Why:   "Helm keeps all values in the release, once for each revision; helm get values shows them, and so does the process list while it runs.",
			Fix:   both("\n# the chart names a Secret that exists already, made by an ExternalSecret or a SealedSecret\nfairlead deploy shop ./chart -n shop --set existingSecret=shop-credentials"),
			check: eachCommand(secretInSet),
		},
		{
			ID: "secret-in-url", Severity: Warning, Title: "A secret is part of a URL",
			Why:   "Git writes it to .git/config, tools print the URL in errors, and proxies log it.",
			Fix:   each("\n# let git ask for it\ngit config --global credential.helper '!f() { echo username=gitlab-ci-token; echo \"password=$CI_JOB_TOKEN\"; }; f'", "\n# actions/checkout sets up git with the job's token"),
			check: eachCommand(secretInURL),
		},
		{
			ID: "secret-in-log", Severity: Error, Title: "A secret is printed into the log",
			Why:   "Masking compares text with the exact value: encoded, cut or on several lines it passes. Logs are kept, downloaded and sent on.",
			Fix:   both("\n# say that it is there, not what it is\ntest -n \"$API_TOKEN\" || { echo 'API_TOKEN is not set' >&2; exit 1; }"),
			check: eachCommand(echoed),
		},
		{
			ID: "debug-trace", Severity: Error, Title: "The runner is told to print everything",
			Why:   "Debug traces hold every variable of the job, secrets included.",
			Fix:   both("\n# take it out; set it for one run in the provider's form, and delete that run's log afterwards"),
			check: debugTrace,
		},
		{
			ID: "long-lived-token", Severity: Error, Title: "A token without an end is made",
			Why:   "It outlives the job, the person who made it and often the reason for it.",
			Fix:   both("\n# for a person or a machine without an ID token of its own: minutes, not months\nkubectl create token deployer --duration 15m"),
			check: eachCommand(longLivedToken),
		},
		{
			ID: "broad-role", Severity: Error, Title: "A role allows far more than a deployment needs",
			Why:   "The role edit may read every Secret of the namespace and run pods as any service account in it; admin may also grant rights. Whoever gets the pipeline's credentials gets that.",
			Fix:   both("\n# the smallest Role with which this chart can be deployed and rolled back\nfairlead chart rbac ./chart -f values-prod.yaml | kubectl apply -f -"),
			check: eachCommand(broadRole),
		},
		{
			ID: "removed-job-jwt", Severity: Error, Title: "A job token that GitLab removed",
			Why:   "CI_JOB_JWT and CI_JOB_JWT_V2 were removed in GitLab 17; id_tokens name the audience they are for, so that one service cannot use them at another.",
			Fix:   onGitLab("\njob:\n  id_tokens:\n    VAULT_ID_TOKEN: {aud: https://vault.example.com}"),
			check: removedJWT,
		},
	}
}

const oidcGitLab = `
deploy:
  id_tokens:                                # a token of this job, valid for minutes
    FAIRLEAD_ID_TOKEN: {aud: fairlead-production}
  script:
    - fairlead ci kubeconfig --audience fairlead-production   # $KUBE_SERVER and $KUBE_CA are no secrets
    - fairlead deploy shop ./chart -n shop --atomic --timeout 10m`

const oidcGitHub = `
deploy:
  permissions: {contents: read, id-token: write}   # a token of this job, valid for minutes
  steps:
    - run: fairlead ci kubeconfig --audience fairlead-production   # KUBE_SERVER and KUBE_CA are no secrets
    - run: fairlead deploy shop ./chart -n shop --atomic --timeout 10m`
