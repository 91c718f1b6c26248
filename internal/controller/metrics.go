package controller

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pipeline"
)

// metrics count what the reconciler does.
type metrics struct {
	turns   *prometheus.CounterVec
	runs    *prometheus.CounterVec
	seconds *prometheus.HistogramVec
}

// newMetrics registers them; a nil registerer counts for nobody.
func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		turns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fairlead_turns_total", Help: "Looks at a release, by kind of request and what was decided.",
		}, []string{"kind", "verb"}),
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fairlead_runs_total", Help: "Runs of the line, by kind of request, mode and result.",
		}, []string{"kind", "mode", "result"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "fairlead_run_seconds", Help: "How long runs of the line took, waiting for health included.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600},
		}, []string{"kind", "mode"}),
	}
	if reg != nil {
		reg.MustRegister(m.turns, m.runs, m.seconds)
	}
	return m
}

// repaired takes in a repair that a run made while it waited.
func (m *metrics) repaired(kind model.Kind) {
	m.runs.WithLabelValues(string(kind), string(pipeline.ModeRepair), "ok").Inc()
}

// count takes in one turn.
func (m *metrics) count(kind model.Kind, rep *Report) {
	verb := rep.Decision.Verb
	if verb == "" {
		verb = "refused"
	}
	m.turns.WithLabelValues(string(kind), string(verb)).Inc()
	out := rep.Outcome
	if out == nil || verb == Differ {
		return
	}
	result := "failed"
	switch {
	case out.OK():
		result = "ok"
	case out.RolledBack != nil:
		result = "rolled_back"
	}
	m.runs.WithLabelValues(string(kind), string(out.Request.Mode), result).Inc()
	m.seconds.WithLabelValues(string(kind), string(out.Request.Mode)).Observe(out.Ended.Sub(out.Started).Round(time.Millisecond).Seconds())
}
