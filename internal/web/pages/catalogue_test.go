package pages_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/password"
	"github.com/gatehouse-auth/gatehouse/internal/web/pages"
)

func texts(t *testing.T, tag string) map[string]map[string]string {
	t.Helper()
	m, err := pages.Texts(tag)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// reasons are those of the password policy, each with numbers that it may have.
var reasons = []password.Problem{
	{Reason: password.ReasonTooShort, Length: 9, Limit: 15}, {Reason: password.ReasonTooLong, Length: 300, Limit: 256}, {Reason: password.ReasonNotUTF8},
	{Reason: password.ReasonCommon}, {Reason: password.ReasonBreached}, {Reason: password.ReasonPredictable}, {Reason: password.ReasonOwnName}, {Reason: password.ReasonContextWord},
}

// used are the keys that can be asked for: by templates, by the constants in Go,
// for each Code that a refusal may have, and for each Detail.
func used(t *testing.T) []string {
	t.Helper()
	keys := map[string]bool{}
	inTemplate := regexp.MustCompile(`\{\{[^}]*\b(?:t|strong) "([^"]+)"`)
	files, err := filepath.Glob("templates/*.html")
	if err != nil || len(files) == 0 {
		t.Fatalf("no templates: %v", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range inTemplate.FindAllStringSubmatch(string(text), -1) {
			keys[m[1]] = true
		}
	}
	for name, value := range constants(t) {
		keys[value] = true
		if !mentioned(t, name) {
			t.Errorf("nobody uses %s", name)
		}
	}
	for _, c := range auth.Codes() {
		keys["refusal."+string(c)] = true
		if k := c.Kind(); k == auth.KindRateLimited || k == auth.KindUnavailable {
			keys["refusal."+string(c)+".wait"] = true
		}
	}
	for _, p := range reasons {
		keys["detail."+string(p.Reason)] = true
	}
	for _, d := range []string{auth.DetailCurrentPassword, auth.DetailCallbackURL, auth.DetailSignedOutHere} {
		keys["detail."+d] = true
	}
	return slices.Sorted(maps.Keys(keys))
}

// constants are the Keys declared in text.go, by name.
func constants(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "text.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for n := range ast.Preorder(file) {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			continue
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Key" {
			continue
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		found[spec.Names[0].Name] = value
	}
	if len(found) == 0 {
		t.Fatal("no constants in text.go")
	}
	return found
}

// mentioned says whether a constant is used in this package or by the handlers.
func mentioned(t *testing.T, name string) bool {
	t.Helper()
	word := regexp.MustCompile(`\b` + name + `\b`)
	for _, pattern := range []string{"*.go", "../portal/*.go", "../authjs/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") || f == "text.go" {
				continue
			}
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if word.Match(text) {
				return true
			}
		}
	}
	text, err := os.ReadFile("text.go") // once to declare it, again to use it
	return err == nil && len(word.FindAll(text, -1)) > 1+strings.Count(string(text), "// "+name+" ")
}

func TestLanguages_haveEveryTextAndNoOther(t *testing.T) {
	want := used(t)
	all := pages.Languages()
	for _, need := range []string{"de", "en"} {
		if !slices.Contains(all, need) {
			t.Errorf("the pages do not speak %s", need)
		}
	}
	for _, tag := range all {
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(texts(t, tag)))); diff != "" {
			t.Errorf("%s: keys that are used (-) and that are there (+):\n%s", tag, diff)
		}
	}
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

func TestLanguages_agreeOnPlaceholders(t *testing.T) {
	english := texts(t, "en")
	for _, tag := range pages.Languages() {
		for key, forms := range texts(t, tag) {
			for form, text := range forms {
				want := sorted(placeholder.FindAllString(english[key]["other"], -1))
				if diff := cmp.Diff(want, sorted(placeholder.FindAllString(text, -1))); diff != "" {
					t.Errorf("%s, %s (%s): placeholders in English (-) and here (+):\n%s", tag, key, form, diff)
				}
				if strings.TrimSpace(text) != text || text == "" {
					t.Errorf("%s, %s (%s): %q is empty or has blanks around it", tag, key, form, text)
				}
			}
		}
	}
}

func sorted(list []string) []string { slices.Sort(list); return list }

// A text with a number in it has exactly the forms that its language has.
func TestLanguages_haveTheirPluralForms(t *testing.T) {
	english := texts(t, "en")
	for _, tag := range pages.Languages() {
		want := map[string]bool{}
		for n := range 1000 {
			want[pages.PluralForm(tag, n)] = true
		}
		for key, forms := range texts(t, tag) {
			if len(english[key]) == 1 && len(forms) == 1 {
				continue
			}
			if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(forms))); diff != "" {
				t.Errorf("%s, %s: forms of the language (-) and of the text (+):\n%s", tag, key, diff)
			}
		}
	}
}

// What stays in English by mistake is found by looking for the same text in
// both; a few words are the same.
func TestGerman_isNotEnglish(t *testing.T) {
	english := texts(t, "en")
	for key, forms := range texts(t, "de") {
		if key != "language.dir" && forms["other"] == english[key]["other"] {
			t.Errorf("%s: %q in both languages", key, forms["other"])
		}
	}
}

// The JSON endpoints say in English what the pages say in English.
func TestEnglish_saysWhatThePolicySays(t *testing.T) {
	english := texts(t, "en")
	for _, p := range reasons {
		got := strings.NewReplacer("{length}", strconv.Itoa(p.Length), "{limit}", strconv.Itoa(p.Limit)).
			Replace(english["detail."+string(p.Reason)]["other"])
		if got != p.Message() {
			t.Errorf("%s: the pages say %q, the policy %q", p.Reason, got, p.Message())
		}
	}
}
