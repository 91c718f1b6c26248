package health

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Rules say when a failure is final: when waiting longer will not help.
type Rules struct {
	// Restarts of one container in this rollout that make a crash loop final. A container that
	// seems to wait for another that is still starting is given two more.
	Restarts int32
	// PullRetries of an image whose registry could not be reached that make it final.
	PullRetries int32
	// Unschedulable is how long the scheduler may find no node.
	Unschedulable time.Duration
	// Missing is how long a Secret, ConfigMap or ServiceAccount may be missing. The same apply,
	// or a controller, may create it a moment after the pod.
	Missing time.Duration
	// Mount is how long a volume may fail to mount.
	Mount time.Duration
	// Quota is how long a quota may be exceeded while older pods, which will go, count too.
	Quota time.Duration
}

// DefaultRules are the rules where none are given.
func DefaultRules() Rules {
	return Rules{
		Restarts:      2,
		PullRetries:   4,
		Unschedulable: 10 * time.Second,
		Missing:       5 * time.Second,
		Mount:         90 * time.Second,
		Quota:         30 * time.Second,
	}
}

// Options are what diagnosis knows beside the object itself. The zero value is fine.
type Options struct {
	Rules Rules // zero is DefaultRules
	// Release holds the keys of the objects in the same release: a Secret that one of its
	// SealedSecrets or ExternalSecrets will make is not finally missing.
	Release []model.ObjectKey
	// Since is when the rollout began; restarts of pods that are older are not held against it.
	Since time.Time
	// PeersStarting says that other workloads of the release are not ready yet: a container
	// that crashes may be waiting for one of them.
	PeersStarting bool
	// Locate finds where a text of the cause (an image, a Secret's name) is written:
	// "values image.tag of HelmRelease dev/web". Nil finds nothing.
	Locate func(text string) (origin string, ok bool)
	// Now is the time of the diagnosis; zero is the time of the call.
	Now time.Time

	// baseline is how many restarts a container had when the rollout began.
	baseline map[containerID]int32
}

// containerID names a container of one pod.
type containerID struct{ uid, name string }

// maxCauses bounds the causes told for one object.
const maxCauses = 3

// Diagnose names why the object with this key is not healthy: one cause for each distinct root,
// worst first. A healthy object has none. The error says that something needed could not be read;
// causes found before that are returned with it.
func Diagnose(ctx context.Context, r Reader, key model.ObjectKey, o Options) ([]model.Cause, error) {
	causes, _, err := diagnose(ctx, r, key, o)
	return causes, err
}

// diagnose also says after how long a cause that is not final now will be, if nothing changes;
// 0 is never.
func diagnose(ctx context.Context, r Reader, key model.ObjectKey, o Options) ([]model.Cause, time.Duration, error) {
	if o.Rules == (Rules{}) {
		o.Rules = DefaultRules()
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	d := &diagnosis{r: r, o: o}
	obj, err := r.Object(ctx, key)
	if apierrors.IsNotFound(err) {
		return []model.Cause{missing(key)}, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading %s: %w", key.Short(), err)
	}
	h := Of(obj)
	if h.Status == model.Healthy && h.Reason == "" {
		return nil, 0, nil
	}
	summary, found, err := d.object(ctx, key, obj, h)
	return causesOf(key, summary, found), recheck(found), err
}

func missing(key model.ObjectKey) model.Cause {
	return model.Cause{
		Object: key, Summary: "missing", Reason: "Missing",
		Links: []model.Link{{Role: model.RoleCause, Object: key, Text: key.Short() + " does not exist"}},
	}
}

// diagnosis is one question about one object.
type diagnosis struct {
	r Reader
	o Options
}

// finding is one cause in the making.
type finding struct {
	links  []model.Link
	reason string
	next   string
	final  bool
	// finalIn is after how long the finding becomes final if nothing changes; 0 is never.
	finalIn time.Duration
}

func (f *finding) add(role model.Role, key model.ObjectKey, format string, args ...any) {
	text := format
	if len(args) > 0 {
		text = fmt.Sprintf(format, args...)
	}
	if text != "" {
		f.links = append(f.links, model.Link{Role: role, Object: key, Text: text})
	}
}

// finalAfter makes the finding final once grace has passed since the trouble began.
func (f *finding) finalAfter(grace time.Duration, began, now time.Time) {
	left := grace - now.Sub(began)
	if left <= 0 {
		f.final = true
		return
	}
	f.finalIn = left
}

func (f *finding) root() string {
	c := model.Cause{Links: f.links}
	return c.Root()
}

// object dispatches on the kind; the summary is the first line of what is told.
func (d *diagnosis) object(ctx context.Context, key model.ObjectKey, obj content, h model.Health) (string, []finding, error) {
	switch (groupKind{key.Group, key.Kind}) {
	case groupKind{"apps", "Deployment"}:
		return d.deployment(ctx, key, obj, h)
	case groupKind{"apps", "StatefulSet"}, groupKind{"apps", "DaemonSet"}, groupKind{"apps", "ReplicaSet"}:
		return d.podSet(ctx, key, obj, h)
	case groupKind{"batch", "Job"}:
		return d.job(ctx, key, obj, h)
	case groupKind{"", "Pod"}:
		return d.barePod(ctx, obj, h)
	case groupKind{"", "PersistentVolumeClaim"}:
		f, err := d.volumeClaim(ctx, key, h)
		return h.Message, f, err
	}
	f, err := d.other(ctx, key, h)
	return h.Message, f, err
}

// causesOf orders findings, folds equal ones, and bounds their number.
func causesOf(key model.ObjectKey, summary string, found []finding) []model.Cause {
	slices.SortStableFunc(found, func(a, b finding) int {
		return cmp.Compare(severity(b), severity(a))
	})
	var causes []model.Cause
	seen := map[string]bool{}
	for _, f := range found {
		id := f.reason + "\x00" + f.root()
		if seen[id] || len(causes) == maxCauses {
			continue
		}
		seen[id] = true
		causes = append(causes, model.Cause{
			Object: key, Summary: summary, Links: f.links, Reason: f.reason, Next: f.next, Final: f.final,
		})
	}
	return causes
}

func severity(f finding) int {
	switch {
	case f.final:
		return 3
	case f.finalIn > 0:
		return 2
	case f.reason != ReasonPodsNotReady:
		return 1
	}
	return 0
}

func recheck(found []finding) time.Duration {
	var soonest time.Duration
	for _, f := range found {
		if !f.final && f.finalIn > 0 && (soonest == 0 || f.finalIn < soonest) {
			soonest = f.finalIn
		}
	}
	return soonest
}

// located adds where a text is written, if that is known.
func (d *diagnosis) located(f *finding, texts ...string) bool {
	if d.o.Locate == nil {
		return false
	}
	for _, text := range texts {
		if text == "" {
			continue
		}
		if origin, ok := d.o.Locate(text); ok {
			f.add(model.RoleSource, model.ObjectKey{}, "%s", origin)
			return true
		}
	}
	return false
}
