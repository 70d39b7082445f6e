package security_test

import (
	"encoding/json"
	"go/ast"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/webtest"
)

const input = "docs/security/input.md"

// Every endpoint stands in the document, every field that any of them reads has
// a row with shape, length and characters, and the document has none besides.
//
// proves: ASVS 2.1.1
func TestInput_everyFieldOfEveryEndpointHasItsLimits(t *testing.T) {
	var addresses []string
	for _, e := range endpoints(t) {
		if e.Guard != web.Operator {
			path := strings.TrimPrefix(strings.TrimPrefix(e.Pattern, "/api"), "/auth")
			addresses = append(addresses, e.Method+" "+path)
		}
	}
	rows := table(t, section(t, input, "## What each endpoint reads"))
	var said, read []string
	for _, row := range rows {
		said = append(said, code(row[0])...)
		read = append(read, code(row[1])...)
		if row[1] == "" {
			t.Errorf("%s: nothing is said", row[0])
		}
	}
	sameSets(t, "endpoints", said, addresses)

	described := []string{}
	for _, row := range table(t, section(t, input, "## Fields")) {
		described = append(described, code(row[0])...)
		for i, cell := range row {
			if cell == "" {
				t.Errorf("%s: column %d is empty", row[0], i+1)
			}
		}
	}
	fields := fieldsInCode(t)
	sameSets(t, "fields", described, fields)
	for _, name := range fields {
		if !slices.Contains(append(read, "csrfToken", "callbackUrl", "nonce"), name) {
			t.Errorf("no endpoint is said to read %s", name)
		}
	}
	for _, name := range read {
		if !slices.Contains(described, name) {
			t.Errorf("%s is read and not described", name)
		}
	}

	var headers []string
	for _, row := range table(t, section(t, input, "## Headers")) {
		headers = append(headers, code(row[0])...)
	}
	for _, name := range headersInCode(t) {
		if !slices.Contains(headers, name) {
			t.Errorf("the header %s is read and not described", name)
		}
	}
}

// fieldsInCode are the names of fields, parameters and parts of paths that the
// web layer asks for.
func fieldsInCode(t *testing.T) (names []string) {
	t.Helper()
	for _, s := range webSources(t) {
		ast.Inspect(s.File, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				switch called(n) {
				case "Field", "Raw", "PathValue", "lastOf", "only", "Get":
					if called(n) == "Get" && !strings.Contains(text(s, n.Fun), "Query()") {
						return true
					}
					for _, a := range n.Args {
						if name, ok := literal(a); ok {
							names = append(names, name)
						}
					}
				}
				if called(n) == "Field" && len(n.Args) == 1 {
					if x, ok := n.Args[0].(*ast.Ident); ok && x.Name == "markField" {
						names = append(names, "hosted")
					}
				}
			case *ast.FuncDecl:
				if n.Body != nil && decodes(n) {
					names = append(names, members(n)...)
				}
			}
			return true
		})
	}
	return names
}

func headersInCode(t *testing.T) (names []string) {
	t.Helper()
	for _, s := range webSources(t) {
		ast.Inspect(s.File, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if on := text(s, n.Fun); len(n.Args) == 1 && regexp.MustCompile(`\b(r|R)\.Header\.(Get|Values)$`).MatchString(on) {
					if name, ok := literal(n.Args[0]); ok {
						names = append(names, name)
					}
				}
			case *ast.IndexExpr:
				if regexp.MustCompile(`\b(r|R)\.Header$`).MatchString(text(s, n.X)) {
					if name, ok := literal(n.Index); ok {
						names = append(names, name)
					}
				}
			}
			return true
		})
	}
	return names
}

func webSources(t *testing.T) (list []source) {
	t.Helper()
	for _, s := range sources(t) {
		if strings.HasPrefix(s.folder, "internal/web") {
			list = append(list, s)
		}
	}
	return list
}

func called(c *ast.CallExpr) string {
	switch f := c.Fun.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.Ident:
		return f.Name
	}
	return ""
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok {
		return "", false
	}
	text, err := strconv.Unquote(l.Value)
	return text, err == nil
}

// text is an expression of names, calls and dots as it is written.
func text(s source, e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return text(s, e.X) + "." + e.Sel.Name
	case *ast.CallExpr:
		return text(s, e.Fun) + "()"
	}
	return ""
}

// decodes says whether the function reads a JSON body.
func decodes(f *ast.FuncDecl) (yes bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok && slices.Contains([]string{"DecodeJSON", "UnmarshalObject", "Unmarshal"}, called(c)) {
			yes = true
		}
		return true
	})
	return yes
}

// members are the JSON names of the structs in the function.
func members(f *ast.FuncDecl) (names []string) {
	ast.Inspect(f, func(n ast.Node) bool {
		if field, ok := n.(*ast.Field); ok && field.Tag != nil {
			tag, _ := strconv.Unquote(field.Tag.Value)
			name, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
			names = append(names, name)
		}
		return true
	})
	return names
}

// At its limit a field is taken, and one character beyond it is refused.
//
// proves: ASVS 2.1.1
func TestInput_limitsAreTheDocumentedOnes(t *testing.T) {
	s := webtest.New(t, nil)
	number := 0
	register := func(fields map[string]string) int {
		number++
		all := map[string]string{"username": "user" + strconv.Itoa(number), "password": password}
		for k, v := range fields {
			all[k] = v
		}
		body, _ := json.Marshal(all)
		return ask(s, "POST", "/api/auth/register", "application/json", string(body), nil).Code
	}
	long := func(n int, c string) string { return strings.Repeat(c, n) }
	for _, c := range []struct {
		field         string
		good, refused string
	}{
		{"email", long(243, "a") + "@app.example", long(244, "a") + "@app.example"},
		{"email", "a@b.c", "@b.c"},
		{"email", "o'neil+x@app.example", "o;neil@app.example"},
		{"username", long(64, "b"), long(65, "b")},
		{"username", "bc", "c"},
		{"username", "ünal.ø-1_", "a b"},
		{"username", "user_x", "usr_x"},
		{"name", long(100, "é"), long(101, "é")},
		{"name", "Ann of the Hill", "Ann\nof the Hill"},
		{"password", "fifteen grouse!", "fourteen grous"},
		{"password", strings.Repeat("grouse heather ", 18)[:256], strings.Repeat("grouse heather ", 18)[:257]},
	} {
		if got := register(map[string]string{c.field: c.good}); got != http.StatusCreated {
			t.Errorf("%s %.40q (%d characters) is answered %d", c.field, c.good, len([]rune(c.good)), got)
		}
		if got := register(map[string]string{c.field: c.refused}); got != http.StatusBadRequest {
			t.Errorf("%s %.40q (%d characters) is answered %d", c.field, c.refused, len([]rune(c.refused)), got)
		}
	}
	limits(t, s)
}

// limits looks at those that belong to every request, and to a profile.
func limits(t *testing.T, s *webtest.Site) {
	t.Helper()
	v := signedUp(t, s)
	var token struct {
		CSRF string `json:"csrfToken"`
	}
	_ = json.Unmarshal([]byte(v.Get("/api/auth/csrf").Body), &token)
	picture := func(image string) string {
		body, _ := json.Marshal(map[string]any{"csrfToken": token.CSRF, "data": map[string]string{"image": image}})
		v.JSON("/api/auth/session", string(body))
		return v.Get("/api/auth/session").Body
	}
	address := "https://app.example/"
	good := address + strings.Repeat("p", 1024-len(address))
	if !strings.Contains(picture(good), good) {
		t.Error("a picture's address of 1024 bytes is refused")
	}
	for _, bad := range []string{good + "p", "javascript:x()", "//app.example/x", "https://u:p@app.example/", "ftp://app.example/"} {
		if got := picture(bad); !strings.Contains(got, good) {
			t.Errorf("picture %.40q: %s", bad, got)
		}
	}
	long := func(n int) string {
		return "/api/auth/signin?callbackUrl=" + url.QueryEscape("/"+strings.Repeat("p", n-1))
	}
	if a, b := ask(s, "GET", long(4096), "", "", nil).Code, ask(s, "GET", long(4097), "", "", nil).Code; a != 200 || b != 400 {
		t.Errorf("a callback URL of 4096 bytes is answered %d, of 4097 %d", a, b)
	}
	tooDeep := func(n int) bool {
		body := strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n)
		return strings.Contains(ask(s, "POST", "/api/auth/login", "application/json", body, nil).Body.String(), "too deeply")
	}
	if tooDeep(32) || !tooDeep(33) {
		t.Errorf("nested 32 deep is too deep: %v, 33 deep: %v", tooDeep(32), tooDeep(33))
	}
	for size, want := range map[int]int{64 << 10: 400, 64<<10 + 1: 413} {
		body := `{"x":"` + strings.Repeat("a", size-8) + `"}`
		if w := ask(s, "POST", "/api/auth/login", "application/json", body, nil); len(body) != size || w.Code != want {
			t.Errorf("a body of %d bytes is answered %d, want %d", len(body), w.Code, want)
		}
	}
}
