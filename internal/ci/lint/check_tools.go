package lint

import (
	"fmt"
	"path"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/pattern"
)

var shells = map[string]bool{"sh": true, "bash": true, "zsh": true, "dash": true, "ash": true, "python": true, "python3": true, "node": true, "perl": true, "ruby": true, "pwsh": true}

func downloads(c *command) bool {
	return c.program() == "curl" || c.program() == "wget"
}

// pipedToShell finds scripts that are run straight from the network.
func pipedToShell(_ *pipeline, j *job, c *command) string {
	if !downloads(c) {
		return ""
	}
	for to := c.to; to != nil; to = to.to {
		if shells[to.program()] {
			return fmt.Sprintf("a script from %s is run as it comes, with this job's credentials", hostOf(c))
		}
	}
	if w := c.within; w != nil && (shells[w.program()] || w.program() == "eval" || w.program() == "source" || w.program() == ".") {
		return fmt.Sprintf("a script from %s is run as it comes, with this job's credentials", hostOf(c))
	}
	if file := saved(c); file != "" {
		for _, other := range j.script {
			if ranBy(other, file) && strings.HasSuffix(url(c), "get-helm-3") || ranBy(other, file) && scriptName.MatchString(file) {
				return fmt.Sprintf("a script from %s is downloaded and run, with this job's credentials", hostOf(c))
			}
		}
	}
	return ""
}

var scriptName = pattern.New(`\.(sh|bash|py)$|get[-_]helm|install`)

// ranBy reports whether a command runs the file.
func ranBy(c *command, file string) bool {
	if len(c.words) == 0 {
		return false
	}
	if strings.TrimPrefix(c.words[0], "./") == file {
		return true
	}
	return shells[c.program()] && len(c.words) > 1 && strings.TrimPrefix(c.words[1], "./") == file
}

// saved is the file that a download goes to, "" when it is not kept.
func saved(c *command) string {
	if v, ok := c.option("-o", "--output", "-O", "--output-document"); ok && v != "" && !strings.HasPrefix(v, "http") && v != "-" {
		return strings.TrimPrefix(v, "./")
	}
	for i, w := range c.words {
		if c.program() == "curl" && strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "--") {
			if strings.HasSuffix(w, "o") && i+1 < len(c.words) {
				return strings.TrimPrefix(c.words[i+1], "./")
			}
			if strings.Contains(w, "O") {
				return path.Base(url(c))
			}
		}
	}
	if c.program() == "wget" && !strings.Contains(c.text(), "-O-") && !strings.Contains(c.text(), "-qO-") {
		return path.Base(url(c))
	}
	return ""
}

func url(c *command) string {
	for _, w := range c.words {
		if strings.HasPrefix(w, "http://") || strings.HasPrefix(w, "https://") {
			return w
		}
	}
	return ""
}

// hostOf is the host of a download, or what stands in its place.
func hostOf(c *command) string {
	u := url(c)
	if u == "" {
		return "the network"
	}
	_, rest, _ := strings.Cut(u, "://")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

// checked reports whether the job compares a download with a checksum or a signature.
func (j *job) checked() bool {
	for _, c := range j.script {
		switch c.program() {
		case "sha256sum", "sha512sum", "shasum", "cosign", "gpg", "gpgv", "minisign":
			return true
		}
	}
	return false
}

// binary names of things that are unpacked, made executable or put into the PATH.
var binaryURL = pattern.New(`(?i)\.(tar\.gz|tgz|zip|deb|rpm|apk|tar\.xz|bz2|gz)(\?|$)|/releases/|/bin/|kubectl|helm|/cli/|linux[-_]amd64`)

// downloaded finds tools that a job fetches before it can begin.
func downloaded(p *pipeline, j *job, c *command) string {
	if downloads(c) {
		if pipedToShell(p, j, c) != "" || !binaryURL.MatchString(url(c)) || j.checked() {
			return ""
		}
		if saved(c) == "" && c.to == nil && !c.toFile {
			return ""
		}
		return fmt.Sprintf("a program from %s is downloaded in every run and not compared with a checksum", hostOf(c))
	}
	if tool := installed(c); tool != "" {
		return fmt.Sprintf("%s installs %s in every run: it takes time, and one day it is another version or not there", c.program(), tool)
	}
	return ""
}

// installed is the tool that a package manager installs, "" for a project's own dependencies.
func installed(c *command) string {
	words := c.words
	if len(words) > 3 && shells[c.program()] && words[1] == "-m" {
		words = words[2:] // python -m pip install
	}
	if len(words) < 2 {
		return ""
	}
	name, args := path.Base(words[0]), words[1:]
	var packages []string
	global := false
	for _, a := range args {
		global = global || a == "-g" || a == "--global"
		if !strings.HasPrefix(a, "-") {
			packages = append(packages, a)
		}
	}
	if len(packages) < 2 {
		return ""
	}
	verb, what := packages[0], packages[1]
	switch name {
	case "apk":
		if verb == "add" {
			return what
		}
	case "apt-get", "apt", "yum", "dnf", "microdnf", "brew", "zypper", "choco":
		if verb == "install" {
			return what
		}
	case "pip", "pip3", "pipx", "uv":
		if name == "uv" && verb == "pip" && len(packages) > 2 {
			verb, what = packages[1], packages[2]
		}
		if verb == "install" && ownPython(args, what) {
			return ""
		}
		if verb == "install" {
			return what
		}
	case "npm", "yarn", "pnpm":
		if global && (verb == "install" || verb == "i" || verb == "add") {
			return what
		}
	case "gem":
		if verb == "install" {
			return what
		}
	case "go":
		if verb == "install" && strings.Contains(what, "@") {
			return what
		}
	case "cargo":
		if verb == "install" {
			return what
		}
	case "helm":
		if verb == "plugin" && what == "install" {
			return "a plugin"
		}
	}
	return ""
}

// ownPython reports whether pip installs the project itself or what it lists, not a tool.
func ownPython(args []string, what string) bool {
	for _, a := range args {
		switch a {
		case "-r", "--requirement", "-e", "--editable", "-c":
			return true
		}
		if strings.HasPrefix(a, "-r") || strings.HasPrefix(a, "--requirement=") {
			return true
		}
	}
	return strings.HasPrefix(what, ".") || strings.HasPrefix(what, "/") || strings.HasSuffix(what, ".whl") || strings.HasPrefix(what, "dist/") ||
		what == "pip" || what == "pytest" || strings.HasPrefix(what, "pytest")
}

var endless = pattern.New(`(?s)\b(until|while)\b[^;\n]*[;\n]\s*do\s+(echo[^;\n]*[;\n]\s*)?sleep\b`)

// endlessWait finds loops that wait for something that may never come.
func endlessWait(_ *pipeline, j *job) []hit {
	var out []hit
	for _, l := range j.lines {
		loc := endless.FindStringIndex(l.value)
		if loc == nil || strings.Contains(l.value, "timeout ") || strings.Contains(l.value, "break") || strings.Contains(l.value, "exit 1") || strings.Contains(l.value, "-lt ") || strings.Contains(l.value, "-gt ") {
			continue
		}
		at := l.at
		at.line += strings.Count(l.value[:loc[0]], "\n")
		out = append(out, hit{at: at, msg: "this loop waits without end: a daemon that does not start holds the runner until the job's time is up"})
	}
	return out
}
