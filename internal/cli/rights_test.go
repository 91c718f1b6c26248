package cli_test

import (
	"path/filepath"
	"testing"
	"time"

	authv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/fairlead-cd/fairlead/internal/cli/releases"
)

// as is the lab with the rights of a service account.
func (l *lab) as(account string) *lab {
	l.t.Helper()
	token, err := l.Typed.CoreV1().ServiceAccounts(l.namespace).CreateToken(l.t.Context(), account, &authv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	cfg, err := clientcmd.LoadFromFile(l.kubeconfig)
	if err != nil {
		l.t.Fatal(err)
	}
	for name := range cfg.AuthInfos {
		cfg.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: token.Status.Token}
	}
	other := *l
	other.kubeconfig = filepath.Join(l.t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*cfg, other.kubeconfig); err != nil {
		l.t.Fatal(err)
	}
	return &other
}

// What may not be read is an error, or a gap that is told about; it is never "there is nothing".
func TestRights(t *testing.T) {
	l := newLab(t, "rights")
	l.apply(l.helmRelease("web", succeeded))
	l.apply(`
apiVersion: v1
kind: ServiceAccount
metadata: {name: nobody, namespace: rights}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader, namespace: rights}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: cli-test-reader}
rules:
- {apiGroups: [helm.fluxcd.io, argoproj.io], resources: [helmreleases, applications], verbs: [get, list, watch]}
- {apiGroups: [""], resources: [configmaps], verbs: [get, list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: cli-test-reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cli-test-reader}
subjects: [{kind: ServiceAccount, name: reader, namespace: rights}]
`)
	r := l.as("nobody").run("get")
	l.want(r, 4, "is forbidden", "ask for the right")
	if r.out != "" {
		t.Errorf("printed all the same: %s", r.out)
	}
	l.apply(`
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: member, namespace: rights}
rules: [{apiGroups: [helm.fluxcd.io, argoproj.io], resources: [helmreleases, applications], verbs: [get, list, watch]}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: member, namespace: rights}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: member, namespace: rights}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: member}
subjects: [{kind: ServiceAccount, name: member, namespace: rights}]
`)
	member := l.as("member")
	l.want(member.run("get"), 4, "is forbidden")
	l.want(member.run("get", "-n", "rights"), 0, "web", "Healthy", "note: only the helmreleases in rights are looked at", "note: roots are left out")
	reader := l.as("reader")
	l.want(reader.run("get", "-n", "rights"), 0, "web", "Healthy", "note: revisions are those the requests themselves know")
	l.want(reader.run("sync", "rights/web"), 4, "is forbidden")
}

// A status is believed while a controller renews its lease.
func TestNoController(t *testing.T) {
	l := newLab(t, "stale")
	l.apply(l.helmRelease("web", succeeded))
	lease := func(at time.Time) string {
		return "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: fairlead-controller, namespace: " + releases.SystemNamespace +
			"}\nspec: {holderIdentity: test, leaseDurationSeconds: 30, renewTime: \"" + at.UTC().Format("2006-01-02T15:04:05.000000Z") + "\"}"
	}
	l.apply(lease(time.Now()))
	l.want(l.run("get", "stale/web"), 0, "Healthy")
	l.apply(lease(time.Now().Add(-time.Hour)))
	l.want(l.run("get", "stale/web"), 0, "Unknown", "unknown since", "no controller is running (was Healthy")
	l.want(l.run("why", "stale/web"), 1, "Unknown")
	if err := l.Typed.CoordinationV1().Leases(releases.SystemNamespace).Delete(t.Context(), "fairlead-controller", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestNoServer(t *testing.T) {
	l := &lab{t: t, kubeconfig: filepath.Join(t.TempDir(), "kubeconfig")}
	l.want(l.run("get"), 2, "choosing a cluster", "fairlead up starts one")
	cfg := clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{"gone": {Server: "https://127.0.0.1:1"}},
		Contexts: map[string]*clientcmdapi.Context{"gone": {Cluster: "gone"}}, CurrentContext: "gone",
	}
	if err := clientcmd.WriteToFile(cfg, l.kubeconfig); err != nil {
		t.Fatal(err)
	}
	l.want(l.run("get"), 2, "connection refused", "is the cluster running?")
}
