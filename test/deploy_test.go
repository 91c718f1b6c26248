package test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	authv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/fairlead-cd/fairlead/internal/testkit"
)

// TestDeployStories deploys from the command line to a real API server, whose node is simulated, with
// the real helm beside it.
func TestDeployStories(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	helm, err := testkit.HelmBinary()
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := testkit.StartCluster(t.Context(), testkit.ClusterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Stop)
	w := &deployWorld{kubeconfig: cluster.Kubeconfig}
	t.Run("stories", func(t *testing.T) { // its parallel parts end before the cluster does
		testscript.Run(t, testscript.Params{
			Dir: "deploying", UpdateScripts: *update, RequireExplicitExec: true, RequireUniqueNames: true,
			Setup: func(e *testscript.Env) error {
				for _, name := range []string{"NO_COLOR", "CLICOLOR_FORCE", "FAIRLEAD_HOME"} {
					e.Setenv(name, "")
				}
				e.Setenv("CI", "true")
				e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
				e.Setenv("KUBECONFIG", w.kubeconfig)
				e.Setenv("PATH", filepath.Dir(helm)+string(os.PathListSeparator)+e.Getenv("PATH"))
				if _, err := os.Stat(filepath.Join(e.WorkDir, "chart")); err == nil {
					return nil // the story brings its own
				}
				return os.CopyFS(filepath.Join(e.WorkDir, "chart"), os.DirFS("deploying/chart"))
			},
			Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "as": w.as, "waitfor": w.waitFor},
		})
	})
}

// deployWorld is the cluster that stories deploy to.
type deployWorld struct{ kubeconfig string }

func (w *deployWorld) client(ts *testscript.TestScript) kubernetes.Interface {
	cfg, err := clientcmd.BuildConfigFromFlags("", w.kubeconfig)
	ts.Check(err)
	c, err := kubernetes.NewForConfig(cfg)
	ts.Check(err)
	return c
}

// as goes on with the rights of a service account:
//
//	as ACCOUNT NAMESPACE
func (w *deployWorld) as(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: as ACCOUNT NAMESPACE")
	}
	token, err := w.client(ts).CoreV1().ServiceAccounts(args[1]).CreateToken(context.Background(), args[0], &authv1.TokenRequest{}, metav1.CreateOptions{})
	ts.Check(err)
	cfg, err := clientcmd.LoadFromFile(w.kubeconfig)
	ts.Check(err)
	for name := range cfg.AuthInfos {
		cfg.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: token.Status.Token}
	}
	file := ts.MkAbs(args[0] + ".kubeconfig")
	ts.Check(clientcmd.WriteToFile(*cfg, file))
	ts.Setenv("KUBECONFIG", file)
}

// waitFor waits until something is in the cluster:
//
//	waitfor secret NAMESPACE NAME
//	waitfor deployment NAMESPACE NAME image=IMAGE
func (w *deployWorld) waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: waitfor secret|deployment NAMESPACE NAME [image=IMAGE]")
	}
	c := w.client(ts)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	err := wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		switch args[0] {
		case "secret":
			_, err := c.CoreV1().Secrets(args[1]).Get(ctx, args[2], metav1.GetOptions{})
			return err == nil, ignoreMissing(err)
		case "deployment":
			d, err := c.AppsV1().Deployments(args[1]).Get(ctx, args[2], metav1.GetOptions{})
			if err != nil {
				return false, ignoreMissing(err)
			}
			image, _ := strings.CutPrefix(args[3], "image=")
			return d.Spec.Template.Spec.Containers[0].Image == image, nil
		}
		return false, fmt.Errorf("waiting for a %s is not known", args[0])
	})
	ts.Check(err)
}

func ignoreMissing(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
