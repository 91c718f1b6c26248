package health

import (
	"strings"
	"testing"
)

func TestStrike(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		values     []string
		want       string
	}{
		{"inside a word", "token=s3cr3t-token!", []string{"s3cr3t-token"}, "token=***!"},
		{"short value as a word only", "port 5432, took 54321 ms", []string{"5432"}, "port ***, took 54321 ms"},
		{"base64", "auth cGFzc3dvcmQxMjM=", []string{"password123"}, "auth ***"},
		{"in a query", "GET /?p=a%26b%3Dcdef", []string{"a&b=cdef"}, "GET /?p=***"},
		{"longer first", "abcdefgh abcdef", []string{"abcdef", "abcdefgh"}, "*** ***"},
		{"a line of a file", "password: hunter2222 refused", []string{"user: shop\npassword: hunter2222\n"}, "*** refused"},
		{"assigned in a file", "login with hunter2222 refused", []string{"user=shop\npassword=hunter2222\n"}, "login with *** refused"},
		{"in JSON", "login with hunter2222 refused", []string{`{"user":"shop","password":"hunter2222"}`}, "login with *** refused"},
		{"the words beside it stay", "password hunter2222 of the database is refused", []string{`{"database":{"password":"hunter2222"}}`}, "password *** of the database is refused"},
		{"a line of a key", "loaded MIIEvQIBADANBgkqhkiG9w0BAQE", []string{"-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQE\n-----END KEY-----\n"}, "loaded ***"},
		{"URL nobody knows", "dial postgres://shop:pw@db/shop", nil, "dial postgres://***@db/shop"},
		{"trailing newline of the value", "key abcdefg", []string{"abcdefg\n"}, "key ***"},
		{"empty value", "nothing", []string{""}, "nothing"},
		{"beside letters of other scripts", "schlüssel ähnlich ü12ü", []string{"12"}, "schlüssel ähnlich ü12ü"},
		{"quoted", `value "a\"b\"cdef"`, []string{`a"b"cdef`}, `value "***"`},
	} {
		if got := strike(tc.text, tc.values); got != tc.want {
			t.Errorf("%s: strike gave %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestClean(t *testing.T) {
	if got := clean("\x1b[31mred\x1b[0m\a\r\n\x1b]0;title\x07ok\u202e"); got != "red\nok" {
		t.Errorf("clean gave %q", got)
	}
}

func TestLastLines(t *testing.T) {
	many := strings.Repeat("line\n\n", 50)
	if got := strings.Count(lastLines(many), "\n") + 1; got != LogLines {
		t.Errorf("%d lines are kept, want %d", got, LogLines)
	}
	wide := strings.Repeat(strings.Repeat("x", 5000)+"\n", 20)
	if got := len(lastLines(wide)); got > LogBytes {
		t.Errorf("%d bytes are kept, want at most %d", got, LogBytes)
	}
}
