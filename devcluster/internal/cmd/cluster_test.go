package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/fairlead-cd/fairlead/devcluster/internal/cluster"
)

func TestReady(t *testing.T) {
	p := sharedCluster(t)
	if p.info.Node != cluster.NodeSimulated || p.info.NodeReason == "" || p.info.Startup == "" || p.info.Version == "" {
		t.Errorf("the cluster describes itself as %+v, something is missing", p.info)
	}
	t.Logf("ready after %s, %s", p.info.Startup, resident(p.info.PID))
	data, err := os.ReadFile(filepath.Join(shared.dir, "ready.json"))
	if err != nil {
		t.Fatal(err)
	}
	var written cluster.Info
	if err := json.Unmarshal(data, &written); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p.info, written); diff != "" {
		t.Errorf("ready file differs from stdout (-stdout +file):\n%s", diff)
	}
	ctx, client := context.Background(), p.client(t)
	if _, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{}); err != nil {
		t.Errorf("ready, but: %v", err)
	}
	node, err := client.CoreV1().Nodes().Get(ctx, cluster.NodeName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(node.Spec.Taints) > 0 {
		t.Errorf("ready, but the node is tainted: %v", node.Spec.Taints)
	}
}

// resident tells the memory of a process where the system does.
func resident(pid int) string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return "memory unknown"
	}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "VmRSS:") {
			return strings.Join(strings.Fields(line), " ")
		}
	}
	return "memory unknown"
}

func TestListensOnLoopbackOnly(t *testing.T) {
	p := sharedCluster(t)
	inodes := map[string]bool{}
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", p.info.PID))
	if err != nil || len(fds) == 0 {
		t.Skip("this system does not tell what a process listens on")
	}
	for _, fd := range fds {
		if target, err := os.Readlink(fd); err == nil && strings.HasPrefix(target, "socket:[") {
			inodes[strings.Trim(strings.TrimPrefix(target, "socket:"), "[]")] = true
		}
	}
	listening := 0
	for _, table := range []string{"tcp", "tcp6"} {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", p.info.PID, table))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			fields := strings.Fields(line)
			const listen, loopback = "0A", "0100007F:"
			if len(fields) < 10 || fields[3] != listen || !inodes[fields[9]] {
				continue
			}
			listening++
			if !strings.HasPrefix(fields[1], loopback) {
				t.Errorf("the cluster listens at %s (%s), which is not 127.0.0.1", fields[1], table)
			}
		}
	}
	if listening == 0 {
		t.Error("found nothing the cluster listens on, though the API server answers")
	}
}

func TestDeniesWithoutRights(t *testing.T) {
	p := sharedCluster(t)
	ctx, admin := context.Background(), p.client(t)
	token, err := admin.CoreV1().ServiceAccounts("default").CreateToken(ctx, "default", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", p.info.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config = rest.AnonymousClientConfig(config)
	config.BearerToken = token.Status.Token
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.CoreV1().Secrets("default").List(ctx, metav1.ListOptions{})
	if !apierrors.IsForbidden(err) {
		t.Errorf("listing Secrets as a service account without rights: got %v, want Forbidden", err)
	}
}

// TestDeploymentComes also shows that a deleted one goes, with its pods.
func TestDeploymentComes(t *testing.T) {
	p := sharedCluster(t)
	ctx, client := context.Background(), p.client(t)
	deployments := client.AppsV1().Deployments("default")
	if _, err := deployments.Create(ctx, deployment("web", 3, nil, nil), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		d, err := deployments.Get(ctx, "web", metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, c := range d.Status.Conditions {
			if c.Type == appsv1.DeploymentAvailable && c.Status == v1.ConditionTrue && d.Status.ReadyReplicas == 3 {
				return nil
			}
		}
		return fmt.Errorf("deployment is not available: %+v", d.Status)
	})
	if err := deployments.Delete(ctx, "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		list, err := client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{LabelSelector: "app=web"})
		if err == nil && len(list.Items) > 0 {
			err = fmt.Errorf("%d pods are left", len(list.Items))
		}
		return err
	})
}

// TestAuditLog shows that requests are recorded, bodies are not.
func TestAuditLog(t *testing.T) {
	p := sharedCluster(t)
	secret := &v1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "audited"}, StringData: map[string]string{"k": "swordfish"}}
	if _, err := p.client(t).CoreV1().Secrets("default").Create(context.Background(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		data, err := os.ReadFile(filepath.Join(shared.dir, "audit.log"))
		if err != nil {
			return err
		}
		if strings.Contains(string(data), "swordfish") {
			t.Fatal("the audit log holds the value of a Secret")
		}
		if !strings.Contains(string(data), "/namespaces/default/secrets") {
			return errors.New("the audit log does not tell of the request")
		}
		return nil
	})
}

// TestServicesStayOnTheMachine calls a Service through the API server, which would dial an
// address that means nothing here.
func TestServicesStayOnTheMachine(t *testing.T) {
	p := sharedCluster(t)
	ctx, client := context.Background(), p.client(t)
	pod := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "called"}, Spec: v1.PodSpec{Containers: []v1.Container{{Name: "c", Image: "i"}}}}
	if _, err := client.CoreV1().Pods("default").Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		got, err := client.CoreV1().Pods("default").Get(ctx, "called", metav1.GetOptions{})
		if err == nil && net.ParseIP(got.Status.PodIP) == nil {
			err = errors.New("the pod has no address")
		}
		return err
	})
	body, err := client.CoreV1().Pods("default").ProxyGet("http", "called", "80", "/", nil).DoRaw(ctx)
	if err == nil || !strings.Contains(string(body), "egress.sock while dialing") {
		t.Errorf("proxying to a simulated pod: got %q, %v, want the egress proxy to refuse", body, err)
	}
}

// deployment returns one of containers named api, with annotations on its pods.
func deployment(name string, replicas int32, annotations map[string]string, change func(*v1.PodSpec)) *appsv1.Deployment {
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}},
			Template: v1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": name}, Annotations: annotations},
				Spec:       v1.PodSpec{Containers: []v1.Container{{Name: "api", Image: "shop/api:1"}}},
			},
		},
	}
	if change != nil {
		change(&d.Spec.Template.Spec)
	}
	return d
}
