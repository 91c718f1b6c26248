package output

import "testing"

func TestClean(t *testing.T) {
	for name, tt := range map[string]struct{ in, want string }{
		"plain":           {"3/3 ready", "3/3 ready"},
		"unicode":         {"größer ✓", "größer ✓"},
		"line breaks":     {"a\nb\tc\r\n", "a b c  "},
		"escape sequence": {"\x1b[2Jgone", "\uFFFD[2Jgone"},
		"C1 control":      {"\u009b31m", "\uFFFD31m"},
		"reordered text":  {"a\u202egpj", "a\uFFFDgpj"},
		"broken UTF-8":    {"a\xffb", "a\uFFFDb"},
	} {
		if got := Clean(tt.in); got != tt.want {
			t.Errorf("%s: Clean(%q) = %q, want %q", name, tt.in, got, tt.want)
		}
	}
}

func TestCleanBlockKeepsLines(t *testing.T) {
	if got, want := CleanBlock("a\tb\r\n\x1b[0mc\n"), "a\tb\n\uFFFD[0mc\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		in    string
		width int
		want  string
	}{
		{"größer", 6, "größer"}, {"größer", 4, "grö…"}, {"abc", 1, "…"}, {"abc", 0, "abc"}, {"abc", -1, "abc"},
	} {
		if got := Cut(tt.in, tt.width); got != tt.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", tt.in, tt.width, got, tt.want)
		}
	}
}
