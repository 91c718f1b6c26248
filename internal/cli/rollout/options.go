package rollout

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/deploy"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// Options are those of every command that runs a release here.
type Options struct {
	IO        *output.Streams
	Now       func() time.Time
	Observers func(reports []string) ([]deploy.Observer, error)
	Format    output.Format
	Reports   []string // "junit=FILE"
	Timeout   time.Duration

	format string
}

// DefaultTimeout is how long a run may wait: for each hook, and for all objects to become healthy.
const DefaultTimeout = 10 * time.Minute

var formats = []string{output.FormatTable, output.FormatJSON, output.FormatYAML}

// New makes the options from what a command has.
func New(f *cli.Factory) Options {
	return Options{IO: f.IO, Now: f.Now, Observers: f.Observers}
}

// AddFlags adds the flags to a command.
func (o *Options) AddFlags(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&o.Timeout, "timeout", DefaultTimeout, "how long to wait: for each hook, and for all objects to become healthy")
	cmd.Flags().StringArrayVar(&o.Reports, "report", nil, "also write a report: `junit=FILE`")
	cli.AddFormatFlag(cmd, &o.format, formats...)
}

// Parse reads what the flags were given.
func (o *Options) Parse(cmd *cobra.Command) (err error) {
	if o.Timeout <= 0 {
		return cli.Usagef(cmd.CommandPath(), "--timeout %s: want a time that is not over already, as in 10m", o.Timeout)
	}
	o.Format, err = cli.ParseFormat(cmd, o.format, formats...)
	return err
}

// all are observers that are told one after another.
type all []deploy.Observer

// Step is part of deploy.Observer.
func (a all) Step(s deploy.Step) {
	for _, o := range a {
		o.Step(s)
	}
}

// Planned is part of deploy.Observer.
func (a all) Planned(p model.Plan) {
	for _, o := range a {
		o.Planned(p)
	}
}

// Progress is part of deploy.Observer.
func (a all) Progress(h model.ObjectHealth) {
	for _, o := range a {
		o.Progress(h)
	}
}

// Finished is part of deploy.Observer.
func (a all) Finished(r deploy.Result) {
	for _, o := range a {
		o.Finished(r)
	}
}
