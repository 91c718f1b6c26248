package record

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Timings of a lock. Whoever holds one renews it every lockRenew; one that nobody renewed for lockDead
// is of a process that died. Both are measured by the one who looks: no two clocks are compared.
const (
	lockRenew = 5 * time.Second
	lockDead  = 3 * lockRenew
	lockLook  = time.Second
)

// lockType keeps a lock from being taken for a record.
const lockType = "fairlead.dev/lock"

// Holder says who has a release in hand.
type Holder struct {
	Who   string    `json:"who"`            // for people: "alice on runner-7"
	Doing string    `json:"doing"`          // "deploy"
	Job   string    `json:"job,omitempty"`  // the CI job's address, where there is one
	Since time.Time `json:"since"`          // by the holder's clock
	Proc  string    `json:"proc,omitempty"` // names the process on its machine
	Beat  int       `json:"beat"`           // grows with every renewal
}

// Lock is a release in hand. Lost is closed when it could not be kept.
type Lock struct {
	Lost <-chan struct{}

	store  *Store
	ns     string
	name   string
	cancel context.CancelFunc
	done   chan struct{}
	mu     sync.Mutex
	held   corev1.Secret
	holder Holder
}

// Lock takes a release in hand: a Secret beside its records says so until Unlock. Where another
// process has it and is alive, the error is of kind Conflict and says who; one that died is taken
// over. dead tells of a process of this machine whether it is gone; waiting, if not nil, is told once of a
// holder that may be dead and has to be watched for a while.
func (s *Store) Lock(ctx context.Context, namespace, name string, h Holder, dead func(proc string) bool, waiting func(Holder)) (*Lock, error) {
	if err := checkName(namespace, name); err != nil {
		return nil, err
	}
	h.Since = s.now().UTC().Truncate(time.Second)
	var seen Holder
	var since time.Time
	for {
		held, err := s.putLock(ctx, namespace, name, h, nil)
		if err == nil {
			return s.hold(ctx, held, namespace, name, h), nil
		}
		if model.KindOf(err) != model.ErrConflict || model.ReasonOf(err, "") != "RecordConflict" {
			return nil, err
		}
		other, theirs, err := s.readLock(ctx, namespace, name)
		if err != nil {
			return nil, err
		}
		now := time.Now()
		switch {
		case other == nil:
			continue // given up meanwhile
		case since.IsZero() || theirs.Proc != seen.Proc || theirs.Since != seen.Since:
			seen, since = theirs, now
			if waiting != nil && !dead(theirs.Proc) {
				waiting(theirs)
			}
		case theirs.Beat != seen.Beat:
			return nil, inHand(namespace, name, theirs)
		}
		if dead(theirs.Proc) || now.Sub(since) > lockDead {
			held, err := s.putLock(ctx, namespace, name, h, other)
			if err == nil {
				return s.hold(ctx, held, namespace, name, h), nil
			}
			if kind := model.KindOf(err); kind != model.ErrConflict && kind != model.ErrNotFound {
				return nil, err
			}
			continue // someone else was faster, or it was given up
		}
		select {
		case <-time.After(lockLook):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func inHand(namespace, name string, h Holder) error {
	msg := fmt.Sprintf("release %s/%s is in another hand: %s by %s since %s", namespace, name, h.Doing, h.Who, h.Since.Format(time.RFC3339))
	next := "wait until it is done and run this again; in CI, a resource group keeps jobs of one environment apart"
	if h.Job != "" {
		msg += " (" + h.Job + ")"
	}
	return &model.Error{Kind: model.ErrConflict, Reason: "InHand", Msg: msg, Next: next}
}

// hold renews a lock until it is given up.
func (s *Store) hold(ctx context.Context, held *corev1.Secret, ns, name string, h Holder) *Lock {
	lost := make(chan struct{})
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l := &Lock{Lost: lost, store: s, ns: ns, name: name, cancel: cancel, done: make(chan struct{}), held: *held, holder: h}
	go func() {
		defer close(l.done)
		tick := time.NewTicker(lockRenew)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if err := l.renew(ctx); model.KindOf(err) == model.ErrConflict || model.KindOf(err) == model.ErrNotFound {
				close(lost)
				return
			}
		}
	}()
	return l
}

func (l *Lock) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lockRenew)
	defer cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	for tries := 0; ; tries++ {
		h := l.holder
		h.Beat++
		held, err := l.store.putLock(ctx, l.ns, l.name, h, &l.held)
		if err == nil {
			l.held, l.holder = *held, h
			return nil
		}
		if tries == 1 || model.KindOf(err) != model.ErrConflict {
			return err
		}
		if err := l.adopt(ctx, err); err != nil {
			return err
		}
	}
}

// adopt goes on with the lock as it is in the cluster, if it still is this one's: an earlier renewal
// may have been written and only its answer been lost. Otherwise it gives back the conflict.
func (l *Lock) adopt(ctx context.Context, conflict error) error {
	held, h, err := l.store.readLock(ctx, l.ns, l.name)
	if err != nil {
		return err
	}
	if held == nil || held.UID != l.held.UID || h.Who != l.holder.Who || h.Proc != l.holder.Proc || !h.Since.Equal(l.holder.Since) {
		return conflict
	}
	l.held, l.holder.Beat = *held, h.Beat
	return nil
}

// Unlock gives the release up. A lock that somebody took over stays theirs.
func (l *Lock) Unlock(ctx context.Context) error {
	l.cancel()
	<-l.done
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.remove(ctx)
	if model.KindOf(err) == model.ErrConflict {
		if err = l.adopt(ctx, err); err == nil {
			err = l.remove(ctx)
		}
	}
	if model.KindOf(err) == model.ErrNotFound || model.KindOf(err) == model.ErrConflict {
		return nil
	}
	return err
}

// remove deletes the lock as it was last seen.
func (l *Lock) remove(ctx context.Context) error {
	body, err := json.Marshal(metav1.DeleteOptions{
		TypeMeta:      metav1.TypeMeta{APIVersion: "v1", Kind: "DeleteOptions"},
		Preconditions: &metav1.Preconditions{UID: &l.held.UID, ResourceVersion: &l.held.ResourceVersion},
	})
	if err != nil {
		return err
	}
	err = l.store.secrets(l.store.api.Delete(), l.ns, lockName(l.name)).
		SetHeader("Content-Type", "application/json").Body(body).Do(ctx).Error()
	return l.about(err)
}

func (l *Lock) about(err error) error {
	if err == nil {
		return nil
	}
	return failure("unlocking", l.ns, l.name, err)
}

func lockName(name string) string { return "fairlead.lock." + name }

// lockKey is where in the Secret's data the holder is.
const lockKey = "holder"

// putLock writes a lock: a new one, or in place of another as it was read.
func (s *Store) putLock(ctx context.Context, ns, name string, h Holder, instead *corev1.Secret) (*corev1.Secret, error) {
	text, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	secret := corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Name: lockName(name), Namespace: ns},
		Type:       lockType, Data: map[string][]byte{lockKey: text},
	}
	request := s.secrets(s.api.Post(), ns)
	if instead != nil {
		secret.UID, secret.ResourceVersion = instead.UID, instead.ResourceVersion
		request = s.secrets(s.api.Put(), ns, lockName(name))
	}
	body, err := json.Marshal(&secret) // to the API server alone: a Secret is logged nowhere
	if err != nil {
		return nil, err
	}
	answer, err := raw(request.Param("fieldManager", model.FieldManager).SetHeader("Content-Type", "application/json").
		SetHeader("Accept", "application/json").Body(body).Do(ctx))
	if err != nil {
		return nil, failure("locking", ns, name, err)
	}
	var held corev1.Secret
	if err := json.Unmarshal(answer, &held); err != nil {
		return nil, fmt.Errorf("locking release %s/%s: %w", ns, name, err)
	}
	return &held, nil
}

// readLock reads who holds a lock; nil when nobody does any more.
func (s *Store) readLock(ctx context.Context, ns, name string) (*corev1.Secret, Holder, error) {
	var h Holder
	body, err := raw(s.secrets(s.api.Get(), ns, lockName(name)).SetHeader("Accept", "application/json").Do(ctx))
	if err != nil {
		if err = failure("reading who locked", ns, name, err); model.KindOf(err) == model.ErrNotFound {
			return nil, h, nil
		}
		return nil, h, err
	}
	var secret corev1.Secret
	if err := json.Unmarshal(body, &secret); err != nil {
		return nil, h, fmt.Errorf("reading who locked %s/%s: %w", ns, name, err)
	}
	if err := json.Unmarshal(secret.Data[lockKey], &h); err != nil {
		h = Holder{Who: "an unknown process", Doing: "something"} // dead, if nobody renews it
	}
	return &secret, h, nil
}
