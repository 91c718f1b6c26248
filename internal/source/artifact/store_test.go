package artifact

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func fill(size int) Fill {
	return func(_ context.Context, dir string) (int64, error) {
		return int64(size), os.WriteFile(filepath.Join(dir, "content"), bytes.Repeat([]byte("x"), size), 0o600)
	}
}

func open(t *testing.T, max int64, used map[string]bool) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "artifacts"), max, func() map[string]bool { return used })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOneFillForManyCallers(t *testing.T) {
	s := open(t, 1<<20, nil)
	fills := 0
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			dir, err := s.Get(t.Context(), "a", func(ctx context.Context, dir string) (int64, error) {
				fills++
				return fill(10)(ctx, dir)
			})
			if err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Join(dir, "content")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if fills != 1 {
		t.Errorf("filled %d times", fills)
	}
}

func TestFailedFillLeavesNothing(t *testing.T) {
	s := open(t, 1<<20, nil)
	broken := errors.New("broken")
	_, err := s.Get(t.Context(), "a", func(_ context.Context, dir string) (int64, error) {
		_ = os.WriteFile(filepath.Join(dir, "half"), nil, 0o600)
		return 0, broken
	})
	if !errors.Is(err, broken) {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, "[^w]*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := s.Get(t.Context(), "a", fill(1)); err != nil {
		t.Error(err)
	}
}

func TestRoomIsMadeFromWhatNobodyUses(t *testing.T) {
	s := open(t, 250, map[string]bool{"watched": true})
	for _, digest := range []string{"watched", "old", "fresh"} {
		if _, err := s.Get(t.Context(), digest, fill(100)); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-2 * Grace)
	s.mu.Lock()
	s.entries["watched"].used, s.entries["old"].used = long, long
	s.mu.Unlock()
	if _, err := s.Get(t.Context(), "new", fill(100)); err != nil {
		t.Fatal(err)
	}
	for digest, want := range map[string]bool{"watched": true, "old": false, "fresh": true, "new": true} {
		if _, err := os.Stat(filepath.Join(s.dir, folderName(digest, 100))); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", digest, err == nil, want)
		}
	}
	if s.total != 300 {
		t.Errorf("counts %d bytes", s.total)
	}
}

// TestAnotherProcessGoesOn: what one that was killed left complete is used, and what it did not come
// to complete is removed.
func TestAnotherProcessGoesOn(t *testing.T) {
	if _, err := os.Stat(bootID); err != nil {
		t.Skipf("this system does not tell when it started: %v", err)
	}
	s := open(t, 250, nil)
	dir, err := s.Get(t.Context(), "a", fill(100))
	if err != nil {
		t.Fatal(err)
	}
	cut, err := s.Get(t.Context(), "cut", fill(10))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(cut, "content"), 5); err != nil {
		t.Fatal(err)
	}
	for _, left := range []string{"tmp-123", "tmp-b", "c", "d.x", "a.7"} {
		if err := os.MkdirAll(filepath.Join(s.dir, left, "half"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	again, err := Open(s.dir, 250, func() map[string]bool { return nil })
	if err != nil {
		t.Fatal(err)
	}
	got, err := again.Get(t.Context(), "a", func(context.Context, string) (int64, error) { return 0, errors.New("filled again") })
	if err != nil || got != dir {
		t.Errorf("got %s, %v, want %s", got, err, dir)
	}
	names, err := filepath.Glob(filepath.Join(s.dir, "*"))
	if err != nil || len(names) != 2 {
		t.Errorf("left are %v, %v: want the artifact and the mark", names, err)
	}
	again.mu.Lock()
	again.entries["a"].used = time.Now().Add(-2 * Grace)
	again.mu.Unlock()
	if _, err := again.Get(t.Context(), "b", fill(200)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(got); err == nil {
		t.Error("what was adopted is not counted: no room was made")
	}
}

// TestWhatIsOlderThanTheMachineIsNotTrusted: it may be incomplete after a power failure.
func TestWhatIsOlderThanTheMachineIsNotTrusted(t *testing.T) {
	s := open(t, 1<<20, nil)
	dir, err := s.Get(t.Context(), "a", fill(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, markName), []byte("1 another boot"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(s.dir, 1, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("it is still there")
	}
	// Nor does it matter that someone cleans up meanwhile.
	if _, err := s.Get(t.Context(), "a", fill(1)); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
}
