package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
)

// readEnums finds the values that string fields may have. The OpenAPI documents of a release are
// written without them; the Go code they are made by has them. Keys are "io.k8s.api.core.v1.Container.imagePullPolicy".
func readEnums(file string) (map[string][]string, error) {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	found := map[string][]string{}
	for _, decl := range f.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		name, ok := typeOf(fn.Name.Name)
		if !ok {
			continue
		}
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			kv, ok := n.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			field, ok := text(kv.Key)
			if !ok {
				return true
			}
			if values := enumBelow(kv.Value); len(values) > 0 {
				found[name+"."+field] = values
			}
			return true
		})
	}
	return found, nil
}

// typeOf is the type whose schema a function like schema_k8sio_api_core_v1_Container gives.
func typeOf(function string) (string, bool) {
	rest, ok := strings.CutPrefix(function, "schema_k8sio_api_")
	if !ok {
		return "", false
	}
	parts := strings.Split(rest, "_")
	if len(parts) != 3 {
		return "", false
	}
	return "io.k8s.api." + strings.Join(parts, "."), true
}

// enumBelow is the Enum of a property, or of its elements.
func enumBelow(e ast.Expr) []string {
	var values []string
	ast.Inspect(e, func(n ast.Node) bool {
		kv, ok := n.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		key, ok := kv.Key.(*ast.Ident)
		if !ok {
			return true
		}
		if lit, isLit := kv.Value.(*ast.CompositeLit); isLit && key.Name == "Enum" {
			for _, v := range lit.Elts {
				if s, ok := text(v); ok {
					values = append(values, s)
				}
			}
		}
		return true
	})
	return values
}

func text(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}
