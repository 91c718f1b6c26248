package simnode

import (
	"fmt"
	"testing"
)

func TestAddresses(t *testing.T) {
	a, err := newAddresses("10.1.2.0/24")
	if err != nil {
		t.Fatal(err)
	}
	a.claim("old", "10.1.2.11")
	seen := map[string]bool{"10.1.2.11": true}
	for i := range 256 - reserved - 1 {
		got := a.get(fmt.Sprint(i))
		if got == "" || seen[got] {
			t.Fatalf("pod %d got %q, which is used or empty", i, got)
		}
		seen[got] = true
	}
	if got := a.get("one too many"); got != "" {
		t.Errorf("got %q from a range that is used up", got)
	}
	if first, again := a.get("0"), a.get("0"); first != again {
		t.Errorf("the address of a pod changed from %s to %s", first, again)
	}
	a.release("old")
	if got := a.get("new"); got != "10.1.2.11" {
		t.Errorf("got %q, want the address that became free", got)
	}
}
