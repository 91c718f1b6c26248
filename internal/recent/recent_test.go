package recent

import (
	"slices"
	"testing"
)

func TestCache(t *testing.T) {
	var c Cache[string, int]
	if _, ok := c.Get("a"); ok {
		t.Error("something is in the zero value")
	}
	c.Remove("a")
	for _, step := range []struct {
		key     string
		size    int64
		dropped []string
		total   int64
	}{
		{"a", 4, nil, 4},
		{"b", 4, nil, 8},
		{"a", 6, nil, 10}, // in place of the one before, and used last
		{"c", 3, []string{"b"}, 9},
		{"d", 11, []string{"a", "c", "d"}, 0}, // one that has no room by itself
		{"e", 10, nil, 10},
	} {
		if got := c.Put(step.key, 1, step.size, 10); !slices.Equal(got, step.dropped) || c.Size() != step.total {
			t.Errorf("putting %s: dropped %v, want %v; %d in all, want %d", step.key, got, step.dropped, c.Size(), step.total)
		}
	}
	if v, ok := c.Get("e"); !ok || v != 1 {
		t.Errorf("e is %d, there: %v", v, ok)
	}
	c.Remove("e")
	if _, ok := c.Get("e"); ok || c.Size() != 0 {
		t.Errorf("e is still there: %v, %d", ok, c.Size())
	}
}

// TestUse: what was asked for outlives what was put after it.
func TestUse(t *testing.T) {
	var c Cache[int, string]
	c.Put(1, "", 1, 2)
	c.Put(2, "", 1, 2)
	c.Get(1)
	if got := c.Put(3, "", 1, 2); !slices.Equal(got, []int{2}) {
		t.Errorf("dropped %v", got)
	}
}
