package main

import (
	"context"
)

// subject is what is measured.
type subject interface {
	// Name is how tables call it.
	Name() string
	// Start makes the cluster ready for it and starts it; it returns when it would notice a request.
	Start(ctx context.Context, w *world) error
	// Restart starts it again after Kill, and returns at once.
	Restart(ctx context.Context) error
	// Kill ends its processes as a power cut would.
	Kill()
	// Processes are the processes whose use is measured.
	Processes() []int
	// Request asks for releases 0 to n-1 for the first time.
	Request(ctx context.Context, n int) error
	// Ready returns when releases 0 to n-1 are done as far as the subject says.
	Ready(ctx context.Context, n int) error
	// Pushed tells it of a commit that touched some releases.
	Pushed(ctx context.Context, touched []int) error
	// Repairs says whether it puts back what was changed in the cluster.
	Repairs() bool
	// Renders is how many times it rendered a chart so far, or -1 where it does not say.
	Renders(ctx context.Context) (int64, error)
}
