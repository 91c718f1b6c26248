package output

import (
	"strings"
	"testing"
)

var anyFormat = []string{FormatTable, FormatWide, FormatJSON, FormatYAML, FormatName}

type thing struct {
	Kind  string           `json:"kind"`
	Items []map[string]any `json:"items"`
}

var things = thing{"List", []map[string]any{{"name": "a<b", "n": 1}, {"name": "c"}}}

func TestWrite(t *testing.T) {
	for format, want := range map[string]string{
		"json":                      "{\n  \"kind\": \"List\",\n  \"items\": [\n    {\n      \"n\": 1,\n      \"name\": \"a<b\"\n    },\n    {\n      \"name\": \"c\"\n    }\n  ]\n}\n",
		"yaml":                      "items:\n- \"n\": 1\n  name: a<b\n- name: c\nkind: List\n",
		"jsonpath={.items[*].name}": "a<b c\n",
		"jsonpath=.items[1].name":   "c\n",
		"jsonpath=kind":             "List\n",
		`jsonpath={range .items[*]}{.name}{"\n"}{end}`: "a<b\nc\n\n",
		"jsonpath={.items[0].missing}":                 "\n",
		`jsonpath={.items[?(@.name=="c")].name}`:       "c\n",
	} {
		f, err := ParseFormat(format, anyFormat...)
		if err != nil {
			t.Errorf("%s: %v", format, err)
			continue
		}
		var b strings.Builder
		if err := f.Write(&b, things); err != nil {
			t.Errorf("%s: %v", format, err)
		}
		if b.String() != want {
			t.Errorf("%s:\n%s\nwant\n%s", format, b.String(), want)
		}
	}
}

func TestWriteEventIsOneLineOfJSON(t *testing.T) {
	f, err := ParseFormat("json", anyFormat...)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for range 2 {
		if err := f.WriteEvent(&b, things); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(b.String(), "\n"); n != 2 {
		t.Errorf("two events are %d lines:\n%s", n, b.String())
	}
}

func TestParseFormatRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"xml":               "want table, wide, json, yaml, name, jsonpath=TEMPLATE",
		"jsonpath":          "want jsonpath=TEMPLATE",
		"jsonpath=":         "want jsonpath=TEMPLATE",
		"jsonpath={.items[": "unterminated",
		"json=x":            "takes no template",
	} {
		_, err := ParseFormat(in, anyFormat...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("-o %s: error %v, want one with %q", in, err, want)
		}
	}
	if _, err := ParseFormat("name", FormatTable, FormatJSON); err == nil {
		t.Error("a format that the command does not have was taken")
	}
}

func TestNoFormatIsTable(t *testing.T) {
	f, err := ParseFormat("", anyFormat...)
	if err != nil || !f.Is(FormatTable) || f.Structured() {
		t.Errorf("got %+v, %v", f, err)
	}
}
