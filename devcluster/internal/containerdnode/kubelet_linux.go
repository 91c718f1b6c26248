package containerdnode

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/fairlead-cd/fairlead/devcluster/internal/certs"
)

// proxyHealthPort is where kube-proxy tells that it has done its work.
const proxyHealthPort = "10256"

// startKubelet starts the kubelet with an identity of a node and no more.
func (n *containerdNode) startKubelet(context.Context) error {
	l := n.layout
	authority, err := certs.LoadAuthority(filepath.Dir(n.config.CACert), strings.TrimSuffix(filepath.Base(n.config.CACert), ".crt"))
	if err != nil {
		return err
	}
	kubeconfig := l.config("kubelet.kubeconfig")
	err = authority.WriteKubeconfig(kubeconfig, n.config.Server,
		certs.Subject{CommonName: "system:node:" + n.config.NodeName, Organization: []string{"system:nodes"}})
	if err != nil {
		return err
	}
	cert, key, err := authority.Issue(l.path("config"), "kubelet", certs.Subject{
		CommonName: "system:node:" + n.config.NodeName, Organization: []string{"system:nodes"},
		DNSNames: []string{n.config.NodeName}, IPs: []net.IP{n.addresses.node.AsSlice()},
	})
	if err != nil {
		return err
	}
	// Nobody outside is asked for names.
	if err := os.WriteFile(l.config("resolv.conf"), nil, 0o644); err != nil {
		return fmt.Errorf("configuring the kubelet: %w", err)
	}
	config := n.kubeletConfig(cert, key)
	if err := writeJSON(l.config("kubelet.json"), config); err != nil {
		return fmt.Errorf("configuring the kubelet: %w", err)
	}
	procs, err := makeCgroups()
	if err != nil {
		return err
	}
	n.kubelet, err = startChild("kubelet", l.log("kubelet"), n.say, procs, "kubelet",
		"--config", l.config("kubelet.json"), "--kubeconfig", kubeconfig, "--root-dir", l.kubelet(),
		"--cert-dir", l.path("config"), "--hostname-override", n.config.NodeName, "--node-ip", n.addresses.node.String())
	return err
}

// kubeletConfig is a KubeletConfiguration: what differs from the defaults.
func (n *containerdNode) kubeletConfig(cert, key string) object {
	l, node := n.layout, n.addresses.node.String()
	return object{
		"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
		"containerRuntimeEndpoint": "unix://" + socket(),

		// Logs and exec, for the API server, at the node's address on this machine.
		"address": node, "port": 10250, "readOnlyPort": 0, "healthzPort": 0,
		"tlsCertFile": cert, "tlsPrivateKeyFile": key,
		"authentication": object{
			"anonymous": object{"enabled": false}, "webhook": object{"enabled": true},
			"x509": object{"clientCAFile": n.config.CACert},
		},
		"authorization": object{"mode": "Webhook"},

		"cgroupDriver": "cgroupfs", "cgroupRoot": "/" + cgroupRoot, "failCgroupV1": false, "failSwapOn": false,
		"enforceNodeAllocatable": []string{"none"}, "oomScoreAdj": 0,

		"podLogsDir": l.podLogs(), "volumePluginDir": l.path("volume-plugins"), "resolvConf": l.config("resolv.conf"),
		"clusterDomain": clusterDomain, "clusterDNS": []string{node},

		// A developer's disk is often fuller than a server's; images are few, and the
		// sandbox image could not be pulled again.
		"evictionHard":                object{"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%", "nodefs.inodesFree": "1%"},
		"imageGCHighThresholdPercent": 100,

		"registryPullQPS": 0, "serializeImagePulls": false, "eventRecordQPS": 0, "kubeAPIQPS": 100, "kubeAPIBurst": 200,
		"containerLogMaxSize": "5Mi",
	}
}

func writeJSON(file string, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o600)
}

// startProxy starts kube-proxy, which makes Services' addresses work on this machine.
func (n *containerdNode) startProxy(context.Context) error {
	l := n.layout
	authority, err := certs.LoadAuthority(filepath.Dir(n.config.CACert), strings.TrimSuffix(filepath.Base(n.config.CACert), ".crt"))
	if err != nil {
		return err
	}
	kubeconfig := l.config("kube-proxy.kubeconfig")
	if err := authority.WriteKubeconfig(kubeconfig, n.config.Server, certs.Subject{CommonName: "system:kube-proxy"}); err != nil {
		return err
	}
	node := n.addresses.node.String()
	err = writeJSON(l.config("kube-proxy.json"), object{
		"apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration",
		"clientConnection": object{"kubeconfig": kubeconfig}, "hostnameOverride": n.config.NodeName,
		"mode": "iptables", "clusterCIDR": n.addresses.pods.String(), "bindAddress": node,
		"healthzBindAddress": net.JoinHostPort(node, proxyHealthPort), "metricsBindAddress": net.JoinHostPort(node, "10249"),
		// Node ports are for this machine, not for its neighbours.
		"nodePortAddresses": []string{"127.0.0.0/8"},
		"iptables":          object{"localhostNodePorts": true, "minSyncPeriod": "0s", "syncPeriod": "30s"},
		// The machine's connection tracking is not ours to tune.
		"conntrack":   object{"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
		"oomScoreAdj": 0,
	})
	if err != nil {
		return fmt.Errorf("configuring kube-proxy: %w", err)
	}
	procs, err := makeCgroups()
	if err != nil {
		return err
	}
	n.proxy, err = startChild("kube-proxy", l.log("kube-proxy"), n.say, procs, "kube-proxy", "--config", l.config("kube-proxy.json"))
	return err
}
