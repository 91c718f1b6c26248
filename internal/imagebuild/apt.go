package imagebuild

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// aptSource is one line of sources.list, or one stanza of a .sources file.
type aptSource struct {
	uri    string
	suites []string
	comps  []string
}

// readAptSources reads which mirrors the machine's apt uses, in both of apt's formats
// (sources.list(5)). Sources it cannot make sense of are left out.
func readAptSources(dir string) ([]aptSource, error) {
	files := []string{filepath.Join(dir, "sources.list")}
	for _, pattern := range []string{"*.list", "*.sources"} {
		more, err := filepath.Glob(filepath.Join(dir, "sources.list.d", pattern))
		if err != nil {
			return nil, fmt.Errorf("listing apt sources: %w", err)
		}
		files = append(files, more...)
	}
	var out []aptSource
	for _, file := range files {
		data, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading apt sources: %w", err)
		}
		if strings.HasSuffix(file, ".sources") {
			out = append(out, parseStanzas(data)...)
		} else {
			out = append(out, parseLines(data)...)
		}
	}
	return out, nil
}

func parseLines(data []byte) []aptSource {
	var out []aptSource
	for line := range strings.SplitSeq(string(data), "\n") {
		line, _, _ = strings.Cut(line, "#")
		if open := strings.Index(line, "["); open >= 0 {
			end := strings.Index(line, "]")
			if end < open {
				continue
			}
			line = line[:open] + line[end+1:]
		}
		words := strings.Fields(line)
		if len(words) < 3 || words[0] != "deb" {
			continue
		}
		out = append(out, aptSource{uri: words[1], suites: words[2:3], comps: words[3:]})
	}
	return out
}

func parseStanzas(data []byte) []aptSource {
	var out []aptSource
	for stanza := range strings.SplitSeq(string(data), "\n\n") {
		fields := map[string]string{}
		last := ""
		for line := range strings.SplitSeq(stanza, "\n") {
			if strings.HasPrefix(line, "#") {
				continue
			}
			if strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") {
				fields[last] += " " + line
				continue
			}
			key, value, ok := strings.Cut(line, ":")
			if ok {
				last = strings.ToLower(strings.TrimSpace(key))
				fields[last] = value
			}
		}
		if !slices.Contains(strings.Fields(fields["types"]), "deb") || strings.TrimSpace(fields["enabled"]) == "no" {
			continue
		}
		for _, uri := range strings.Fields(fields["uris"]) {
			out = append(out, aptSource{uri: uri, suites: strings.Fields(fields["suites"]), comps: strings.Fields(fields["components"])})
		}
	}
	return out
}

// mirrorFor returns the first mirror that carries the suite itself (not its updates), or
// nothing: debootstrap then takes Debian's own.
func mirrorFor(sources []aptSource, suite string) string {
	for _, s := range sources {
		if !slices.Contains(s.suites, suite) || !slices.Contains(s.comps, "main") {
			continue
		}
		for _, scheme := range []string{"http://", "https://", "file:"} {
			if strings.HasPrefix(s.uri, scheme) {
				return s.uri
			}
		}
	}
	return ""
}

// proxyEnv returns apt's proxy settings as the variables debootstrap's wget reads.
func proxyEnv(ctx context.Context) []string {
	var env []string
	for _, scheme := range []string{"http", "https"} {
		out, err := exec.CommandContext(ctx, "apt-config", "shell", "p", "Acquire::"+scheme+"::Proxy").Output()
		if err != nil {
			continue // no apt: no proxy of apt's
		}
		value := strings.TrimSpace(string(out))
		value = strings.Trim(strings.TrimPrefix(value, "p="), "'")
		if value != "" && value != "DIRECT" {
			env = append(env, scheme+"_proxy="+value)
		}
	}
	return env
}

// redact replaces an address that may hold a password.
func redact(s, secret string) string {
	if secret == "" || !strings.Contains(secret, "@") {
		return s
	}
	return strings.ReplaceAll(s, secret, "(mirror)")
}

// redacting is a writer that redacts line by line and passes on warnings and errors only:
// debootstrap says two lines a package.
type redacting struct {
	w      io.Writer
	secret string
}

func (r redacting) Write(p []byte) (int, error) {
	lines := bufio.NewScanner(bytes.NewReader(p))
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "I: ") {
			continue
		}
		if _, err := fmt.Fprintln(r.w, redact(lines.Text(), r.secret)); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}
