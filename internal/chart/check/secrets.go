package check

import (
	"slices"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/pattern"
)

var (
	// secretName are names that hold a secret, secretless those that only look like it.
	secretName = pattern.New(`(?i)(passw(or)?d|passphrase|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credential|client[-_]?secret)s?$`)
	secretless = pattern.New(`(?i)(automount|existing|from|imagepull|(pull|tls)[-_]?secrets?$|name|ref$|file$|path$|url$|enabled?$|create|mount|key[-_]?id|public|^allow[-_])`)
	// secretForm are values that are a secret whatever they are called. The forms of tokens are their
	// makers': AWS, GitHub, GitLab, Slack, Google.
	secretForm = pattern.New(`-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bglpat-[A-Za-z0-9_-]{20,}|\bxox[abprs]-[A-Za-z0-9-]{10,}|\bAIza[0-9A-Za-z_-]{35}\b`)
	// secretURL is an address with a password in it.
	secretURL = pattern.New(`[a-z][a-z0-9+.-]*://[^/\s:@"']*:([^/\s@"']+)@`)
	// stand-ins: references, templates and what is there to be replaced.
	standIn = pattern.New(`^(\$\(.*\)|\$\{?[A-Za-z_].*|\{\{.*|<.*>|%.*%|/.*|_[A-Z_]+_|[Xx*]{3,}|(?i:true|false|yes|no|on|off)|\d{1,3}|none|null|default|required|optional)$`)
)

// looksSecret reports whether a value under a name is a secret in the open, and why.
func looksSecret(name, value string) (why string, is bool) {
	value = strings.TrimSpace(value)
	switch {
	case value == "":
		return "", false
	case secretForm.MatchString(value):
		return "its value has the form of a credential", true
	}
	if m := secretURL.FindStringSubmatch(value); m != nil && !standIn.MatchString(m[1]) && !strings.HasPrefix(m[1], "$") {
		return "its value is an address with a password", true
	}
	if secretName.MatchString(name) && !secretless.MatchString(name) && !standIn.MatchString(value) && !strings.ContainsAny(value, "\n") {
		return "by its name it holds a secret", true
	}
	return "", false
}

// secrets looks where secrets do not belong: ConfigMaps, and the environment in a pod's own text.
func (j *judge) secrets(o *Object) {
	if o.Key.Group == "" && o.Key.Kind == "ConfigMap" {
		for _, key := range sortedKeys(mapAt(o.Body, "data")) {
			if why, is := looksSecret(key, textAt(o.Body, "data", key)); is {
				j.report(o, "plaintext-secret", fields("data", key), "the ConfigMap holds %q: %s", key, why)
			} else if line, name := secretLine(textAt(o.Body, "data", key)); line > 0 {
				j.report(o, "plaintext-secret", fields("data", key), "line %d of %q in the ConfigMap sets %s in the open", line, key, name)
			}
		}
		return
	}
	p, ok := podOf(o)
	if !ok {
		return
	}
	for _, c := range p.containers() {
		for i, e := range listAt(c.body, "env") {
			name := textAt(e, "name")
			if why, is := looksSecret(name, textAt(e, "value")); is {
				j.report(o, "plaintext-secret", c.path.Field("env").At(i).Field("value"), "environment variable %s of container %q: %s", name, c.name(), why)
			}
		}
		for _, list := range []string{"args", "command"} {
			j.arguments(p, c, list)
		}
	}
}

// arguments looks for secrets on a command line.
func (j *judge) arguments(p pod, c container, list string) {
	for i, raw := range listAt(c.body, list) {
		text, _ := raw.(string)
		name, value, ok := strings.Cut(strings.TrimLeft(text, "-"), "=")
		if strings.HasPrefix(text, "-") && ok && !strings.ContainsAny(name, " \n") {
			if _, is := looksSecret(name, value); is {
				j.report(p.owner, "plaintext-secret", c.path.Field(list).At(i), "container %q is given --%s on its command line", c.name(), name)
			}
		} else if secretForm.MatchString(text) {
			j.report(p.owner, "plaintext-secret", c.path.Field(list).At(i), "an argument of container %q has the form of a credential", c.name())
		}
	}
}

var setting = pattern.New(`^\s*(?:export\s+)?["']?([A-Za-z][A-Za-z0-9_.-]*)["']?\s*[:=]\s*["']?([^"'#]*)`)

// secretLine finds the line of a configuration file that sets a secret; 0 is none.
func secretLine(text string) (int, string) {
	for i, line := range strings.Split(text, "\n") {
		if i > 5_000 {
			break
		}
		if m := setting.FindStringSubmatch(line); m != nil {
			value := strings.TrimRight(strings.TrimSpace(m[2]), ",;")
			if strings.ContainsAny(value, "(){}[]$<>") || strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue // code, or a reference
			}
			if _, is := looksSecret(m[1], value); is {
				return i + 1, m[1]
			}
		}
	}
	return 0, ""
}

// secretValues looks through a values file. Those of chart-testing are made up for tests.
func (r *run) secretValues(file string, values map[string]any) {
	severity := Severity("")
	if strings.HasPrefix(file, "ci/") {
		severity = Info
	}
	walkStrings(values, nil, func(path []string, value string) {
		name := path[len(path)-1]
		why, is := looksSecret(name, value)
		if !is {
			return
		}
		r.found.add(Finding{
			Rule: "plaintext-secret", Severity: severity, File: file, Line: r.subject.valueLine(file, path),
			Field: strings.Join(path, "."), Message: "value " + strings.Join(path, ".") + " is set in the open: " + why,
			Fix: "leave it empty, and take it from an existing Secret",
		})
	})
}

func walkStrings(v any, at []string, visit func([]string, string)) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range sortedKeys(v) {
			walkStrings(v[key], append(slices.Clone(at), key), visit)
		}
	case string:
		if len(at) > 0 {
			visit(at, v)
		}
	}
}
