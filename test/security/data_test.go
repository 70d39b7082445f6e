package security_test

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/session"
)

const data = "docs/security/data.md"

// columns are those of the database as the migrations leave it, "table.column".
func columns(t *testing.T) (list []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "internal/store/sqlstore/migrations/sqlite/*.sql"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		plain := regexp.MustCompile(`--[^\n]*`).ReplaceAllString(string(text), "")
		for _, m := range regexp.MustCompile(`(?s)CREATE TABLE (\w+) \((.*?)\n\)`).FindAllStringSubmatch(plain, -1) {
			for line := range strings.Lines(m[2]) {
				name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
				if regexp.MustCompile(`^[a-z_]+$`).MatchString(name) {
					list = append(list, m[1]+"."+name)
				}
			}
		}
		for _, m := range regexp.MustCompile(`ALTER TABLE (\w+) ADD COLUMN (\w+)`).FindAllStringSubmatch(plain, -1) {
			list = append(list, m[1]+"."+m[2])
		}
	}
	return list
}

// classes are those that the document defines.
var classes = []string{"secret", "personal", "internal", "public"}

func class(t *testing.T, what, cell string) {
	t.Helper()
	name, _, _ := strings.Cut(strings.Trim(cell, "* "), " ")
	name = strings.TrimRight(name, "*")
	for one := range strings.SplitSeq(name, ",") {
		if !slices.Contains(classes, one) {
			t.Errorf("%s is of the class %q", what, cell)
		}
	}
}

// Every column of the database, every cookie, every claim and every key of the
// log has its class.
//
// proves: ASVS 14.1.1
func TestData_everyKindIsClassified(t *testing.T) {
	var said []string
	of := ""
	for _, row := range table(t, section(t, data, "## The database")) {
		if names := code(row[0]); len(names) > 0 {
			of = names[0]
		}
		for _, name := range code(row[1]) {
			said = append(said, of+"."+name)
		}
		class(t, of+" "+row[1], row[2])
	}
	sameSets(t, "columns", said, columns(t))

	cookies := ""
	for _, row := range table(t, section(t, data, "## Cookies")) {
		cookies += row[0]
		class(t, row[0], row[1])
	}
	for _, name := range cookieNames(t) {
		if !strings.Contains(cookies, name) {
			t.Errorf("the cookie %s has no class", name)
		}
	}

	var claims []string
	for _, row := range table(t, section(t, data, "## Claims in the session cookie")) {
		claims = append(claims, code(row[0])...)
		class(t, row[0], row[1])
	}
	sameSets(t, "claims", claims, sealedClaims(t))

	var keys []string
	for _, row := range table(t, section(t, data, "## The log")) {
		keys = append(keys, code(row[0])...)
		class(t, row[0], row[2])
	}
	sameSets(t, "keys of the log", keys, logKeys(t))
}

// cookieNames are the ends of the names that the code gives to cookies.
func cookieNames(t *testing.T) (list []string) {
	t.Helper()
	protocol, used := map[string]string{}, map[string]bool{}
	for _, s := range sources(t) {
		ast.Inspect(s.File, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr: // OwnCookie("known")
				if called(n) == "OwnCookie" && len(n.Args) == 1 {
					if name, ok := literal(n.Args[0]); ok {
						list = append(list, name)
					}
				}
			case *ast.KeyValueExpr: // Session: prefix + stem + "session-token"
				whole, ok := n.Value.(*ast.BinaryExpr)
				if !ok || s.folder != "internal/web/authjs/wire" {
					return true
				}
				if name, ok := literal(whole.Y); ok {
					protocol[text(s, n.Key)] = name
				}
			case *ast.SelectorExpr: // x.names.Session
				if strings.HasSuffix(text(s, n.X), "names") {
					used[n.Sel.Name] = true
				}
			}
			return true
		})
	}
	for field, name := range protocol { // the others are those of providers, and set nowhere
		if used[field] {
			list = append(list, name)
		}
	}
	if len(list) < 6 {
		t.Fatalf("cookies %q", list)
	}
	return sorted(list)
}

// sealedClaims are the names of claims in the code of sessions.
func sealedClaims(t *testing.T) []string {
	t.Helper()
	list := []string{session.ClaimName, session.ClaimEmail, session.ClaimPicture}
	for _, s := range sources(t) {
		if s.folder != "internal/session" {
			continue
		}
		ast.Inspect(s.File, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok {
				if name, ok := literal(l); ok && slices.Contains([]string{"sub", "sid", "roles", "gh"}, name) {
					list = append(list, name)
				}
			}
			return true
		})
	}
	return append(list, "iat", "exp", "jti") // the seal's
}

// logKeys are the keys of a request's line.
func logKeys(t *testing.T) (list []string) {
	t.Helper()
	for _, s := range sources(t) {
		if s.name != "internal/web/router.go" {
			continue
		}
		ast.Inspect(s.File, func(n ast.Node) bool {
			if c, ok := n.(*ast.CallExpr); ok && regexp.MustCompile(`^slog\.(String|Int|Duration|Any|Bool)$`).MatchString(text(s, c.Fun)) {
				if name, ok := literal(c.Args[0]); ok {
					list = append(list, name)
				}
			}
			return true
		})
	}
	return list
}

// proves: ASVS 14.1.2
func TestData_everyClassHasItsRules(t *testing.T) {
	rows := map[string][]string{}
	for _, row := range table(t, section(t, data, "### The rules for each class")) {
		rows[strings.Trim(row[0], "*")] = row
	}
	defined := []string{}
	for _, row := range table(t, document(t, data)) {
		defined = append(defined, strings.Trim(row[0], "*"))
	}
	sameSets(t, "classes", defined, classes)
	for _, c := range classes {
		if len(rows[c]) != 6 {
			t.Errorf("%s has no rules: %q", c, rows[c])
			continue
		}
		for i, cell := range rows[c] {
			if cell == "" {
				t.Errorf("%s: column %d is empty", c, i+1)
			}
		}
	}
}
