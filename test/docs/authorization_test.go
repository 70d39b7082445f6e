package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/rbac"
)

var quoted = regexp.MustCompile("`([^`]+)`")

// authorization is a part of the page, from a heading to the next of its kind.
func authorization(t *testing.T, heading string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root(t), "docs/authorization.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(b), "\n"+heading+"\n")
	if !ok {
		t.Fatalf("there is no %q", heading)
	}
	rest, _, _ = strings.Cut(rest, "\n## ")
	return rest
}

// rowsOf are the rows of tables, without heads and rules.
func rowsOf(text string) (rows [][]string) {
	for line := range strings.SplitSeq(text, "\n") {
		if cells := strings.Split(line, "|"); len(cells) > 3 && quoted.MatchString(cells[1]) {
			rows = append(rows, cells[1:len(cells)-1])
		}
	}
	return rows
}

func words(cell string) (list []string) {
	for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
		list = append(list, m[1])
	}
	return list
}

// What the page says that a pattern matches, it matches, and what it says that it
// does not, it does not; what it calls refused is refused.
//
// proves: ASVS 8.1.1
func TestDocs_patternsMatchWhatThePageSays(t *testing.T) {
	page := authorization(t, "## What a pattern matches")
	compared := 0
	for _, row := range rowsOf(page) {
		if len(row) != 3 {
			continue
		}
		pattern, err := rbac.ParsePattern(words(row[0])[0])
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []bool{true, false} {
			for _, text := range words(row[i+1]) {
				p, err := rbac.ParsePermission(text)
				if err != nil || pattern.Matches(p) != want {
					t.Errorf("%s and %s: the page says %v; %v", pattern, text, want, err)
				}
				compared++
			}
		}
	}
	_, refused, _ := strings.Cut(page, "There is no other asterisk:")
	refused, _, _ = strings.Cut(refused, "are refused")
	for _, text := range append(words(refused), "Orders:read") {
		if _, err := rbac.ParsePattern(text); err == nil {
			t.Errorf("%s is a pattern", text)
		}
		compared++
	}
	if compared < 20 {
		t.Errorf("only %d were found", compared)
	}
}

// Each Need that there is stands in the page's table.
func TestDocs_listEveryNeed(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root(t), "need.go"), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	page, found := authorization(t, "## Guarding routes"), 0
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Recv != nil || !f.Name.IsExported() {
			continue
		}
		found++
		if !strings.Contains(page, "`"+f.Name.Name+"(") {
			t.Errorf("the table lacks %s", f.Name.Name)
		}
	}
	if found < 8 {
		t.Errorf("only %d were found", found)
	}
}
