package simnode

import (
	"slices"
	"testing"
	"time"
)

// TestSightsChangeWhileDeciding is about what comes between looking for it and noting that it was
// not there: whoever waits for it must be told all the same.
func TestSightsChangeWhileDeciding(t *testing.T) {
	const pod = "shop/api"
	for name, tc := range map[string]struct {
		before            *sight // what an earlier decision left
		changed           string // the namespace in which something comes meanwhile
		unresolved, again bool
	}{
		"first decision, its ConfigMap comes":  {changed: "shop", unresolved: true, again: true},
		"later decision, its ConfigMap comes":  {before: &sight{unresolved: true}, changed: "shop", unresolved: true, again: true},
		"something comes in another namespace": {changed: "dev", unresolved: true},
		"something comes nobody waits for":     {changed: "shop"},
		"nothing comes":                        {unresolved: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSights()
			if tc.before != nil {
				_, _, mark := s.begin(pod)
				s.keep(pod, *tc.before, mark)
			}
			_, known, mark := s.begin(pod)
			if known != (tc.before != nil) {
				t.Errorf("known = %t", known)
			}
			if tc.changed != "" {
				s.wake(tc.changed)
			}
			if again := s.keep(pod, sight{read: "1", written: "2", unresolved: tc.unresolved}, mark); again != tc.again {
				t.Errorf("decide again: %t, want %t", again, tc.again)
			}
			last, _, _ := s.begin(pod)
			if due := !last.due.IsZero(); due != tc.again {
				t.Errorf("due: %t, want %t", due, tc.again)
			}
		})
	}
}

func TestSightsWake(t *testing.T) {
	s := newSights()
	for key, unresolved := range map[string]bool{"shop/api": true, "shop/web": false, "dev/api": true} {
		_, _, mark := s.begin(key)
		if s.keep(key, sight{unresolved: unresolved}, mark) {
			t.Errorf("%s is to be decided about again though nothing changed", key)
		}
	}
	if got := s.wake("shop"); !slices.Equal(got, []string{"shop/api"}) {
		t.Errorf("woken: %q", got)
	}
	if last, _, _ := s.begin("shop/api"); last.due.After(time.Now()) || last.due.IsZero() {
		t.Errorf("due at %v", last.due)
	}
	s.forget("dev/api")
	if got := s.wake("dev"); len(got) > 0 {
		t.Errorf("woken though gone: %q", got)
	}
}
