package health

import (
	"encoding/json"
	"strings"
)

// content is unstructured JSON read without copying. A path that leads nowhere gives the zero
// value, as an absent field does.
type content map[string]any

func (c content) at(path ...string) content {
	m := map[string]any(c)
	for _, p := range path {
		next, ok := m[p].(map[string]any)
		if !ok {
			return nil
		}
		m = next
	}
	return m
}

func (c content) value(path []string) any {
	last := len(path) - 1
	return c.at(path[:last]...)[path[last]]
}

func (c content) has(path ...string) bool { return c.value(path) != nil }

func (c content) str(path ...string) string {
	s, _ := c.value(path).(string)
	return s
}

func (c content) flag(path ...string) bool {
	b, _ := c.value(path).(bool)
	return b
}

func (c content) list(path ...string) []any {
	l, _ := c.value(path).([]any)
	return l
}

// num reads an integer in any of the forms JSON decoders leave; 0 where there is none.
func (c content) num(path ...string) int64 { return c.numOr(0, path...) }

func (c content) numOr(absent int64, path ...string) int64 {
	switch n := c.value(path).(type) {
	case int64:
		return n
	case int:
		return int64(n)
	case int32:
		return int64(n)
	case float64:
		return int64(n)
	case json.Number:
		if i, err := n.Int64(); err == nil {
			return i
		}
	}
	return absent
}

func (c content) group() string {
	group, _, ok := strings.Cut(c.str("apiVersion"), "/")
	if !ok {
		return ""
	}
	return group
}

// unobserved reports whether the controller has yet to look at the current generation. A missing
// status.observedGeneration counts as 0, so it is asked only of kinds that have the field.
func (c content) unobserved() bool {
	return c.num("status", "observedGeneration") < c.num("metadata", "generation")
}

// condition is one entry of status.conditions.
type condition struct {
	Type, Status, Reason, Message string
	generation                    int64 // observedGeneration; 0 when the entry has none
}

func (c condition) isTrue() bool  { return c.Status == "True" }
func (c condition) isFalse() bool { return c.Status == "False" }

// text is the condition's message, or its reason where it has no message.
func (c condition) text() string {
	if c.Message != "" {
		return oneLine(c.Message)
	}
	return c.Reason
}

func (c content) condition(kind string) condition {
	return conditionOf(c.list("status", "conditions"), kind)
}

func conditionOf(list []any, kind string) condition {
	for _, item := range list {
		m, _ := item.(map[string]any)
		if e := content(m); e.str("type") == kind {
			return condition{
				Type: kind, Status: e.str("status"), Reason: e.str("reason"),
				Message: e.str("message"), generation: e.num("observedGeneration"),
			}
		}
	}
	return condition{}
}

// oneLine folds a text that someone else wrote into one line of bearable length.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return clip(s, 512)
}

// clip cuts s to at most n bytes at a character's boundary, and says so.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n-3], "") + "..."
}
