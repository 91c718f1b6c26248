package pattern

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// Every expression of the program compiles, also one that no other test uses; none is compiled at the
// program's start.
func TestExpressions(t *testing.T) {
	found := 0
	for _, folder := range []string{"api", "cmd", "internal"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			found += look(t, name, file)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found == 0 {
		t.Error("no expression was found")
	}
}

// look compiles a file's expressions, and counts them.
func look(t *testing.T, name string, file *ast.File) (found int) {
	constants := map[string]ast.Expr{}
	for _, d := range file.Decls {
		ast.Inspect(d, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				return false // what a function compiles is compiled when it runs
			case *ast.ValueSpec:
				for i, v := range n.Values {
					constants[n.Names[i].Name] = v
				}
			case *ast.CallExpr:
				switch called(n) {
				case "regexp.MustCompile":
					t.Errorf("%s compiles an expression at the program's start: use pattern.New", name)
				case "pattern.New":
					found++
					if _, err := regexp.Compile(text(t, n.Args[0], constants)); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
			}
			return true
		})
	}
	return found
}

// called is what a call calls, as in "pattern.New".
func called(c *ast.CallExpr) string {
	if s, ok := c.Fun.(*ast.SelectorExpr); ok {
		if pkg, ok := s.X.(*ast.Ident); ok {
			return pkg.Name + "." + s.Sel.Name
		}
	}
	return ""
}

// text is the value of a string that is put together from literals and the file's constants.
func text(t *testing.T, e ast.Expr, constants map[string]ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		if err != nil {
			t.Error(err)
		}
		return s
	case *ast.BinaryExpr:
		return text(t, e.X, constants) + text(t, e.Y, constants)
	case *ast.Ident:
		if value, ok := constants[e.Name]; ok {
			return text(t, value, constants)
		}
	}
	t.Errorf("an expression that is no literal: %T", e)
	return ""
}
