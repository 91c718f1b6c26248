package charts

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
)

// TestFlaskAppValidation: values that are right one by one and wrong together.
func TestFlaskAppValidation(t *testing.T) {
	for set, want := range map[string]string{
		"flask: {secretKey: a, existingSecret: b}":                              "flask.secretKey and existingSecret beside it are both set",
		"database: {host: db, password: a, existingSecret: b}":                  "database.password and existingSecret",
		"postgresql: {enabled: true}":                                           "postgresql.enabled needs a password",
		"redis: {enabled: true}":                                                "redis.enabled needs a password",
		"autoscaling: {enabled: true, minReplicas: 5, maxReplicas: 2}":          "autoscaling.minReplicas (5) is more than autoscaling.maxReplicas (2)",
		"ingress: {enabled: true, hosts: []}":                                   "ingress.enabled needs ingress.hosts",
		"rollout: {maxSurge: 0}":                                                "no pod could be replaced",
		"{preStopSleepSeconds: 30, terminationGracePeriodSeconds: 30}":          "leaves no time",
		"{database: {host: db}, extraEnv: [{name: DATABASE_URL, value: else}]}": "extraEnv: DATABASE_URL is set by another value already",
	} {
		_, err := flask{set: set}.render(t)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", set, err, want)
		}
		if err != nil && strings.Contains(set, "password: a") && strings.Contains(err.Error(), ": a") {
			t.Errorf("%s: the error shows a secret: %v", set, err)
		}
	}
}

// TestFlaskAppUsualValues: values as tutorials for charts of this kind write them.
func TestFlaskAppUsualValues(t *testing.T) {
	for _, set := range []string{
		"{replicaCount: 2, image: {repository: quay.io/team/flask-app, tag: 3f2c1ab, pullPolicy: Always}, service: {type: ClusterIP, port: 5000}}",
		"{postgresql: {enabled: false}, database: {host: external-postgres.example.com, port: 5432}}",
		"autoscaling: {enabled: true, minReplicas: 3, maxReplicas: 20, targetCPUUtilizationPercentage: 70, targetMemoryUtilizationPercentage: 80}",
		`ingress: {enabled: true, className: nginx, annotations: {cert-manager.io/cluster-issuer: letsencrypt-prod},
			hosts: [{host: app.example.com, paths: [{path: /, pathType: Prefix}]}], tls: [{secretName: app-tls, hosts: [app.example.com]}]}`,
		"persistence: {enabled: true, size: 10Gi, storageClass: fast-ssd, mountPath: /data}",
		`networkPolicy: {enabled: true, ingress: [{from: [{namespaceSelector: {matchLabels: {name: ingress-nginx}}}]}],
			egress: [{to: [{namespaceSelector: {}}], ports: [{protocol: TCP, port: 5432}]}]}`,
		"serviceMonitor: {enabled: true, interval: 30s, scrapeTimeout: 10s}",
		"flask: {existingSecret: flask-app-secrets}",
		"securityContext: {runAsNonRoot: true, runAsUser: 1000, capabilities: {drop: [ALL]}, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false}",
		"serviceAccount: {create: true, name: flask-app}",
		"extraEnv: [{name: FEATURE, value: 'on'}, {name: TOKEN, valueFrom: {secretKeyRef: {name: tokens, key: feature}}}]",
		"configPyContent: |\n  MESSAGE = 'Hello'\n",
	} {
		if _, err := (flask{set: set}).render(t); err != nil {
			t.Errorf("%s: %v", set, err)
		}
	}
}

// free are the values below which names are the user's or Kubernetes'.
var free = regexp.MustCompile(`^(global|commonLabels|(postgresql\.|redis\.)?(nodeSelector|settings)|.*[aA]nnotations|podLabels|serviceMonitor\.labels|.*resources\.(requests|limits)|autoscaling\.behavior\..*)$`)

// TestFlaskAppUnknownValues: a name that is not known is refused at every place of the values, those
// of the subcharts included, and every value is described.
func TestFlaskAppUnknownValues(t *testing.T) {
	c, err := loader.LoadDir("flask-app")
	if err != nil {
		t.Fatal(err)
	}
	tree := util.CoalesceTables(map[string]any{}, c.Values)
	for _, sub := range c.Dependencies() {
		tree[sub.Name()] = util.CoalesceTables(tree[sub.Name()].(map[string]any), sub.Values)
	}
	tried := 0
	var walk func(at []string, values map[string]any)
	walk = func(at []string, values map[string]any) {
		if free.MatchString(strings.Join(at, ".")) {
			return
		}
		tried++
		set := "repoistory: typo"
		for _, step := range slices.Backward(at) {
			set = fmt.Sprintf("%s: {%s}", step, set)
		}
		if at == nil {
			set = "{" + set + "}"
		}
		if _, err := (flask{set: set}).render(t); err == nil || !strings.Contains(err.Error(), "repoistory") {
			t.Errorf("%s: got %v", set, err)
		}
		for key, value := range values {
			if below, ok := value.(map[string]any); ok {
				walk(append(slices.Clone(at), key), below)
			}
		}
	}
	walk(nil, tree)
	if tried < 40 {
		t.Errorf("only %d places were tried", tried)
	}
}

// TestFlaskAppValuesAreDescribed: each value that is no group has a comment that says what it does.
func TestFlaskAppValuesAreDescribed(t *testing.T) {
	for _, file := range []string{"values.yaml", "charts/postgresql/values.yaml", "charts/redis/values.yaml"} {
		data, err := os.ReadFile("flask-app/" + file)
		if err != nil {
			t.Fatal(err)
		}
		name := regexp.MustCompile(`^ *[A-Za-z]+:(.*)$`)
		lines, described := bytes.Split(data, []byte("\n")), false
		for i, line := range lines {
			text := strings.TrimSpace(string(line))
			switch m := name.FindStringSubmatch(string(line)); {
			case strings.HasPrefix(text, "# -- "):
				described = true
			case strings.HasPrefix(text, "#"):
			case m != nil && indent(line) <= 4 && strings.TrimSpace(m[1]) != "" && !described && !inBlock(lines, i):
				t.Errorf("%s:%d: %q is not described", file, i+1, text)
			default:
				described = false
			}
		}
	}
}

func indent(line []byte) int { return len(line) - len(bytes.TrimLeft(line, " ")) }

// inBlock reports whether a line belongs to the value of a described group above it.
func inBlock(lines [][]byte, i int) bool {
	at := indent(lines[i])
	for j := i - 1; j >= 0; j-- {
		if text := bytes.TrimSpace(lines[j]); len(text) == 0 || indent(lines[j]) >= at {
			continue
		}
		at = indent(lines[j])
		for k := j - 1; k >= 0 && bytes.HasPrefix(bytes.TrimSpace(lines[k]), []byte("#")); k-- {
			if bytes.HasPrefix(bytes.TrimSpace(lines[k]), []byte("# -- ")) {
				return true
			}
		}
	}
	return false
}

// TestFlaskAppPackaged: the subcharts are part of the chart, and what is listed is what is there.
func TestFlaskAppPackaged(t *testing.T) {
	c, err := loader.LoadDir("flask-app")
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]string{}
	for _, sub := range c.Dependencies() {
		have[sub.Name()] = sub.Metadata.Version
	}
	want := map[string]string{}
	for _, d := range c.Metadata.Dependencies {
		want[d.Name] = d.Version
		if d.Repository != "" {
			t.Errorf("%s comes from %s: deploying would need a download", d.Name, d.Repository)
		}
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("subcharts (-listed +there):\n%s", diff)
	}
	if _, err := FlaskApp.ReadFile("flask-app/charts/postgresql/Chart.yaml"); err != nil {
		t.Error(err)
	}
}
