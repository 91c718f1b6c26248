package controller

import (
	"testing"
	"time"
)

// TestRepairsDoNotFight: the wait that is told is long enough, and a repair follows it.
func TestRepairsDoNotFight(t *testing.T) {
	var p repairs
	id, now := releaseID("a"), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	repair := func() time.Duration {
		pause := p.pause(id, now)
		if pause == 0 {
			p.count(id, now)
		}
		return pause
	}
	var pauses []time.Duration
	for range freeRounds {
		if wait := repair(); wait != 0 {
			t.Fatalf("an early repair waits %s", wait)
		}
	}
	for range 8 {
		wait := repair()
		if wait <= 0 {
			t.Fatal("a fight goes on at full speed")
		}
		pauses = append(pauses, wait)
		if now = now.Add(wait); repair() != 0 {
			t.Fatal("the repair after the wait is put off again")
		}
	}
	if pauses[0] != time.Second || pauses[7] != peaceAfter/2 {
		t.Errorf("pauses are %v", pauses)
	}
	now = now.Add(2 * peaceAfter)
	for range freeRounds {
		if repair() != 0 {
			t.Error("an old fight counts still")
		}
	}
	p.forget(id)
	if len(p.seen) != 0 {
		t.Error("a forgotten release is remembered")
	}
}
