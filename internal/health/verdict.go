package health

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// verdict sums up what is known now.
func (s *session) verdict(reason string) model.Verdict {
	v := model.Verdict{Status: model.Healthy, Reason: reason, Since: time.Now()}
	for _, key := range s.t.Keys {
		h := s.health[key]
		if !done(h) { // what is suspended is as it was asked for
			v.Status = model.Worst(v.Status, h.Status)
		}
		v.Objects = append(v.Objects, model.ObjectHealth{Key: key, Health: h})
		if reason != VerdictHealthy && !done(h) {
			v.Causes = append(v.Causes, s.causesFor(key, h, reason)...)
		}
	}
	if reason == VerdictHealthy {
		v.Message = fmt.Sprintf("%d objects healthy", len(s.t.Keys))
		return v
	}
	if reason == VerdictFailed || reason == VerdictTimeout && v.Status != model.Unknown {
		// However far its objects came, the rollout is over.
		v.Status = model.Worst(v.Status, model.Degraded)
	}
	slices.SortStableFunc(v.Causes, func(a, b model.Cause) int { return rank(b) - rank(a) })
	if len(v.Causes) > 0 {
		c := v.Causes[0]
		v.Message = oneLine(fmt.Sprintf("%s %s: %s", c.Object.Short(), c.Summary, c.Root()))
	}
	return v
}

// rank puts what is final first, and what merely still waits last.
func rank(c model.Cause) int {
	switch {
	case c.Final:
		return 2
	case c.Reason != ReasonPodsNotReady:
		return 1
	}
	return 0
}

// causesFor are the causes found, or what is known of an object that nothing was found of.
func (s *session) causesFor(key model.ObjectKey, h model.Health, reason string) []model.Cause {
	if causes := s.causes[key]; len(causes) > 0 {
		return causes
	}
	if reason == VerdictFailed && !h.Final {
		return nil // another object failed; this one was still on its way
	}
	return []model.Cause{{
		Object: key, Summary: orStatus(h), Reason: h.Reason, Final: h.Final,
		Links: []model.Link{{Role: model.RoleCause, Object: key, Text: key.Short() + ": " + orStatus(h)}},
		Next:  "kubectl describe " + resourceArg(key),
	}}
}

func (s *session) timedOut(timeout time.Duration) model.Verdict {
	v := s.verdict(VerdictTimeout)
	v.Message = fmt.Sprintf("not healthy after %s: %s", timeout, v.Message)
	return v
}

func (s *session) cancelled(ctx context.Context) model.Verdict {
	cause := context.Cause(ctx)
	if errors.Is(cause, context.DeadlineExceeded) {
		s.lookOnce(ctx)
		return s.timedOut(time.Since(s.t.Since).Round(time.Second))
	}
	reason := VerdictCancelled
	if errors.Is(cause, ErrSuperseded) {
		reason = VerdictSuperseded
	}
	v := s.verdict(reason)
	v.Message = cause.Error()
	return v
}
