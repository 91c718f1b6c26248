package local

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// awaitLastRun waits until the cluster of a run that was killed has ended too.
func (in *installation) awaitLastRun(ctx context.Context) error {
	dir := filepath.Join(in.Dir, "cluster")
	if _, held, err := holder(dir); err != nil || !held {
		return err
	}
	in.Say("waiting for the cluster of the last run to end")
	ctx, cancel := context.WithTimeout(ctx, stopGrace)
	defer cancel()
	tick := time.NewTicker(lookPeriod)
	defer tick.Stop()
	for {
		pid, held, err := holder(dir)
		if err != nil || !held {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("starting the cluster: process %d of an earlier run still runs: %w", pid, ctx.Err())
		}
	}
}

// startCluster runs the cluster's process; the channel gives what it says when it is ready.
func (in *installation) startCluster(ctx context.Context, clusters *spawner) (<-chan clusterReady, error) {
	bin, err := devcluster(in.Self)
	if err != nil {
		return nil, err
	}
	readyFile := filepath.Join(in.Dir, "cluster-ready.json")
	_ = os.Remove(readyFile) // the next look must not see an old one
	cluster := &child{
		name: "cluster", log: filepath.Join(in.info.Logs, "cluster.log"),
		args: []string{bin, "--dir", filepath.Join(in.Dir, "cluster"), "--node", in.Node, "--ready-file", readyFile,
			"--registry-mirror", in.info.Registry + "=http://" + in.info.Registry,
			"--parent-pid", fmt.Sprint(os.Getpid())},
		started: in.processes,
	}
	if in.Databases {
		// Under the names the charts give; what is not built here still comes from there.
		cluster.args = append(cluster.args, "--registry-overlay", "docker.io=http://"+in.info.Registry)
	}
	in.keep(&in.cluster, cluster)
	clusters.run(cluster)
	ready := make(chan clusterReady, 1)
	go awaitFile(ctx, readyFile, ready)
	return ready, nil
}

// clusterReady is what the cluster's process says of itself.
type clusterReady struct {
	Kubeconfig, Server, Version, Node, NodeReason string
}

// awaitFile looks for a file that another process writes in one piece.
func awaitFile(ctx context.Context, path string, ready chan<- clusterReady) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if data, err := os.ReadFile(path); err == nil {
			var r clusterReady
			if json.Unmarshal(data, &r) == nil {
				ready <- r
				return
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// clusterPatience is how long the cluster may take to start; the first start of a containerd node
// is the longest.
const clusterPatience = 2 * time.Minute
