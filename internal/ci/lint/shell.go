package lint

import (
	"path"
	"strings"
)

// command is one simple command of a script.
type command struct {
	at       place
	words    []string // without quotes, assignments in front and redirections; $NAMES stay
	expanded []string // words with the pipeline's variables put in
	assigns  []assign // NAME=value in front, or of export
	from     *command // whose output it reads
	to       *command // what reads its output
	toFile   bool     // its output goes to a file
	input    string   // a here-document or here-string
	within   *command // the command whose $(...) it stands in
	ignored  bool     // "|| true" follows
	item     int      // which of the job's script items it stands in
}

// assign is NAME=value.
type assign struct{ name, value string }

// program is the command's name without its folder.
func (c *command) program() string {
	if len(c.words) == 0 {
		return ""
	}
	return path.Base(c.words[0])
}

// runs reports whether c is a program with one of its subcommands, options between them allowed:
// "helm -n shop upgrade" runs helm upgrade.
func (c *command) runs(program string, subcommands ...string) bool {
	if c.program() != program {
		return false
	}
	if len(subcommands) == 0 {
		return true
	}
	seen := 0
	for _, w := range c.words[1:] {
		if strings.HasPrefix(w, "-") {
			continue
		}
		for _, s := range subcommands {
			if w == s {
				return true
			}
		}
		if seen++; seen > 3 {
			return false
		}
	}
	return false
}

// globals are the options in front of a subcommand that take a value.
var globals = map[string]bool{
	"-n": true, "--namespace": true, "--kubeconfig": true, "--kube-context": true, "--context": true, "-c": true, "--cluster": true,
	"--server": true, "-s": true, "--registry-config": true, "--chdir": true, "-C": true, "--file": true, "--environment": true, "--log-level": true,
}

// verb is the first word after the program that is no option: helm -n shop upgrade is "upgrade".
func (c *command) verb() string {
	for i := 1; i < len(c.words); i++ {
		w := c.words[i]
		switch {
		case globals[w]:
			i++
		case !strings.HasPrefix(w, "-"):
			return w
		}
	}
	return ""
}

// option gives the value of the first of names that is set, as --name=value, --name value or -n value.
func (c *command) option(names ...string) (string, bool) {
	for i, w := range c.words {
		for _, n := range names {
			if w == n {
				if i+1 < len(c.words) && !strings.HasPrefix(c.words[i+1], "--") {
					return c.words[i+1], true
				}
				return "", true
			}
			if v, ok := strings.CutPrefix(w, n+"="); ok {
				return v, true
			}
		}
	}
	return "", false
}

// has reports whether one of the options is set, whatever its value.
func (c *command) has(names ...string) bool {
	_, ok := c.option(names...)
	return ok
}

// text is the command in one line.
func (c *command) text() string { return strings.Join(c.words, " ") }

// prefixes are words that run the command after them.
var prefixes = map[string]bool{
	"sudo": true, "time": true, "exec": true, "nohup": true, "command": true, "env": true, "then": true, "do": true,
	"else": true, "if": true, "elif": true, "!": true, "{": true, "while": true, "until": true, "retry": true,
}

// finish turns the words of a command into what the rules ask for.
func (c *command) finish() {
	for len(c.words) > 0 {
		w := c.words[0]
		if name, value, ok := assignment(w); ok {
			c.assigns = append(c.assigns, assign{name, value})
			c.words = c.words[1:]
			continue
		}
		if w == "env" && len(c.words) == 1 || !prefixes[w] {
			break
		}
		c.words = c.words[1:]
		for w == "sudo" && len(c.words) > 0 && strings.HasPrefix(c.words[0], "-") {
			c.words = c.words[1:]
		}
	}
	switch c.program() {
	case "export", "declare", "local", "readonly":
		for _, w := range c.words[1:] {
			if name, value, ok := assignment(w); ok {
				c.assigns = append(c.assigns, assign{name, value})
			}
		}
	}
}

func assignment(w string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(w, "=")
	if !ok || name == "" {
		return "", "", false
	}
	for i, r := range name {
		if r != '_' && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (i == 0 || r < '0' || r > '9') {
			return "", "", false
		}
	}
	return name, value, true
}
