package diff

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCompare(t *testing.T) {
	for name, tt := range map[string]struct{ old, cur, want string }{
		"one line in the middle": {"a b c d e f g", "a b c X e f g", " b, c,-d,+X, e, f"},
		"added at the end":       {"a b c", "a b c d", " b, c,+d"},
		"removed at the start":   {"a b c d", "b c d", "-a, b, c"},
		"two places":             {"a b c d e f g h i", "X b c d e f g h Y", "-a,+X, b, c, …, g, h,-i,+Y"},
		"all":                    {"a", "b", "-a,+b"},
		"nothing":                {"a b", "a b", ""},
	} {
		var got []string
		for _, l := range compare(strings.Fields(tt.old), strings.Fields(tt.cur)) {
			got = append(got, string(l.sign)+l.text)
		}
		if diff := cmp.Diff(tt.want, strings.Join(got, ",")); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
