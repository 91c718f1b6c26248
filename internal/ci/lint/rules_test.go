package lint

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// gitlabCases are jobs with one thing wrong, and jobs that look like it and are right. want lists the
// findings of the rule the case is named after, as lines.
var gitlabCases = []struct {
	rule, text string
	want       []int
}{
	{"stored-cluster-token", "a:\n  script:\n    - kubectl --token=$K8S_TOKEN get pods", []int{3}},
	{"stored-cluster-token", "a:\n  script:\n    - oc login --token $DEPLOYER https://x", nil},
	{"stored-cluster-token", "a:\n  id_tokens: {KUBE_TOKEN: {aud: x}}\n  script:\n    - kubectl --token=$KUBE_TOKEN get pods", nil},
	{"stored-cluster-token", "a:\n  script:\n    - KUBE_TOKEN=$(vault read token)\n    - kubectl --token=$KUBE_TOKEN get pods", nil},
	{"stored-cluster-token", "a:\n  variables: {T: $OC_TOKEN}\n  script: [\"oc login --token=$T\"]", []int{2}},
	{"stored-kubeconfig", "a:\n  script:\n    - echo \"$KUBE_CONFIG\" | base64 -d > config", []int{3}},
	{"stored-kubeconfig", "a:\n  variables: {KUBECONFIG: $CI_PROJECT_DIR/config}\n  script:\n    - fairlead ci kubeconfig --file $KUBECONFIG", nil},
	{"stored-registry-password", "a:\n  script:\n    - printf '%s' \"$CI_REGISTRY_PASSWORD\" | docker login -u x --password-stdin r", nil},
	{"stored-cloud-key", "a:\n  script:\n    - aws configure set aws_secret_access_key $AWS_SECRET_ACCESS_KEY", []int{3}},
	{"stored-credential", "a:\n  script:\n    - curl -H PRIVATE-TOKEN:$API_TOKEN https://x", []int{3}},
	{"stored-credential", "a:\n  script:\n    - echo $TOKEN_URL $CACHE_KEY $PWD", nil},
	{"hardcoded-secret", "variables:\n  DB_PASSWORD: hunter2hunter2\na:\n  script: [make]", []int{2}},
	{"hardcoded-secret", "variables:\n  DB_PASSWORD: $OTHER\n  API_TOKEN: /run/secrets/token\n  DB_PASS: changeme\na:\n  script: [make]", nil},
	{"password-on-command-line", "a:\n  script:\n    - helm registry login -u x --password $P r", []int{3}},
	{"password-on-command-line", "a:\n  script:\n    - curl -u me:$P https://x\n    - curl -u me https://x\n    - mkdir -p a\n    - docker run -p 80:80 x", []int{3}},
	{"secret-in-values", "a:\n  script:\n    - helm upgrade x ./c --set db.password=$DB_PASSWORD", []int{3}},
	{"secret-in-url", "a:\n  script:\n    - git clone https://oauth2:$GIT_TOKEN@x.example.com/y.git", []int{3}},
	{"secret-in-log", "a:\n  script:\n    - echo $API_TOKEN\n    - echo $API_TOKEN > f\n    - echo $API_TOKEN | wc -c\n    - env\n    - echo done", []int{3, 6}},
	{"secret-in-log", "a:\n  script:\n    - set -x\n    - tool $API_TOKEN", []int{3}},
	{"secret-in-log", "a:\n  script:\n    - set -ex\n    - make", nil},
	{"debug-trace", "variables: {CI_DEBUG_TRACE: \"true\"}\na: {script: [make]}", []int{1}},
	{"debug-trace", "variables: {CI_DEBUG_TRACE: \"false\"}\na: {script: [make]}", nil},
	{"long-lived-token", "a:\n  script:\n    - kubectl create token x --duration=8760h\n    - kubectl create token x --duration 15m", []int{3}},
	{"broad-role", "a:\n  script:\n    - kubectl create rolebinding x --clusterrole=admin --user=y\n    - kubectl create rolebinding x --role=deployer --user=y", []int{3}},
	{"broad-role", "a:\n  script:\n    - |\n      kubectl apply -f - <<EOF\n      kind: RoleBinding\n      roleRef:\n        name: cluster-admin\n      EOF", []int{4}},
	{"removed-job-jwt", "a:\n  script:\n    - vault write auth/jwt/login jwt=$CI_JOB_JWT_V2", []int{3}},
	{"tls-verification-off", "a:\n  script:\n    - curl -fsSLk https://x\n    - curl -o k https://x\n    - buildah push --tls-verify=false x\n    - git -c http.sslVerify=false clone https://x\n    - kubectl --insecure-skip-tls-verify=false get x", []int{3, 5, 6}},
	{"tls-verification-off", "a:\n  script:\n    - export GIT_SSL_NO_VERIFY=1", []int{3}},
	{"tls-off-by-variable", "variables:\n  DOCKER_TLS_CERTDIR: \"\"\n  DOCKER_HOST: tcp://docker:2375\na:\n  script: [make]", []int{2, 3}},
	{"host-key-unchecked", "a:\n  script:\n    - ssh -o StrictHostKeyChecking=no me@x\n    - ssh-keyscan x >> ~/.ssh/known_hosts", []int{3, 4}},
	{"image-latest", "a:\n  image: alpine\n  script: [make]\nb:\n  image: $R/x:latest\n  script: [make]\nc:\n  image: $IMAGE\n  script: [make]", []int{2, 5}},
	{"image-not-pinned", "a:\n  image: alpine:3.22\n  script: [make]\nb:\n  image: alpine:3.22@sha256:00\n  script: [make]\nc:\n  image: alpine:$V\n  script: [make]", []int{2}},
	{"image-not-pinned", "variables: {V: \"3.22\"}\nc:\n  image:\n    name: alpine:$V\n  script: [make]", []int{4}},
	{"builds-latest", "a:\n  script:\n    - docker build -t r/x .\n    - docker push r/x", []int{3, 4}},
	{"builds-latest", "a:\n  script:\n    - docker build -t r/x:$CI_COMMIT_SHA -t r/x:latest .\n    - docker push r/x:latest", nil},
	{"builds-latest", "a:\n  script:\n    - helm upgrade x ./c --set image.tag=latest", []int{3}},
	{"tag-not-from-commit", "a:\n  script:\n    - buildah bud -t r/x:v1 .", []int{3}},
	{"tag-not-from-commit", "a:\n  script:\n    - V=$(cat V)\n    - buildah bud -t r/x:$V .", nil},
	{"tag-not-from-commit", "variables: {TAG: $CI_COMMIT_SHORT_SHA}\na:\n  script:\n    - buildah bud -t r/x:$TAG .", nil},
	{"docker-in-docker", "a:\n  services: [{name: docker:28-dind}]\n  script: [make]", []int{2}},
	{"docker-in-docker", "a:\n  script:\n    - docker run -v /var/run/docker.sock:/var/run/docker.sock x", []int{3}},
	{"image-lost-between-jobs", "a:\n  image: docker:28-dind\n  script:\n    - docker push x:1", []int{4}},
	{"image-lost-between-jobs", "a:\n  image: docker:28-dind\n  script:\n    - docker load < x.tar\n    - docker push x:1", nil},
	{"pipe-to-shell", "a:\n  script:\n    - curl -sSL https://get.example.com | sudo bash -s -- x\n    - bash <(curl -s https://x)\n    - sh -c \"$(wget -qO- https://x)\"\n    - curl https://x | tar xz", []int{3, 4, 5}},
	{"tool-installed-in-job", "a:\n  script:\n    - curl -LO https://dl.k8s.io/release/v1.36.0/bin/linux/amd64/kubectl\n    - pip install awscli\n    - python3 -m pip install ansible\n    - npm install -g x\n    - apk add --no-cache curl\n    - go install x.example.com/y@latest", []int{3, 4, 5, 6, 7, 8}},
	{"tool-installed-in-job", "a:\n  script:\n    - pip install -r requirements.txt\n    - pip install -e .\n    - npm ci\n    - npm install\n    - go install ./...\n    - curl -fsS https://x/health", nil},
	{"tool-installed-in-job", "a:\n  script:\n    - curl -LO https://x/releases/y.tar.gz\n    - echo \"00 y.tar.gz\" | sha256sum -c", nil},
	{"endless-wait", "a:\n  script:\n    - while ! nc -z db 5432; do sleep 1; done", []int{3}},
	{"endless-wait", "a:\n  script:\n    - timeout 60 sh -c 'until nc -z db 5432; do sleep 1; done'", nil},
	{"placeholder-test", "test:\n  script:\n    - echo ok\n    - exit 0", []int{3}},
	{"placeholder-test", "test:\n  script:\n    - echo ok\n    - pytest", nil},
	{"test-failure-ignored", "test:\n  allow_failure: true\n  script:\n    - pytest || true", []int{2, 4}},
	{"no-tests", "deploy:\n  script: [helm upgrade x c]", []int{1}},
	{"no-tests", "deploy:\n  script: [helm upgrade x c]\nunit:\n  script: [go test ./...]", nil},
	{"no-tests", "docs:\n  script: [make html]", nil},
	{"tests-bypassed", "stages: [test, deploy]\ntest:\n  stage: test\n  script: [pytest]\nbuild:\n  needs: []\n  script: [make]\ndeploy:\n  stage: deploy\n  needs: [build]\n  script: [helm upgrade x c]", []int{8}},
	{"tests-bypassed", "test:\n  script: [pytest]\nbuild:\n  needs: [test]\n  script: [make]\ndeploy:\n  needs: [build]\n  script: [helm upgrade x c]", nil},
	{"tests-bypassed", "test:\n  script: [pytest]\ndeploy:\n  script: [helm upgrade x c]", nil},
	{"chart-not-tested", "a:\n  script: [helm lint ./c]\nb:\n  script: [helm upgrade x ./c]", nil},
	{"no-secret-scanning", "include:\n  - template: Jobs/Secret-Detection.gitlab-ci.yml\ndeploy:\n  script: [helm upgrade x c]", nil},
	{"no-secret-scanning", "a:\n  script: [fairlead scan]\ndeploy:\n  script: [helm upgrade x c]", nil},
	{"no-approval", "deploy-prod:\n  when: manual\n  script: [helm upgrade x c]", nil},
	{"no-approval", "deploy-prod:\n  rules:\n    - if: $CI_COMMIT_BRANCH == \"main\"\n      when: manual\n    - when: never\n  script: [helm upgrade x c]", nil},
	{"no-approval", "deploy-prod:\n  rules:\n    - if: $CI_COMMIT_TAG\n  script: [helm upgrade x c]", nil},
	{"no-approval", "deploy-prod:\n  only: [tags]\n  script: [helm upgrade x c]", nil},
	{"no-approval", "deploy-staging:\n  script: [helm upgrade x c]\ndeploy-prod:\n  script: [helm upgrade x c]", []int{3}},
	{"no-approval", "deploy:\n  environment: review/$CI_COMMIT_REF_SLUG\n  script: [helm upgrade x c]", nil},
	{"no-approval", "deploy:\n  script: [\"helm upgrade x c -f values-pre-prod.yaml\"]", nil},
	{"no-approval", "deploy:\n  script: [ssh me@x docker compose up -d]", []int{1}},
	{"no-approval", "docs:\n  stage: deploy\n  script: [make pages]", nil},
	{"no-staging", "deploy-staging:\n  script: [helm upgrade x c]\ndeploy-prod:\n  script: [helm upgrade x c]", nil},
	{"no-staging", "deploy:\n  environment: production\n  script: [helm upgrade x c]", []int{1}},
	{"main-to-production", "deploy:\n  only: [main]\n  script: [helm upgrade x c]", []int{2}},
	{"main-to-production", "deploy-dev:\n  script: [helm upgrade x c]\ndeploy-prod:\n  only: [main]\n  script: [helm upgrade x c]", nil},
	{"deploys-race", "deploy:\n  script: [helm upgrade x c]", []int{1}},
	{"deploys-race", "deploy:\n  resource_group: x\n  script: [helm upgrade x c]", nil},
	{"deploys-race", "default:\n  interruptible: true\ntest deploy:\n  script: [kind create cluster, helm install x c]", nil},
	{"deploy-interruptible", "default:\n  interruptible: true\ndeploy:\n  script: [helm upgrade x c]", []int{2}},
	{"deploy-failure-ignored", "deploy:\n  allow_failure: true\n  script:\n    - helm upgrade x c || true", []int{2, 4}},
	{"deploy-failure-ignored", "deploy:\n  when: manual\n  allow_failure: false\n  script: [helm upgrade x c]", nil},
	{"deploy-not-atomic", "a:\n  script:\n    - helm -n x upgrade --install y c\n    - helm plugin install z\n    - helm upgrade --install y c --rollback-on-failure\n    - helm upgrade y c --dry-run=server", []int{3}},
	{"deploy-without-timeout", "a:\n  script:\n    - helm upgrade -i y c --atomic", []int{3}},
	{"deploy-not-idempotent", "a:\n  script:\n    - helm install y c\n    - helm upgrade y c\n    - helm upgrade -i y c", []int{3, 4}},
	{"deploy-not-verified", "a:\n  script:\n    - kubectl apply -f x", []int{3}},
	{"deploy-not-verified", "a:\n  script:\n    - kubectl -n x apply -f x\n    - kubectl -n x rollout status deploy/x", nil},
	{"deploy-not-verified", "a:\n  script:\n    - kubectl create ns x --dry-run=client -o yaml | kubectl apply -f -", nil},
	{"bare-pod", "a:\n  script:\n    - kubectl run x --image=y", []int{3}},
	{"bare-pod", "a:\n  script:\n    - |\n      cat <<EOF | kubectl apply -f -\n      (*APP_POD_MANIFEST)\n      EOF", []int{4}},
	{"many-set-flags", "a:\n  script:\n    - helm upgrade x c --set a=1 --set b=2 --set c=3 --set d=4", []int{3}},
	{"many-set-flags", "a:\n  script:\n    - helm upgrade x c --set a=$A --set b=$B --set c=3 --set d=4", nil},
	{"include-not-pinned", "include:\n  - project: a/b\n    file: x.yml\n  - project: a/b\n    ref: 3f2c9d0\n    file: x.yml\n  - remote: https://x/y.yml\n  - component: $CI_SERVER_FQDN/a/b@~latest\n  - component: $CI_SERVER_FQDN/a/b@1.0.0\na:\n  script: [make]", []int{2, 7, 8}},
}

func TestGitLabRules(t *testing.T) {
	for _, tt := range gitlabCases {
		var got []int
		res, err := Run(fstest.MapFS{".gitlab-ci.yml": {Data: []byte(tt.text)}})
		if err != nil {
			t.Errorf("%s: %v\n%s", tt.rule, err, tt.text)
			continue
		}
		for _, f := range res.Findings {
			if f.Rule == tt.rule {
				got = append(got, f.Line)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s\n%s\n%s", tt.rule, tt.text, diff, lines(res))
		}
	}
}

func TestGitHubRules(t *testing.T) {
	const steps = "on: push\npermissions: {contents: read}\njobs:\n  a:\n    runs-on: x\n    steps:\n"
	const deploy = "on: {push: {branches: [main]}}\npermissions: {contents: read}\njobs:\n  deploy:\n    runs-on: x\n"
	for _, tt := range []struct {
		rule, text string
		want       []int
	}{
		{"action-not-pinned", steps + "      - uses: actions/checkout@v5\n      - uses: ./local\n      - uses: a/b@0123456789012345678901234567890123456789", []int{7}},
		{"stored-kubeconfig", steps + "      - run: make\n        env:\n          KUBECONFIG: ${{ secrets.KUBECONFIG }}", []int{9}},
		{"stored-kubeconfig", steps + "      - uses: azure/k8s-set-context@v4\n        with:\n          kubeconfig: ${{ secrets.KUBE_CONFIG }}", []int{9}},
		{"stored-credential", steps + "      - uses: x/y@v1\n        with:\n          token: ${{ secrets.GITHUB_TOKEN }}", nil},
		{"script-injection", steps + "      - run: |\n          true\n          echo \"${{ github.event.pull_request.title }}\"", []int{9}},
		{"script-injection", steps + "      - run: echo \"$TITLE\"\n        env: {TITLE: \"${{ github.event.pull_request.title }}\"}", nil},
		{"pull-request-target", "on: pull_request_target\npermissions: {}\njobs:\n  a:\n    steps:\n      - uses: actions/checkout@v5\n        with: {ref: \"${{ github.event.pull_request.head.sha }}\"}", []int{1}},
		{"pull-request-target", "on: pull_request_target\npermissions: {}\njobs:\n  a:\n    steps:\n      - uses: actions/labeler@v5", nil},
		{"token-may-write", "on: push\njobs:\n  a:\n    steps: [{run: make}]", []int{3}},
		{"token-may-write", "on: push\npermissions: write-all\njobs:\n  a:\n    steps: [{run: make}]", []int{2}},
		{"no-approval", deploy + "    steps:\n      - run: helm upgrade x c", []int{4}},
		{"no-approval", deploy + "    environment: production\n    steps:\n      - run: helm upgrade x c", nil},
		{"main-to-production", deploy + "    steps:\n      - run: helm upgrade x c", []int{1}},
		{"deploys-race", deploy + "    concurrency: x\n    steps:\n      - run: helm upgrade x c", nil},
		{"deploy-interruptible", deploy + "    concurrency: {group: x, cancel-in-progress: true}\n    steps:\n      - run: helm upgrade x c", []int{6}},
		{"tests-bypassed", deploy + "    steps:\n      - run: helm upgrade x c\n  test:\n    steps:\n      - run: pytest", []int{4}},
		{"tests-bypassed", deploy + "    needs: [test]\n    steps:\n      - run: helm upgrade x c\n  test:\n    steps:\n      - run: pytest", nil},
		{"builds-latest", steps + "      - uses: docker/build-push-action@v6\n        with: {push: true, tags: \"r/x:latest\"}", []int{8}},
		{"builds-latest", steps + "      - uses: docker/build-push-action@v6\n        with: {push: true, tags: \"r/x:latest,r/x:${{ github.sha }}\"}", nil},
		{"docker-in-docker", "on: push\njobs:\n  a:\n    container:\n      image: x@sha256:0\n      options: --privileged\n    steps: [{run: make}]", []int{6}},
		{"image-latest", "on: push\njobs:\n  a:\n    container: ubuntu\n    services: {db: {image: \"postgres:latest\"}}\n    steps: [{run: make}]", []int{4, 5}},
		{"deploy-not-atomic", steps + "      - uses: helm/kind-action@v1\n      - run: helm install x c", nil},
	} {
		res, err := Run(fstest.MapFS{".github/workflows/a.yml": {Data: []byte(tt.text)}})
		if err != nil {
			t.Errorf("%s: %v", tt.rule, err)
			continue
		}
		var got []int
		for _, f := range res.Findings {
			if f.Rule == tt.rule {
				got = append(got, f.Line)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s\n%s\n%s", tt.rule, tt.text, diff, lines(res))
		}
	}
}

// Every rule says what it is about, why, and what to write instead; each is tried by a case above or
// by the pipelines in testdata.
func TestRulesAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rules() {
		if seen[r.ID] || r.ID == "" || r.Title == "" || len(r.Why) < 30 || len(r.Fix) == 0 || r.check == nil {
			t.Errorf("rule %q is not whole, or there are two", r.ID)
		}
		seen[r.ID] = true
		if r.ID != strings.ToLower(r.ID) || strings.ContainsAny(r.ID, " _") {
			t.Errorf("rule %q: want words-with-dashes", r.ID)
		}
	}
	for _, tt := range gitlabCases {
		if !seen[tt.rule] {
			t.Errorf("there is no rule %q", tt.rule)
		}
	}
	for id := range seen {
		tried := slices.ContainsFunc(gitlabCases, func(c struct {
			rule, text string
			want       []int
		}) bool {
			return c.rule == id && len(c.want) > 0
		})
		if !tried && !slices.Contains([]string{"no-environment", "manifest-in-pipeline", "chart-not-tested", "no-secret-scanning", "stored-registry-password",
			"action-not-pinned", "pull-request-target", "script-injection", "token-may-write"}, id) {
			t.Errorf("rule %q is tried by no case", id)
		}
	}
}
