package apply_test

import (
	"os"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/fairlead-cd/fairlead/internal/testkit"
)

var cluster = testkit.SharedCluster{Options: testkit.ClusterOptions{Node: "none"}}

func TestMain(m *testing.M) { os.Exit(cluster.Main(m)) }

func clusterConfig(t *testing.T) *rest.Config {
	cfg, err := clientcmd.BuildConfigFromFlags("", cluster.Get(t).Kubeconfig)
	must(t, err)
	return cfg
}
