package ci

import "testing"

func TestPipeline(t *testing.T) {
	w := newWorld(t)
	w.access(t)
	w.runner.want(t, true, "--list")
	w.runner.want(t, true, "build")
}
