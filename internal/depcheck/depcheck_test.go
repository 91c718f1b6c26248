package depcheck

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "github.com/fairlead-cd/fairlead"
	root   = "../.."
)

// imports are the import paths of one folder's files.
type imports struct {
	code  map[string]string // import path -> a file that has it
	tests map[string]string
}

func TestImports(t *testing.T) {
	folders := readTree(t)
	for _, folder := range slices.Sorted(maps.Keys(folders)) {
		room := roomOf(folder)
		if room == "" {
			t.Errorf("%s is in no room: add a row to the table in internal/depcheck/table_test.go", folder)
			continue
		}
		for _, imp := range slices.Sorted(maps.Keys(folders[folder].code)) {
			if reason := check(room, imp); reason != "" {
				t.Errorf("%s imports %s: %s", folders[folder].code[imp], imp, reason)
			}
		}
		for _, imp := range slices.Sorted(maps.Keys(folders[folder].tests)) {
			if reason := checkTest(room, imp); reason != "" {
				t.Errorf("%s imports %s: %s", folders[folder].tests[imp], imp, reason)
			}
		}
	}
}

// TestOnlyPipelineKnowsTheLine holds what no single row says: a room that needs all six stages is
// another pipeline.
func TestOnlyPipelineKnowsTheLine(t *testing.T) {
	for room, others := range allowed {
		known := 0
		for _, stage := range stages {
			if slices.Contains(others, stage) {
				known++
			}
		}
		if known == len(stages) && room != "internal/pipeline" {
			t.Errorf("the table lets %s import all six stages; only internal/pipeline does", room)
		}
	}
}

// TestTable keeps the table honest: every room it names has a row.
func TestTable(t *testing.T) {
	for room, others := range allowed {
		for _, other := range others {
			if _, ok := allowed[other]; !ok && other != everything {
				t.Errorf("%s may import %s, which is no room", room, other)
			}
		}
	}
}

// check says why a room's code may not import a path, or "".
func check(room, imp string) string {
	if strings.HasPrefix(imp, module+"/devcluster") {
		return "the dev cluster is a module and a process of its own"
	}
	own, ours := strings.CutPrefix(imp, module+"/")
	if !ours {
		return checkForeign(room, imp)
	}
	target := roomOf(own)
	switch {
	case target == room, slices.Contains(base, target):
		return ""
	case target == "":
		return "it is in no room"
	}
	if may, top := onTop[target]; top && !slices.Contains(may, room) {
		return fmt.Sprintf("nothing but %v imports %s", may, target)
	}
	if others := allowed[room]; !slices.Contains(others, target) && !slices.Contains(others, everything) {
		return fmt.Sprintf("%s may import only %v", room, others)
	}
	return ""
}

func checkForeign(room, imp string) string {
	first, _, _ := strings.Cut(imp, "/")
	if !strings.Contains(first, ".") { // the standard library
		return ""
	}
	modules, limited := onlyModules[room]
	if !limited {
		return ""
	}
	for _, m := range modules {
		if imp == m || strings.HasPrefix(imp, m+"/") {
			return ""
		}
	}
	return fmt.Sprintf("of other modules %s may import only %v", room, modules)
}

// checkTest says why a room's tests may not import a path, or "". Tests may use servers of the
// test kit and rooms below, but never what is on top.
func checkTest(room, imp string) string {
	own, ours := strings.CutPrefix(imp, module+"/")
	if !ours {
		return ""
	}
	target := roomOf(own)
	if may, top := onTop[target]; top && target != room && !slices.Contains(may, room) && room != "test" {
		return fmt.Sprintf("nothing but %v imports %s", may, target)
	}
	return ""
}

// roomOf is the row a folder belongs to: the longest that is the folder or above it.
func roomOf(folder string) string {
	for f := folder; f != "." && f != "/"; f = path.Dir(f) {
		if _, ok := allowed[f]; ok {
			return f
		}
	}
	return ""
}

// with puts lists of rooms together.
func with(one string, lists ...[]string) []string {
	return append([]string{one}, slices.Concat(lists...)...)
}

// readTree parses the import clauses of all Go files of this module, by folder. Other modules and
// folders that the go tool ignores are left out.
func readTree(t *testing.T) map[string]imports {
	t.Helper()
	folders := map[string]imports{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			ignored := strings.HasPrefix(name, ".") && file != root || strings.HasPrefix(name, "_") ||
				name == "testdata" || name == "node_modules"
			if ignored || (file != root && isModule(file)) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		folder := filepath.ToSlash(filepath.Dir(rel))
		if folders[folder].code == nil {
			folders[folder] = imports{code: map[string]string{}, tests: map[string]string{}}
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		into := folders[folder].code
		if strings.HasSuffix(name, "_test.go") {
			into = folders[folder].tests
		}
		for _, spec := range parsed.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			into[imp] = filepath.ToSlash(rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return folders
}

func isModule(dir string) bool {
	matches, err := filepath.Glob(filepath.Join(dir, "go.mod"))
	return err == nil && len(matches) > 0
}
