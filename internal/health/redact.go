package health

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/yaml"

	"github.com/fairlead-cd/fairlead/internal/pattern"
)

const struck = "***"

// log reads the last lines a container wrote, with every value of the Secrets that the pod uses
// struck out. Where such a Secret cannot be read, the log is withheld: it may hold the value. Known
// is false where the text only says why there is no log to show.
func (d *diagnosis) log(ctx context.Context, p *corev1.Pod, container string, previous bool) (lines string, known bool) {
	text, err := d.r.Log(ctx, podKey(p), container, previous)
	switch {
	case apierrors.IsNotFound(err), apierrors.IsBadRequest(err):
		return "", true // the container never ran, or its log is gone
	case err != nil:
		return "(cannot be read: " + oneLine(err.Error()) + ")", false
	case strings.TrimSpace(text) == "":
		return "", true
	}
	text, err = d.redact(ctx, p, text)
	if err != nil {
		return "(withheld: " + oneLine(err.Error()) + ")", false
	}
	return lastLines(text), true
}

// quote is text that the container itself may have had a hand in, fit for a message.
func (d *diagnosis) quote(ctx context.Context, p *corev1.Pod, text string) string {
	text, err := d.redact(ctx, p, text)
	if err != nil {
		return "(withheld)"
	}
	return oneLine(text)
}

func (d *diagnosis) redact(ctx context.Context, p *corev1.Pod, text string) (string, error) {
	var values []string
	for _, name := range secretsOf(p) {
		v, err := d.r.SecretValues(ctx, p.Namespace, name)
		if err != nil && !apierrors.IsNotFound(err) {
			return "", fmt.Errorf("cannot read Secret/%s to strike its values out: %w", name, err)
		}
		values = append(values, v...)
	}
	return strike(clean(text), values), nil
}

// secretsOf names the Secrets whose values the pod's containers can see.
func secretsOf(p *corev1.Pod) []string {
	var names []string
	for _, c := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
		for _, e := range c.Env {
			if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
				names = append(names, e.ValueFrom.SecretKeyRef.Name)
			}
		}
		for _, e := range c.EnvFrom {
			if e.SecretRef != nil {
				names = append(names, e.SecretRef.Name)
			}
		}
	}
	for _, v := range p.Spec.Volumes {
		if v.Secret != nil {
			names = append(names, v.Secret.SecretName)
		}
		if v.Projected == nil {
			continue
		}
		for _, s := range v.Projected.Sources {
			if s.Secret != nil {
				names = append(names, s.Secret.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// minSubstring is the length from which a secret is struck out inside of words too. Shorter ones
// ("dev", "5432") are struck out as words only, or nothing would remain to be read.
const minSubstring = 6

var userinfo = pattern.New(`(://)[^/\s:@]*:[^/\s@]+@`)

// strike removes every value, in the encodings logs show them in, and credentials in URLs.
func strike(text string, values []string) string {
	forms := map[string]bool{}
	for _, v := range values {
		for _, part := range parts(v) {
			forms[part] = true
			if len(part) >= minSubstring {
				forms[base64.StdEncoding.EncodeToString([]byte(part))] = true
				forms[base64.RawURLEncoding.EncodeToString([]byte(part))] = true
				forms[url.QueryEscape(part)] = true
				forms[url.PathEscape(part)] = true
				forms[strings.Trim(fmt.Sprintf("%q", part), `"`)] = true
			}
		}
	}
	// Longest first: a value may contain another.
	sorted := make([]string, 0, len(forms))
	for f := range forms {
		sorted = append(sorted, f)
	}
	slices.SortFunc(sorted, func(a, b string) int { return len(b) - len(a) })
	for _, f := range sorted {
		if len(f) >= minSubstring {
			text = strings.ReplaceAll(text, f, struck)
			continue
		}
		text = strikeWord(text, f)
	}
	return userinfo.ReplaceAllString(text, "${1}"+struck+"@")
}

// parts are the value, and when it is a file its lines and the values in it.
func parts(value string) []string {
	value = strings.TrimSpace(value)
	if value == "" {
		return nil
	}
	var inside []string
	if strings.ContainsAny(value, "\n{") {
		var doc any
		if len(value) <= logRead && yaml.Unmarshal([]byte(value), &doc) == nil {
			inside = leaves(doc, nil)
		}
		for line := range strings.Lines(value) {
			line = strings.TrimSpace(line)
			_, assigned, _ := strings.Cut(line, "=")
			inside = append(inside, line, strings.Trim(assigned, `"' `))
		}
	}
	// What is short inside of a file ("true", "8080") is no secret worth losing the log for.
	inside = slices.DeleteFunc(inside, func(s string) bool { return len(s) < minSubstring })
	return append(inside, value)
}

// leaves are the scalars of a JSON or YAML document.
func leaves(doc any, found []string) []string {
	switch v := doc.(type) {
	case map[string]any:
		for _, child := range v {
			found = leaves(child, found)
		}
	case []any:
		for _, child := range v {
			found = leaves(child, found)
		}
	case string:
		found = append(found, strings.TrimSpace(v))
	case float64:
		found = append(found, strconv.FormatFloat(v, 'f', -1, 64))
	}
	return found
}

// strikeWord removes word where no letter or digit touches it.
func strikeWord(text, word string) string {
	var out strings.Builder
	for rest := text; ; {
		i := strings.Index(rest, word)
		if i < 0 {
			out.WriteString(rest)
			return out.String()
		}
		end := i + len(word)
		before := out.String() + rest[:i]
		if edge(lastRune(before)) && edge(firstRune(rest[end:])) {
			out.WriteString(rest[:i] + struck)
		} else {
			out.WriteString(rest[:end])
		}
		rest = rest[end:]
	}
}

func edge(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

func firstRune(s string) rune {
	for _, r := range s {
		return r
	}
	return ' '
}

func lastRune(s string) rune {
	if s == "" {
		return ' '
	}
	r := []rune(s[max(0, len(s)-4):])
	return r[len(r)-1]
}

var escapes = pattern.New("\x1b\\[[0-9;?]*[A-Za-z]|\x1b\\][^\x07\x1b]*(\x07|\x1b\\\\)")

// clean takes out terminal escapes and control characters: a log line must not be able to move the
// reader's cursor.
func clean(text string) string {
	text = escapes.ReplaceAllString(text, "")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), r == unicode.ReplacementChar, unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
}

// lastLines keeps the last LogLines lines within LogBytes, without empty ones.
func lastLines(text string) string {
	lines := strings.Split(text, "\n")
	lines = slices.DeleteFunc(lines, func(l string) bool { return strings.TrimSpace(l) == "" })
	for i := range lines {
		lines[i] = clip(strings.TrimRight(lines[i], " \t"), 400)
	}
	lines = lines[max(0, len(lines)-LogLines):]
	for len(lines) > 1 && len(strings.Join(lines, "\n")) > LogBytes {
		lines = lines[1:]
	}
	return strings.Join(lines, "\n")
}
