// Package containerdnode is a node that really runs pods: a kubelet and a kube-proxy of
// the cluster's version on a containerd of its own, all started and ended by the node.
//
// In comes a node.Config; out goes a Ready node whose pods are reachable from this machine
// by their Services' addresses. The machine's own containerd, its images and its CNI
// configuration are never touched: binaries are taken from it, state is not.
//
// What the node does to the machine is bounded and undone:
//
//   - Processes. containerd and all it starts, the kubelet and all pods live below one
//     cgroup, /fairlead. Ending what is in it ends the node, however its owner died; no
//     process is ever looked for by its name.
//   - Mounts are all below Config.Dir.
//   - Network. Pods are on the bridge fl-pods, which carries the node's address. The range
//     of Services is routed to a bridge without ports, fl-guard, before anything can be
//     sent there, so that a packet to a Service nobody answers for dies on the machine.
//     Pods are not masqueraded, forwarding is enabled on fl-pods alone, and a chain in the
//     mangle table drops whatever concerns pods or Services and would leave elsewhere.
//     Node ports answer on 127.0.0.1 only.
//   - Settings of the kernel that kubelet and kube-proxy change are noted and put back.
//
// One such node runs on a machine at a time. /run/fairlead-node.lock says whose it is; the
// lock ends with the process, and what it leaves is removed by the next Cleanup, with what
// the file notes.
//
// There is no image of anybody else's in it: the sandbox image is a program of 200 bytes
// made here. Cluster DNS is answered by the node itself for Services, and for no other name.
package containerdnode
