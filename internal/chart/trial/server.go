package trial

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/fairlead-cd/fairlead/internal/chart/check"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// Server is an API server to ask.
type Server struct {
	Typed   groups
	Dynamic dynamic.Interface
	Mapper  meta.RESTMapper
	Label   string // for people: "the embedded cluster"
	// Namespace is where objects are tried. Empty makes one for the time of the trial.
	Namespace string

	made    string // the namespace that Close deletes
	version string
}

// groups are clients of what a server is asked by type.
type groups interface {
	CoreV1() corev1client.CoreV1Interface
	Discovery() discovery.DiscoveryInterfaces
}

// prepare sees to the namespace. Pods are only accepted where their account is, and the one that
// every namespace gets comes a moment later.
func (s *Server) prepare(ctx context.Context) error {
	v, err := s.Typed.Discovery().ServerVersion()
	if err != nil {
		return fmt.Errorf("asking for the server's version: %w", err)
	}
	s.version = v.GitVersion
	if s.Namespace != "" {
		return nil
	}
	ns, err := s.Typed.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "fairlead-chart-test-"},
	}, metav1.CreateOptions{})
	if apierrors.IsForbidden(err) {
		return &model.Error{Kind: model.ErrDenied, Reason: "NoNamespace", Msg: "making a namespace for the trial", Err: err,
			Next: "name one that you may use with --namespace; nothing is created in it"}
	}
	if err != nil {
		return fmt.Errorf("making a namespace for the trial: %w", err)
	}
	s.Namespace, s.made = ns.Name, ns.Name
	_, err = s.Typed.CoreV1().ServiceAccounts(s.made).Create(ctx, &corev1.ServiceAccount{
		ObjectMeta: metav1.ObjectMeta{Name: "default"},
	}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("making the account of the trial's namespace: %w", err)
	}
	return nil
}

// String names the server.
func (s *Server) String() string {
	if s.version == "" {
		return s.Label
	}
	return s.Label + " (" + s.version + ")"
}

// closePatience is how long the namespace's deletion may take to be accepted.
const closePatience = 10 * time.Second

// Close deletes the namespace that was made. It works when the check was interrupted, too.
func (s *Server) Close() error {
	if s.made == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closePatience)
	defer cancel()
	err := s.Typed.CoreV1().Namespaces().Delete(ctx, s.made, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting the trial's namespace %s: %w", s.made, err)
	}
	s.made = ""
	return nil
}

// Later is a server that is being started while there is other work to do.
type Later struct {
	label string
	get   func() (*Server, error)
	done  chan struct{}
}

// Start begins to start a server. What start gives is closed by Close, with stop after it.
func Start(label string, start func() (*Server, error)) *Later {
	l := &Later{label: label, get: sync.OnceValues(start), done: make(chan struct{})}
	go func() {
		defer close(l.done)
		_, _ = l.get() // the error is told to whom needs the server
	}()
	return l
}

// Try is part of check.Server.
func (l *Later) Try(ctx context.Context, objects []model.Object) ([]check.Verdict, error) {
	select {
	case <-l.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s, err := l.get()
	if err != nil {
		return nil, err
	}
	return s.Try(ctx, objects)
}

// String is part of check.Server.
func (l *Later) String() string {
	select {
	case <-l.done:
		if s, err := l.get(); err == nil {
			return s.String()
		}
	default:
	}
	return l.label
}

// Close waits for the start to end and closes what it gave.
func (l *Later) Close() error {
	<-l.done
	s, err := l.get()
	if err != nil {
		return nil // told already, or of no interest to anyone
	}
	return errors.Join(s.Close())
}
