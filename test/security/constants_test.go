package security_test

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// What a log line says, and what fmt makes a text of, is written in the program:
// whatever comes from outside is a value beside it. Functions that hand a format
// on are judged where they are called, by go vet, which go test runs.
//
// proves: ASVS 1.3.10
func TestFormats_areConstants(t *testing.T) {
	constants := constantsOf(t)
	formats := map[string]int{"fmt.Errorf": 0, "fmt.Sprintf": 0, "fmt.Printf": 0, "fmt.Fprintf": 1, "fmt.Appendf": 1}
	seen := 0
	for _, s := range sources(t) {
		handed := map[string]bool{} // formats that a function hands on
		ast.Inspect(s.File, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				handed = map[string]bool{}
				for _, p := range n.Type.Params.List {
					for _, name := range p.Names {
						handed[name.Name] = true
					}
				}
			case *ast.CallExpr:
				place, isFormat := formats[text(s, n.Fun)]
				message := -1
				if f, ok := n.Fun.(*ast.SelectorExpr); ok && strings.HasSuffix(strings.ToLower(text(s, f.X)), "logger") {
					if i := slices.Index([]string{"Debug", "Info", "Warn", "Error"}, f.Sel.Name); i >= 0 {
						message = 0
					} else if slices.Contains([]string{"DebugContext", "InfoContext", "WarnContext", "ErrorContext"}, f.Sel.Name) {
						message = 1
					}
				}
				if isFormat {
					message = place
				}
				if message < 0 || len(n.Args) <= message {
					return true
				}
				seen++
				format := n.Args[message]
				name, isName := format.(*ast.Ident)
				if !constant(format, s.folder, constants) && !(isFormat && n.Ellipsis.IsValid() && (isName && handed[name.Name] || text(s, format) == "p.format")) {
					t.Errorf("%s: the text is not a constant", s.at.Position(n.Pos()))
				}
			}
			return true
		})
	}
	if seen < 200 {
		t.Errorf("only %d places were looked at", seen)
	}
}

// Statements for the database are constants, put together of constants, with
// values beside them; where one is put together while the program runs, of pieces
// of its own, is listed here.
//
// proves: ASVS 1.2.4
func TestStatements_areConstants(t *testing.T) {
	constants := constantsOf(t)
	pieces := map[string]string{ // what is no constant, and what it is
		"purging": "names of tables and columns, from package variables", "turn": "two numbers", "and": "a condition and the number of its value",
		"FindEvents": "legs, which are made by and", "List": "a constant with one of two endings", "announcement": "the name that this process has made for itself",
		"begin": "level and number", "ofTypes": "a wording of the two dialects",
		"countAPIKeysWhere": "a condition of each dialect, from a package variable", "countHoldersOf": "the same",
	}
	words := []string{"SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WHERE ", " AND ", " ORDER BY ", " FROM ", "RETURNING ", "NOTIFY ", "BEGIN"}
	isStatement := func(e ast.Expr) bool {
		found := false
		ast.Inspect(e, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && slices.ContainsFunc(words, func(w string) bool { return strings.Contains(l.Value, w) }) {
				found = true
			}
			return !found
		})
		return found
	}
	seen := 0
	for _, s := range sources(t) {
		if s.folder != "internal/store/sqlstore" {
			continue
		}
		function := ""
		ast.Inspect(s.File, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				function = n.Name.Name
			case *ast.BinaryExpr:
				if n.Op != token.ADD || !isStatement(n) {
					return true
				}
				seen++
				if !constant(n, s.folder, constants) && pieces[function] == "" {
					t.Errorf("%s: %s puts a statement together of what is no constant", s.at.Position(n.Pos()), function)
				}
				return false
			case *ast.CallExpr:
				if called(n) == "Sprintf" && isStatement(n) && pieces[function] == "" {
					t.Errorf("%s: %s makes a statement by Sprintf", s.at.Position(n.Pos()), function)
				}
			}
			return true
		})
	}
	if seen < 30 {
		t.Errorf("only %d places were looked at", seen)
	}
}

// constantsOf are the names of the constants of each folder, those within
// functions too.
func constantsOf(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, s := range sources(t) {
		ast.Inspect(s.File, func(n ast.Node) bool {
			if d, ok := n.(*ast.GenDecl); ok && d.Tok == token.CONST {
				for _, spec := range d.Specs {
					for _, name := range spec.(*ast.ValueSpec).Names {
						all[s.folder+"."+name.Name] = true
					}
				}
			}
			return true
		})
	}
	return all
}

// constant says whether the expression is a literal, a constant of the folder, or
// a sum of such.
func constant(e ast.Expr, folder string, constants map[string]bool) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.Ident:
		return constants[folder+"."+e.Name]
	case *ast.ParenExpr:
		return constant(e.X, folder, constants)
	case *ast.BinaryExpr:
		return e.Op == token.ADD && constant(e.X, folder, constants) && constant(e.Y, folder, constants)
	}
	return false
}
