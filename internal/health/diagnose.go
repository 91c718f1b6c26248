package health

import (
	"context"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Rules say when a failure is final: when waiting longer will not help.
type Rules struct {
	// Restarts of one container in this rollout that make a crash loop final.
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
}

// DefaultRules are the rules where none are given.
func DefaultRules() Rules {
	return Rules{
		Restarts:      2,
		PullRetries:   4,
		Unschedulable: 10 * time.Second,
		Missing:       5 * time.Second,
		Mount:         90 * time.Second,
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
	// Locate finds where a text of the cause (an image, a Secret's name) is written:
	// "values image.tag of HelmRelease dev/web". Nil finds nothing.
	Locate func(text string) (origin string, ok bool)
	// Now is the time of the diagnosis; zero is the time of the call.
	Now time.Time

	// restarts a container had when the rollout began, by pod UID and container name
	baseline map[string]int32
}

// Diagnose names why the object with this key is not healthy: one cause for each distinct root,
// worst first. A healthy object has none. The error says that something needed could not be read;
// causes found before that are returned with it.
func Diagnose(ctx context.Context, r Reader, key model.ObjectKey, o Options) ([]model.Cause, error) {
	return nil, nil
}
