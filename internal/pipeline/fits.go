package pipeline

import (
	"fmt"

	"github.com/fairlead-cd/fairlead/internal/record"
)

// Fits refuses an entry that the Store could not keep.
func (h HelmRecorder) Fits(e record.Entry) error { return record.Fits(e) }

// fits refuses what could not be recorded, before anything of it is applied. Some histories have no limit.
func (l *Line) fits(req Request, d Desired) error {
	limited, ok := l.Records[req.Release.ID.Kind].(interface{ Fits(record.Entry) error })
	if !ok || req.Mode != ModeUpgrade {
		return nil // what was recorded once fits
	}
	err := limited.Fits(record.Entry{
		Release: req.Release, Chart: d.Rendered.Chart, Manifest: manifest(d.Rendered), Notes: d.Rendered.Notes,
	})
	if err != nil {
		return fmt.Errorf("release %q could not be recorded: %w", req.Release.Name, err)
	}
	return nil
}
