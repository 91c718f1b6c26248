package simnode

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"

	"github.com/fairlead-cd/fairlead/devcluster/internal/certs"
	"github.com/fairlead-cd/fairlead/devcluster/internal/node"
)

// kubelet answers what the API server asks of a node: the logs of containers.
type kubelet struct {
	listener net.Listener
	port     int
	log      io.Writer
}

// listenKubelet opens a port on 127.0.0.1 that only the API server may call.
func listenKubelet(c node.Config, authority *certs.Authority) (*kubelet, error) {
	certPEM, keyPEM, err := authority.Sign(certs.Subject{
		CommonName: "system:node:" + c.NodeName, Organization: []string{"system:nodes"},
		DNSNames: []string{c.NodeName}, IPs: []net.IP{net.ParseIP(nodeIP)},
	})
	if err != nil {
		return nil, fmt.Errorf("issuing the node's certificate: %w", err)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("reading the node's certificate: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority.PEM())
	listener, err := net.Listen("tcp", net.JoinHostPort(nodeIP, "0"))
	if err != nil {
		return nil, fmt.Errorf("opening the node's port: %w", err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	return &kubelet{log: c.Log, port: port, listener: tls.NewListener(listener, &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
	})}, nil
}

// serve answers until ctx ends.
func (k *kubelet) serve(ctx context.Context, pods *pods) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", func(w http.ResponseWriter, r *http.Request) {
		k.containerLog(w, r, pods)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "the node is simulated: nothing runs on it, so there is nothing to answer "+r.URL.Path, http.StatusNotImplemented)
	})
	server := &http.Server{
		Handler: onlyAPIServer(mux), ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.Serve(k.listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
		fmt.Fprintf(k.log, "serving the node's port: %v\n", err)
	}
}

// onlyAPIServer refuses clients that the authority knows but that are not the API server.
func onlyAPIServer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 || r.TLS.PeerCertificates[0].Subject.CommonName != certs.KubeletClientName {
			http.Error(w, "only the API server may ask a node", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (k *kubelet) containerLog(w http.ResponseWriter, r *http.Request, pods *pods) {
	namespace, name, container := r.PathValue("namespace"), r.PathValue("pod"), r.PathValue("container")
	pod, err := pods.lister.Pods(namespace).Get(name)
	if err != nil {
		http.Error(w, fmt.Sprintf("pod %q not found", name), http.StatusNotFound)
		return
	}
	query := r.URL.Query()
	lines, err := logLines(pod, container, query.Get("previous") == "true")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if tail, err := strconv.Atoi(query.Get("tailLines")); err == nil && tail >= 0 && tail < len(lines) {
		lines = lines[len(lines)-tail:]
	}
	text := ""
	for _, line := range lines {
		if query.Get("timestamps") == "true" {
			text += pod.CreationTimestamp.UTC().Format(time.RFC3339Nano) + " "
		}
		text += line + "\n"
	}
	if limit, err := strconv.Atoi(query.Get("limitBytes")); err == nil && limit >= 0 && limit < len(text) {
		text = text[:limit]
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, text)
	if query.Get("follow") == "true" {
		_ = http.NewResponseController(w).Flush()
		pods.waitGone(r.Context(), pod)
	}
}

// logLines returns what a container has logged, or a kubelet's words for why there is nothing.
func logLines(pod *v1.Pod, container string, previous bool) ([]string, error) {
	status := find(append(append([]v1.ContainerStatus{}, pod.Status.InitContainerStatuses...), pod.Status.ContainerStatuses...), container)
	switch {
	case status == nil:
		return nil, fmt.Errorf("container %q in pod %q is not available", container, pod.Name)
	case previous && status.LastTerminationState.Terminated == nil:
		return nil, fmt.Errorf("previous terminated container %q in pod %q not found", container, pod.Name)
	case status.State.Waiting != nil && status.LastTerminationState.Terminated == nil:
		return nil, fmt.Errorf("container %q in pod %q is waiting to start: %s", container, pod.Name, status.State.Waiting.Reason)
	}
	text := pod.Annotations[AnnotationLog]
	if text == "" {
		text = fmt.Sprintf("simulated container %s of pod %s/%s: nothing runs here", container, pod.Namespace, pod.Name)
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n"), nil
}
