package helm

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
)

const hidden = "[hidden]"

// shortest is the length below which a secret is hidden only where it stands as a word of its own:
// hiding every "a" would leave no message.
const shortest = 4

// mask hides the content of sensitive values in messages.
type mask struct {
	active bool
	words  map[string]struct{}
}

func (m *mask) layer() { m.active = true }

// values collects every key and scalar. Keys count: in a document from a Secret they are content
// as much as values are.
func (m *mask) values(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, sub := range v {
			m.values(sub)
		}
	case []any:
		for _, sub := range v {
			m.values(sub)
		}
	case nil:
	default:
		m.scalar(fmt.Sprint(v))
	}
}

func (m *mask) scalar(s string) {
	if m.words == nil {
		m.words = map[string]struct{}{}
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
var quoted = regexp.MustCompile("`[^`]*`")

func (m *mask) hide(s string) string {
	if !m.active || s == "" {
		return s
	}
	s = quoted.ReplaceAllString(s, "`"+hidden+"`")
	words := make([]string, 0, len(m.words))
	for w := range m.words {
		words = append(words, w)
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
	return s
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
