package auth_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// proves: CB-14
func TestParseIdentifier_acceptsInNormalForm(t *testing.T) {
	for _, c := range []struct {
		name, typed string
		want        auth.Identifier
	}{
		{"address", "ann@example.com", auth.Identifier{Kind: auth.IdentifierEmail, Value: "ann@example.com"}},
		{"capitals", "Ann.B@Example.COM", auth.Identifier{Kind: auth.IdentifierEmail, Value: "ann.b@example.com"}},
		{"blanks at the ends", " \tann@example.com\n", auth.Identifier{Kind: auth.IdentifierEmail, Value: "ann@example.com"}},
		{"plus tag", "ann+news@example.com", auth.Identifier{Kind: auth.IdentifierEmail, Value: "ann+news@example.com"}},
		{"apostrophe", "o'brien@example.com", auth.Identifier{Kind: auth.IdentifierEmail, Value: "o'brien@example.com"}},
		{"fullwidth at sign", "ann＠example.com", auth.Identifier{Kind: auth.IdentifierEmail, Value: "ann@example.com"}},
		{"letters beyond ASCII", "jürgen@müller.example", auth.Identifier{Kind: auth.IdentifierEmail, Value: "jürgen@müller.example"}},
		{"decomposed", "jürgen@example.com", auth.Identifier{Kind: auth.IdentifierEmail, Value: "jürgen@example.com"}},
		{"255 characters", strings.Repeat("a", 243) + "@example.com", auth.Identifier{Kind: auth.IdentifierEmail, Value: strings.Repeat("a", 243) + "@example.com"}},
		{"user name", "ann", auth.Identifier{Kind: auth.IdentifierUsername, Value: "ann"}},
		{"user name in capitals", "Ann_B-2.x", auth.Identifier{Kind: auth.IdentifierUsername, Value: "ann_b-2.x"}},
		{"fullwidth letters", "ａｎｎ", auth.Identifier{Kind: auth.IdentifierUsername, Value: "ann"}},
		{"ligature", "ﬁnn", auth.Identifier{Kind: auth.IdentifierUsername, Value: "finn"}},
		{"two characters", "ab", auth.Identifier{Kind: auth.IdentifierUsername, Value: "ab"}},
		{"64 characters", strings.Repeat("b", 64), auth.Identifier{Kind: auth.IdentifierUsername, Value: strings.Repeat("b", 64)}},
	} {
		got, err := auth.ParseIdentifier(c.typed)
		if err != nil {
			t.Errorf("%s: %q is refused: %v", c.name, c.typed, err)
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %q (-want +got):\n%s", c.name, c.typed, diff)
		}
	}
}

// proves: CB-14, ASVS 2.2.1
func TestParseIdentifier_refuses(t *testing.T) {
	for name, typed := range map[string]string{
		"nothing": "", "blanks": "  \t ", "one letter": "a", "dots alone": "...", "hyphens alone": "--__",
		"65 characters": strings.Repeat("b", 65), "blank within": "ann b", "slash": "ann/b", "colon": "ann:b", "mark alone": "\u0301a",
		"quote": "ann'--", "null byte": "an\x00n", "line break": "an\nn", "not UTF-8": "an\xffn", "bell": "an\x07n",
		"right-to-left override": "an\u202en", "zero width": "an\u200bn", "emoji": "an😀n",
		"at sign alone": "@", "no local part": "@example.com", "no domain": "ann@", "no dot": "ann@localhost", "two at signs": "a@b@example.com",
		"dot first": "ann@.example.com", "dot last": "ann@example.com.", "two dots": "ann@example..com", "underscore in the domain": "ann@ex_ample.com",
		"blank in the local part": "an n@example.com", "blank in the domain": "ann@exam ple.com", "angle brackets": "<ann@example.com>",
		"comma": "ann,bob@example.com", "semicolon": "ann;bob@example.com", "quoted": `"ann"@example.com`, "comment": "ann(x)@example.com",
		"header injection": "ann@example.com\r\nBcc: x@example.com", "address literal": "ann@[127.0.0.1]", "port": "ann@example.com:25",
		"256 characters": strings.Repeat("a", 244) + "@example.com", "megabyte": strings.Repeat("a", 1<<20), "megabyte address": strings.Repeat("a", 1<<20) + "@example.com",
	} {
		if got, err := auth.ParseIdentifier(typed); !errors.Is(err, auth.CodeInvalidIdentifier) {
			t.Errorf("%s: got %+v, %v; want invalid_identifier", name, got, err)
		}
	}
}

// proves: CB-15
func TestParseIdentifier_keepsPlusTagsApart(t *testing.T) {
	plain, err := auth.ParseIdentifier("a@x.test")
	if err != nil {
		t.Fatal(err)
	}
	for typed, same := range map[string]bool{"A@x.test": true, "a@X.TEST": true, "a+t@x.test": false, "a.@x.test": false} {
		got, err := auth.ParseIdentifier(typed)
		if err != nil {
			t.Errorf("%q is refused: %v", typed, err)
		} else if (got == plain) != same {
			t.Errorf("%q and a@x.test are the same: %v, want %v", typed, got == plain, same)
		}
	}
}

func FuzzParseIdentifier(f *testing.F) {
	for _, seed := range []string{
		"ann@example.com", "Ann_B-2.x", "ann＠example.com", "ﬁnn", "İstanbul", "ſtraße", "a\u0345\u0300", "\u1e9b\u0323x",
		"ann@ΣΑΣ.example", "Å\u0327bc", "a@b.c\u3002d", "ﷺﷺﷺﷺ", "\xff\xfe", "ϓ\u0301a",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		id, err := auth.ParseIdentifier(typed)
		if err != nil {
			if !errors.Is(err, auth.CodeInvalidIdentifier) {
				t.Fatalf("%q: refused with %v", typed, err)
			}
			return
		}
		// A normal form is its own normal form, or one person could register
		// twice and sign in as neither.
		again, err := auth.ParseIdentifier(id.Value)
		if err != nil || again != id {
			t.Fatalf("%q becomes %+q, and that %+q (%v)", typed, id.Value, again.Value, err)
		}
		if upper, err := auth.ParseIdentifier(strings.ToLower(id.Value)); err != nil || upper != id {
			t.Fatalf("%q: lower case of %+q is %+q (%v)", typed, id.Value, upper.Value, err)
		}
		if !utf8.ValidString(id.Value) || strings.ContainsFunc(id.Value, unicode.IsControl) || strings.ContainsFunc(id.Value, unicode.IsSpace) {
			t.Fatalf("%q: normal form %+q holds blanks or control characters", typed, id.Value)
		}
		at := strings.Count(id.Value, "@")
		most := auth.MaxUsernameLength
		if id.Kind == auth.IdentifierEmail {
			most = auth.MaxEmailLength
		}
		if (id.Kind == auth.IdentifierEmail) != (at == 1) || at > 1 || utf8.RuneCountInString(id.Value) > most {
			t.Fatalf("%q: %s %+q", typed, id.Kind, id.Value)
		}
	})
}

func TestCleanName(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", ""},
		{"as written", "O'Brien <b>", "O'Brien <b>"},
		{"composed", "Jürgen", "Jürgen"},
		{"blanks at the ends", "  Ann  ", "Ann"},
		{"a family", "👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"},
		{"100 characters of four bytes", strings.Repeat("😀", 100), strings.Repeat("😀", 100)},
		{"template", "{{.}} %s %n", "{{.}} %s %n"},
	} {
		if got, err := auth.CleanName(c.text); err != nil || got != c.want {
			t.Errorf("%s: CleanName(%q) = %q, %v; want %q", c.name, c.text, got, err, c.want)
		}
	}
}

// proves: ASVS 1.3.3, ASVS 1.3.11
func TestCleanName_refuses(t *testing.T) {
	for name, text := range map[string]string{
		"101 characters": strings.Repeat("a", 101), "megabyte": strings.Repeat("a", 1<<20), "not UTF-8": "\xff", "line break": "Ann\r\nBcc: x@example.com",
		"null byte": "A\x00", "escape": "\x1b[31mAnn", "line separator": "Ann\u2028x", "right-to-left override": "Ann\u202etxt.exe", "tab within": "Ann\tB",
	} {
		if got, err := auth.CleanName(text); !errors.Is(err, auth.CodeInvalidName) {
			t.Errorf("%s: CleanName(%q) = %q, %v; want invalid_name", name, text, got, err)
		}
	}
}

func TestCleanRoles_sortsAndRemovesDoubles(t *testing.T) {
	given := []string{"user", "admin", "user", "team:a.b-c_d"}
	got, err := auth.CleanRoles(given)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"admin", "team:a.b-c_d", "user"}, got); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
	if given[0] != "user" {
		t.Error("the caller's slice was sorted under its hands")
	}
}

func TestCleanRoles_refuses(t *testing.T) {
	many := make([]string, 33)
	for i := range many {
		many[i] = "role" + strings.Repeat("x", i)
	}
	for name, roles := range map[string][]string{
		"empty role": {""}, "blank": {"a b"}, "comma": {"a,b"}, "quote": {`a"`}, "65 characters": {strings.Repeat("a", 65)},
		"beyond ASCII": {"ädmin"}, "line break": {"a\n"}, "33 roles": many,
	} {
		if got, err := auth.CleanRoles(roles); !errors.Is(err, auth.CodeInvalidRequest) {
			t.Errorf("%s: got %v, %v; want invalid_request", name, got, err)
		}
	}
	if _, err := auth.CleanRoles(many[:32]); err != nil {
		t.Errorf("32 roles are refused: %v", err)
	}
}
