package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Every pattern compiles, also one that no other test uses; none is compiled at the program's start.
func TestPatterns(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") || e.Name() == "pattern.go" {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "MustCompile" {
				t.Errorf("%s compiles an expression outside pattern", e.Name())
			}
			lit, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			if id, ok := lit.Type.(*ast.Ident); !ok || id.Name != "pattern" {
				return true
			}
			found++
			value, ok := lit.Elts[0].(*ast.KeyValueExpr).Value.(*ast.BasicLit)
			if !ok {
				t.Errorf("%s: a pattern that is no literal", e.Name())
				return true
			}
			expr, err := strconv.Unquote(value.Value)
			if err == nil {
				_, err = regexp.Compile(expr)
			}
			if err != nil {
				t.Errorf("%s: %v", e.Name(), err)
			}
			return true
		})
	}
	if found == 0 {
		t.Error("no pattern was found")
	}
}
