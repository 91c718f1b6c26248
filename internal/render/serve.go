package render

import (
	"io"

	"github.com/fairlead-cd/fairlead/internal/render/worker"
)

// ServeWorker answers render requests from in on out until in ends. The hidden command
// `fairlead render-worker` is nothing but this call; it gives up most of the process's rights.
func ServeWorker(in io.Reader, out io.Writer) error {
	return worker.Serve(in, out)
}
