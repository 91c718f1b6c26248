package headstart

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
)

// What begin changes, the first collection changes back, and only that.
func TestFirstCollection(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(usual))
	if !begin() {
		t.Fatal("nothing was put off")
	}
	if got := current(); got != percent {
		t.Fatalf("GOGC is %d, want %d", got, percent)
	}
	for current() != usual { // cleanups run beside the program
		runtime.GC()
	}
}

func TestChosen(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(150))
	if begin(); current() != 150 {
		t.Errorf("begin: GOGC is %d, want 150", current())
	}
	if end(); current() != 150 {
		t.Errorf("end: GOGC is %d, want 150", current())
	}
}

func current() uint64 {
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
