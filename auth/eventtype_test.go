package auth_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Every type that is declared is in the vocabulary, and nothing twice.
func TestEventTypes_areAllThatAreDeclared(t *testing.T) {
	declared := map[auth.EventType]bool{}
	for _, file := range []string{"event.go", "eventtype.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			v, is := n.(*ast.ValueSpec)
			if !is {
				return true
			}
			if name, is := v.Type.(*ast.Ident); is && name.Name == "EventType" {
				text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				declared[auth.EventType(text)] = true
			}
			return true
		})
	}
	if len(declared) < 30 {
		t.Fatalf("%d types were found in the source, want all", len(declared))
	}
	seen := map[auth.EventType]bool{}
	for _, i := range auth.EventTypes() {
		if seen[i.Type] {
			t.Errorf("%s is in the vocabulary twice", i.Type)
		}
		seen[i.Type] = true
		if !declared[i.Type] {
			t.Errorf("%s is in the vocabulary and not declared", i.Type)
		}
		if i.About == "" || i.Result == "" {
			t.Errorf("%s: the vocabulary does not say what it is", i.Type)
		}
	}
	for e := range declared {
		if !seen[e] {
			t.Errorf("%s is declared and not in the vocabulary: add it to EventTypes and to docs/audit.md", e)
		}
		if got, known := e.Info(); !known || got.Type != e {
			t.Errorf("%s: got %+v, %v", e, got, known)
		}
	}
	if _, known := auth.EventType("nothing.happened").Info(); known {
		t.Error("a type that is not in the vocabulary is known")
	}
}
