package app

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/fairlead-cd/fairlead/internal/ci/observe"
	"github.com/fairlead-cd/fairlead/internal/ci/report"
	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/deploy"
)

// wireObservers tells the build service that runs this of deployments, and writes the reports that
// are asked for.
func wireObservers(f *cli.Factory, e env) {
	log := f.IO.Err
	if e.GitHub {
		// What is told may quote a pod's log, and what is shown a chart; the runner takes commands from
		// any line of both.
		f.Annotations = log
		f.IO.Err, f.IO.Out = report.NewDefuser(log), report.NewDefuser(f.IO.Out)
	}
	f.Observers = func(reports []string) ([]deploy.Observer, error) {
		targets, err := report.ParseTargets(reports, report.FormatJUnit)
		if err != nil {
			return nil, err
		}
		var out []deploy.Observer
		switch {
		case e.GitLab:
			out = append(out, observe.NewGitLab(log, f.Now))
		case e.GitHub:
			out = append(out, observe.NewGitHub(log, jobSummary(e.Summary)))
		}
		for _, t := range targets {
			junit, err := observe.NewJUnit(t, func(err error) { f.IO.Say("error: %v", err) })
			if err != nil {
				return nil, err
			}
			out = append(out, junit)
		}
		return out, nil
	}
}

// jobSummary adds to the file that GitHub shows as the job's summary.
func jobSummary(file string) func(string) error {
	if file == "" {
		return nil
	}
	return func(text string) error {
		w, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return fmt.Errorf("opening it: %w", err)
		}
		_, err = io.WriteString(w, text)
		return errors.Join(err, w.Close())
	}
}
