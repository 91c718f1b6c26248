package releases

import (
	"testing"
	"time"
)

func TestEnvironment(t *testing.T) {
	label := func(s string) map[string]string { return map[string]string{LabelEnvironment: s} }
	for name, tt := range map[string]struct {
		request, namespace map[string]string
		target, want       string
	}{
		"the request says":          {label("a"), label("b"), "prod", "a"},
		"the namespace says":        {nil, label("b"), "prod", "b"},
		"the namespace's name says": {nil, nil, "staging", "staging"},
		"nothing says":              {nil, nil, "shop", ""},
	} {
		if got := environment(tt.request, tt.namespace, tt.target); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// A healthy status is only as good as the controller that vouches for it.
func TestDoubt(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, tt := range map[string]struct {
		facts facts
		view  View
		want  verdict
	}{
		"a controller is there": {
			facts{alive: now.Add(-10 * time.Second), patience: time.Minute},
			View{Status: Healthy, Healthy: true, Message: "fine"}, verdict{Healthy, true, "fine"},
		},
		"it is gone": {
			facts{alive: now.Add(-time.Hour), patience: time.Minute},
			View{Status: Healthy, Healthy: true, Message: "fine"},
			verdict{Unknown, false, "unknown since 2026-01-02T02:04:05Z: no controller is running (was Healthy: fine)"},
		},
		"it never told": {
			facts{}, View{Status: Healthy, Healthy: true}, verdict{Healthy, true, ""},
		},
	} {
		tt.facts.doubt(&tt.view, now)
		if got := (verdict{tt.view.Status, tt.view.Healthy, tt.view.Message}); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}
