package containerdnode

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// pollPause is between two looks at something that does not tell when it is there.
const pollPause = 20 * time.Millisecond

// startContainerd starts a containerd that shares nothing with the machine's, and gives
// it the sandbox image.
func (n *containerdNode) startContainerd(ctx context.Context) error {
	if err := n.writeCNI(); err != nil {
		return err
	}
	if err := n.writeRegistries(); err != nil {
		return err
	}
	config, err := n.containerdConfig()
	if err != nil {
		return err
	}
	file := n.layout.config("containerd.toml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return fmt.Errorf("configuring containerd: %w", err)
	}
	procs, err := makeCgroups()
	if err != nil {
		return err
	}
	binary, err := lookPath("containerd")
	if err != nil {
		return err
	}
	n.containerd, err = startChild("containerd", n.layout.log("containerd"), n.say, procs, "exec", binary, "--config", file)
	if err != nil {
		return err
	}
	if err := waitSocket(ctx, socket()); err != nil {
		return fmt.Errorf("waiting for containerd: %w; its last words: %s", err, lastLine(n.layout.log("containerd")))
	}
	return n.importPause()
}

func (n *containerdNode) importPause() error {
	archive, err := pauseArchive(runtime.GOARCH)
	if err != nil {
		return err
	}
	file := n.layout.config("pause.tar")
	if err := os.WriteFile(file, archive, 0o600); err != nil {
		return fmt.Errorf("writing the sandbox image: %w", err)
	}
	if _, err := runTool("", "ctr", "--address", socket(), "--namespace", "k8s.io", "images", "import", file); err != nil {
		return fmt.Errorf("importing the sandbox image: %w", err)
	}
	return nil
}

// containerdConfig is a configuration of version 2, which containerd 1.6 to 2 read.
func (n *containerdNode) containerdConfig() (string, error) {
	plugins, err := pluginDir()
	if err != nil {
		return "", err
	}
	runc, err := lookPath("runc")
	if err != nil {
		return "", err
	}
	snapshotter := "overlayfs"
	if !overlayWorks(string(n.layout)) {
		snapshotter = "native" // copies every layer: slow, but works on any file system
	}
	l := n.layout
	return fmt.Sprintf(`version = 2
root = %[1]q
state = %[2]q
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]

[grpc]
  address = %[3]q

[plugins."io.containerd.internal.v1.opt"]
  path = %[4]q

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = %[5]q
  stream_server_address = "127.0.0.1"
  # The machine may be a sandbox itself, without the right to lower scores.
  restrict_oom_score_adj = true
  tolerate_missing_hugetlb_controller = true
  # With the other mounts, where they are found again after a crash.
  netns_mounts_under_state_dir = true

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = %[6]q
  conf_dir = %[7]q

[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = %[8]q

[plugins."io.containerd.grpc.v1.cri".containerd]
  default_runtime_name = "runc"
  snapshotter = %[9]q

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  BinaryName = %[10]q
  Root = %[11]q
  SystemdCgroup = false
`, l.store(), l.state(), socket(), l.path("opt"), pauseImage, plugins, l.config("cni"), l.config("registries"),
		snapshotter, runc, l.runc()), nil
}

// writeCNI writes the one network there is. The bridge and its address are the node's
// work; the plugin only plugs pods in, so it changes no setting of the machine.
func (n *containerdNode) writeCNI() error {
	data, err := json.MarshalIndent(object{
		"cniVersion": "0.4.0", "name": "fairlead",
		"plugins": []object{{
			"type": "bridge", "bridge": podBridge, "isGateway": false, "ipMasq": false, "hairpinMode": true,
			"ipam": object{
				"type": "host-local", "dataDir": n.layout.ipam(),
				"ranges": [][]object{{{"subnet": n.addresses.pods.String(), "gateway": n.addresses.node.String()}}},
				"routes": []object{{"dst": "0.0.0.0/0", "gw": n.addresses.node.String()}},
			},
		}},
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("configuring the pod network: %w", err)
	}
	dir := n.layout.config("cni")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("configuring the pod network: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "10-fairlead.conflist"), data, 0o644); err != nil {
		return fmt.Errorf("configuring the pod network: %w", err)
	}
	return nil
}

// writeRegistries says where the images of each mirrored or overlaid registry come from
// (containerd's docs/hosts.md). Without a server of its own, the host itself is asked last.
func (n *containerdNode) writeRegistries() error {
	root := n.layout.config("registries")
	if err := os.RemoveAll(root); err != nil {
		return fmt.Errorf("configuring registries: %w", err)
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return fmt.Errorf("configuring registries: %w", err)
	}
	for host, mirror := range n.config.RegistryMirrors {
		if err := writeRegistry(root, host, mirror, "server = %q\n\n"); err != nil {
			return err
		}
	}
	for host, overlay := range n.config.RegistryOverlays {
		if err := writeRegistry(root, host, overlay, ""); err != nil {
			return err
		}
	}
	return nil
}

func writeRegistry(root, host, mirror, server string) error {
	u, err := url.Parse(mirror)
	if err != nil || u.Host == "" || host == "" || strings.ContainsAny(host, "/\\\"") || strings.HasPrefix(host, ".") {
		return fmt.Errorf("configuring registries: mirror %q of %q is no address of a registry", mirror, host)
	}
	dir := filepath.Join(root, host)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("configuring registries: %w", err)
	}
	endpoint := u.Scheme + "://" + u.Host
	if server != "" {
		server = fmt.Sprintf(server, endpoint)
	}
	hosts := server + fmt.Sprintf("[host.%q]\n  capabilities = [\"pull\", \"resolve\"]\n", endpoint)
	if err := os.WriteFile(filepath.Join(dir, "hosts.toml"), []byte(hosts), 0o644); err != nil {
		return fmt.Errorf("configuring registries: %w", err)
	}
	return nil
}

// waitSocket waits until somebody listens.
func waitSocket(ctx context.Context, path string) error {
	ticker := time.NewTicker(pollPause)
	defer ticker.Stop()
	for {
		conn, err := net.Dial("unix", path)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// overlayWorks tries to mount an overlay in dir; not every file system carries one.
func overlayWorks(dir string) bool {
	probe, err := os.MkdirTemp(dir, "overlay-")
	if err != nil {
		return false
	}
	defer os.RemoveAll(probe)
	at := func(d string) string { return filepath.Join(probe, d) }
	for _, d := range []string{"lower", "upper", "work", "merged"} {
		if err := os.Mkdir(at(d), 0o700); err != nil {
			return false
		}
	}
	options := "lowerdir=" + at("lower") + ",upperdir=" + at("upper") + ",workdir=" + at("work")
	if err := syscall.Mount("overlay", at("merged"), "overlay", 0, options); err != nil {
		return false
	}
	return syscall.Unmount(at("merged"), syscall.MNT_DETACH) == nil
}
