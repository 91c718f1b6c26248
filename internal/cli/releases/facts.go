package releases

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/metadata"
)

// facts are what is known beside the requests themselves.
type facts struct {
	namespaces map[string]map[string]string // labels by name; nil is not known
	stored     map[helmName]stored          // newest by release; nil is not known
	alive      time.Time                    // when a controller last said that it is there; zero is not known
	patience   time.Duration                // how long that is believed
}

type helmName struct{ namespace, name string }

// complete adds to a view what its own object does not say.
func (f *facts) complete(v *View, now time.Time) {
	v.Environment = environment(map[string]string{LabelEnvironment: v.Environment}, f.namespaces[v.TargetNamespace], v.TargetNamespace)
	if v.Direct() {
		return
	}
	if s, ok := f.stored[helmName{v.TargetNamespace, v.Release}]; ok && v.Release != "" {
		v.Revision = s.record.Revision
	}
	f.doubt(v, now)
}

// doubt turns a status that nobody vouches for any more into Unknown. A controller that is there
// sees every change by watch, so while it renews its lease what it wrote last holds; when it is gone,
// nothing does.
func (f *facts) doubt(v *View, now time.Time) {
	if f.alive.IsZero() || now.Sub(f.alive) <= f.patience || v.Status == Unknown {
		return
	}
	text := fmt.Sprintf("unknown since %s: no controller is running (was %s", f.alive.Format(time.RFC3339), v.Status)
	if v.Message != "" {
		text += ": " + v.Message
	}
	v.Status, v.Healthy, v.Message = Unknown, false, text+")"
}

func namespaceLabels(ctx context.Context, m metadata.Interface) (map[string]map[string]string, error) {
	list, err := m.Resource(corev1.SchemeGroupVersion.WithResource("namespaces")).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return nil, fmt.Errorf("listing namespaces: %w", err)
	}
	labels := make(map[string]map[string]string, len(list.Items))
	for _, ns := range list.Items {
		labels[ns.Name] = ns.Labels
	}
	return labels, nil
}

// Where controllers hold their leases. A lease whose name begins with leasePrefix is one of theirs.
const (
	SystemNamespace = "fairlead-system"
	leasePrefix     = "fairlead"
)

// minPatience keeps a controller that restarts from making every status unknown.
const minPatience = time.Minute

// newestLease says when a controller last renewed its lease, and how long to believe in it. No lease
// at all says nothing.
func newestLease(ctx context.Context, leases leaseLister) (alive time.Time, patience time.Duration, err error) {
	list, err := leases.List(ctx, metav1.ListOptions{})
	if err != nil {
		return alive, 0, fmt.Errorf("listing leases in %s: %w", SystemNamespace, err)
	}
	for _, l := range list.Items {
		if !strings.HasPrefix(l.Name, leasePrefix) || l.Spec.RenewTime == nil || !l.Spec.RenewTime.After(alive) {
			continue
		}
		alive, patience = l.Spec.RenewTime.UTC(), minPatience
		if d := l.Spec.LeaseDurationSeconds; d != nil {
			patience = max(patience, 2*time.Duration(*d)*time.Second)
		}
	}
	return alive, patience, nil
}

// tolerable reports whether the views are worth showing without what failed to be read: what may
// not be read leaves a gap, and a note says so. Any other failure is one.
func tolerable(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && apierrors.IsForbidden(err)
}
