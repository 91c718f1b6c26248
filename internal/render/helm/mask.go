package helm

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
)

const hidden = "[hidden]"

// shortest is the length below which a secret is hidden only where it stands as a word of its own:
// hiding every "a" would leave no message.
const shortest = 4

// mask hides the content of sensitive values in messages.
type mask struct {
	active bool
	words  map[string]struct{} // whole values, in the forms they can take
	keys   map[string]struct{}
	blob   []byte       // all values that are long enough to be recognized in parts
	chart  *chart.Chart // what it says itself is no secret
}

func (m *mask) layer() { m.active = true }

// values collects every key and scalar. Keys count unless the chart knows them: in a document from
// a Secret they are content as much as values are.
func (m *mask) values(v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, sub := range v {
			if m.keys == nil {
				m.keys = map[string]struct{}{}
			}
			m.keys[key] = struct{}{}
			m.values(sub)
		}
	case []any:
		for _, sub := range v {
			m.values(sub)
		}
	case nil:
	case float64:
		m.scalar(strconv.FormatFloat(v, 'f', -1, 64))
		m.scalar(fmt.Sprint(v))
	default:
		m.scalar(fmt.Sprint(v))
	}
}

func (m *mask) scalar(s string) {
	if m.words == nil {
		m.words = map[string]struct{}{}
	}
	if len(s) >= window {
		m.blob = append(append(m.blob, s...), 0)
	}
	add := func(w string) {
		if strings.TrimSpace(w) != "" {
			m.words[w] = struct{}{}
		}
	}
	forms := []string{s, strings.TrimSpace(s), base64.StdEncoding.EncodeToString([]byte(s)), url.QueryEscape(s)}
	if j, err := json.Marshal(s); err == nil {
		forms = append(forms, string(j[1:len(j)-1]))
	}
	if q := strconv.Quote(s); len(q) > 2 {
		forms = append(forms, q[1:len(q)-1])
	}
	for _, f := range forms {
		add(f)
	}
	if strings.Contains(s, "\n") {
		for _, line := range strings.Split(s, "\n") {
			if len(strings.TrimSpace(line)) >= shortest {
				add(strings.TrimSpace(line))
			}
		}
	}
}

// quoted is what parsers cut short: YAML's quotes the first letters of a value in backquotes.
var quoted = pattern.New("`[^`]*`")

func (m *mask) hide(s string) string {
	if !m.active || s == "" {
		return s
	}
	s = quoted.ReplaceAllString(s, "`"+hidden+"`")
	words := slices.Collect(maps.Keys(m.words))
	for key := range m.keys {
		if !mentions(m.chart, key) {
			words = append(words, key)
		}
	}
	slices.SortFunc(words, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	for _, w := range words {
		switch {
		case !strings.Contains(s, w):
		case len(w) >= shortest:
			s = strings.ReplaceAll(s, w, hidden)
		default:
			s = hideWord(s, w)
		}
	}
	return m.hideParts(s)
}

// window is the length from which a part of a secret counts as one: a template can cut a value, or
// a parser quote from the middle of it.
const window = 8

// hideParts hides every run of window bytes or more that also stands in a secret.
func (m *mask) hideParts(s string) string {
	if len(s) < window || len(m.blob) == 0 {
		return s
	}
	at := map[string][]int{}
	for i := 0; i+window <= len(s); i++ {
		at[s[i:i+window]] = append(at[s[i:i+window]], i)
	}
	secret := make([]bool, len(s))
	for i := 0; i+window <= len(m.blob); i++ {
		for _, start := range at[string(m.blob[i:i+window])] {
			for j := range window {
				secret[start+j] = true
			}
		}
	}
	var b strings.Builder
	for i := range len(s) {
		switch {
		case !secret[i]:
			b.WriteByte(s[i])
		case i == 0 || !secret[i-1]:
			b.WriteString(hidden)
		}
	}
	return b.String()
}

// mentions reports whether a chart has a word in its defaults, schema or templates.
func mentions(c *chart.Chart, word string) bool {
	if c == nil {
		return false
	}
	if bytes.Contains(c.Schema, []byte(word)) || hasKey(c.Values, word) {
		return true
	}
	for _, t := range c.Templates {
		if bytes.Contains(t.Data, []byte(word)) {
			return true
		}
	}
	return slices.ContainsFunc(c.Dependencies(), func(d *chart.Chart) bool { return mentions(d, word) })
}

func hasKey(v any, key string) bool {
	m, ok := v.(map[string]any)
	if !ok {
		return false
	}
	for k, sub := range m {
		if k == key || hasKey(sub, key) {
			return true
		}
	}
	return false
}

func hideWord(s, w string) string {
	re, err := regexp.Compile(`(^|[^\w])` + regexp.QuoteMeta(w) + `($|[^\w])`)
	if err != nil {
		return s
	}
	return re.ReplaceAllString(s, "${1}"+hidden+"${2}")
}

// err hides in everything an error says. The cause is dropped: it could still say it.
func (m *mask) err(err error) error {
	if err == nil || !m.active {
		return err
	}
	var e *model.Error
	if !errors.As(err, &e) {
		return errors.New(m.hide(err.Error()))
	}
	c := *e
	c.Msg, c.Next = m.hide(e.Msg), m.hide(e.Next)
	c.Object.Name, c.Object.Namespace = m.hide(e.Object.Name), m.hide(e.Object.Namespace)
	if c.Err = nil; e.Err != nil {
		c.Err = errors.New(m.hide(e.Err.Error()))
	}
	return &c
}
