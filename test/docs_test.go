package test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-cd/fairlead/internal/config"
)

// A page's console blocks that follow runMark are run by TestDocs, all of them in one shell, and
// have to print what the page says. What has to be done besides, and readers have done otherwise,
// stands in a runHidden comment.
const runMark = "<!-- run -->"

var runHidden = regexp.MustCompile(`^<!-- run \$ (.*) -->$`)

// command is one command of a page and the lines it is documented to print.
type command struct {
	line int // in the page
	text string
	want []string
}

// TestDocs does what the README tells a newcomer to do, on a simulated node.
func TestDocs(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := runnable(string(page))
	if len(commands) == 0 {
		t.Fatalf("README.md has no console block after %s", runMark)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	sh := newShell(t, ctx)
	for _, c := range commands {
		start := time.Now()
		sh.try(c)
		t.Logf("%5.1fs  %s", time.Since(start).Seconds(), c.text)
	}
}

// runnable are the commands of the marked blocks of a page. A command begins with "$ " and goes on
// over lines that begin with "> "; what follows is its output.
func runnable(page string) []command {
	var found []command
	marked, inside := false, false
	for i, line := range strings.Split(page, "\n") {
		text, isCommand := strings.CutPrefix(line, "$ ")
		more, goesOn := strings.CutPrefix(line, "> ")
		hidden := runHidden.FindStringSubmatch(line)
		switch {
		case hidden != nil:
			found = append(found, command{line: i + 1, text: hidden[1]})
		case line == runMark:
			marked = true
		case line == "```console":
			inside, marked = marked, false
		case line == "```":
			inside = false
		case !inside:
			marked = marked && line == ""
		case isCommand:
			found = append(found, command{line: i + 1, text: text})
		case goesOn && len(found[len(found)-1].want) == 0:
			found[len(found)-1].text += "\n" + more
		case strings.TrimSpace(line) != "":
			last := &found[len(found)-1]
			last.want = append(last.want, line)
		}
	}
	return found
}

// shell runs commands one after another as a person's shell would: where they change the folder or
// the environment, the next one sees it.
type shell struct {
	t     *testing.T
	ctx   context.Context
	home  string
	dir   string // working folder
	state string // file with the exported variables
}

// newShell makes a home with a checkout in it whose bin/ holds both programs.
func newShell(t *testing.T, ctx context.Context) *shell {
	t.Helper()
	home := t.TempDir()
	s := &shell{t: t, ctx: ctx, home: home, dir: filepath.Join(home, "fairlead"), state: filepath.Join(home, "state")}
	bin := filepath.Join(s.dir, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(bin, "fairlead")
	if out, err := exec.Command("go", "build", "-o", program, "../cmd/fairlead").CombinedOutput(); err != nil {
		t.Fatalf("building fairlead: %v\n%s", err, out)
	}
	cluster, err := filepath.Abs("../bin/fairlead-devcluster")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(cluster); err != nil {
		t.Fatalf("%v; build it with: make build", err)
	}
	if err := os.Symlink(cluster, filepath.Join(bin, "fairlead-devcluster")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.state, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // also where a command failed
		cmd := exec.Command(program, "down", "--dir", filepath.Join(home, ".fairlead"))
		if out, err := cmd.CombinedOutput(); err != nil && !bytes.Contains(out, []byte("not running")) {
			t.Errorf("stopping what is left: %v\n%s", err, out)
		}
	})
	return s
}

// asks are the commands that only look. What they look at may take a moment to come true, so they
// are repeated until they print what the page says.
var asks = regexp.MustCompile(`^(fairlead (get|status|why|diff|history|info)|helm history|curl)\b`)

const patience = 45 * time.Second

// try runs a command and compares.
func (s *shell) try(c command) {
	s.t.Helper()
	end := time.Now().Add(patience)
	for {
		out, err := s.run(c.text)
		missing := absent(c.want, out)
		if err == nil && missing == "" {
			return
		}
		if !asks.MatchString(c.text) || time.Now().After(end) || s.ctx.Err() != nil {
			s.t.Fatalf("README.md:%d: %s\nerror: %v\nnot printed, or not in this order: %s\nprinted:\n%s", c.line, c.text, err, missing, out)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func (s *shell) run(text string) (string, error) {
	here := filepath.Join(s.home, "pwd")
	cmd := exec.CommandContext(s.ctx, "bash", "-c", fmt.Sprintf(". %s\n%s\ncode=$?\npwd >%s\nexport -p >%s\nexit $code", s.state, text, here, s.state))
	cmd.Dir = s.dir
	// Without the tools for a real image the build takes no time; on a simulated node nothing runs.
	cmd.Env = []string{
		"HOME=" + s.home, "PATH=/usr/local/bin:/usr/bin:/bin", "CI=true",
		"GIT_AUTHOR_NAME=Dev", "GIT_AUTHOR_EMAIL=dev@example.com", "GIT_COMMITTER_NAME=Dev", "GIT_COMMITTER_EMAIL=dev@example.com",
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // what it left in the background kept its output open
	}
	if dir, readErr := os.ReadFile(here); readErr == nil {
		s.dir = strings.TrimSpace(string(dir))
	}
	return out.String(), err
}

// absent is the first wanted line that is not printed after those before it; "" is none.
func absent(want []string, out string) string {
	got := strings.Split(out, "\n")
	for _, w := range want {
		begin, open := strings.CutSuffix(masked(w), "…") // the page leaves the rest out
		i := slices.IndexFunc(got, func(g string) bool {
			g = masked(g)
			return g == begin || open && strings.HasPrefix(g, begin)
		})
		if i < 0 {
			return w
		}
		got = got[i+1:]
	}
	return ""
}

// masks take out of a line what is another in each run.
var masks = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`\S*/\.fairlead`), "HOME"},
	{regexp.MustCompile(`\b(127\.0\.0\.1|10\.[0-9.]+):[0-9]+`), "ADDRESS"},
	{regexp.MustCompile(`\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z`), "TIME"},
	{regexp.MustCompile(`-[bcdfghjklmnpqrstvwxz2456789]{8,10}(-[bcdfghjklmnpqrstvwxz2456789]{5})?\b`), "-POD"},
	{regexp.MustCompile(`\b[0-9a-f]{7,64}\b`), "ID"},
	{regexp.MustCompile(`\b([0-9.]+(ms|s|m|h))+\b`), "AGE"},
	{regexp.MustCompile(`\bv[0-9]+\.[0-9]+\.[0-9]+\b`), "VERSION"},
	{regexp.MustCompile(`\s+`), " "},
}

func masked(line string) string {
	for _, m := range masks {
		line = m.pattern.ReplaceAllString(line, m.with)
	}
	return strings.TrimSpace(line)
}

// TestConfigurationPage checks that the page's example is a configuration, and has every field.
func TestConfigurationPage(t *testing.T) {
	page, err := os.ReadFile("../docs/reference/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "<!-- config -->\n```yaml\n")
	example, _, closed := strings.Cut(rest, "\n```")
	if !found || !closed {
		t.Fatal("the page has no example")
	}
	if _, err := config.Parse([]byte(example)); err != nil {
		t.Fatal(err)
	}
	for _, field := range fields(reflect.TypeFor[config.Config]()) {
		if !regexp.MustCompile(`(?m)^[ -]*` + field + `:`).MatchString(example) {
			t.Errorf("the example does not show %q", field)
		}
		if !strings.Contains(rest, "."+field+"`") && !strings.Contains(rest, "`"+field+"`") {
			t.Errorf("the table does not describe %q", field)
		}
	}
}

// fields are the names of a struct's fields in YAML, those below included.
func fields(of reflect.Type) []string {
	var names []string
	for i := range of.NumField() {
		f := of.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		typ := f.Type
		for typ.Kind() == reflect.Slice || typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		if typ.PkgPath() == of.PkgPath() && typ.Kind() == reflect.Struct {
			names = append(names, fields(typ)...)
		} else {
			names = append(names, name)
		}
	}
	return names
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// TestLinks checks that what a page points to within the repository is there.
func TestLinks(t *testing.T) {
	pages := []string{"../README.md", "../CONTRIBUTING.md", "../CHANGELOG.md"}
	err := filepath.WalkDir("../docs", func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".md" {
			pages = append(pages, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			to, _, _ := strings.Cut(m[1], "#")
			if to == "" || strings.Contains(to, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), to)); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}
