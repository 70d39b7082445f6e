package vectors_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/internal/vectors"
)

var sequenceFiles = map[string]string{"v4": "http-v4.json", "v5": "http-v5.json"}

// eachSequence runs check for every sequence of both files.
func eachSequence(t *testing.T, check func(t *testing.T, f *vectors.SequenceFile, s vectors.Sequence)) {
	t.Helper()
	for dialect, file := range sequenceFiles {
		t.Run(dialect, func(t *testing.T) {
			f := vectors.LoadSequences(t, file)
			for _, s := range f.Vectors {
				t.Run(strings.TrimPrefix(s.Name, dialect+"/"), func(t *testing.T) { check(t, f, s) })
			}
		})
	}
}

func TestSequences_holdNoMemberTheTypesDoNotKnow(t *testing.T) {
	for dialect, file := range sequenceFiles {
		t.Run(dialect, func(t *testing.T) {
			vectors.LoadSequences(t, file)
			text, err := os.ReadFile(filepath.Join(vectors.Dir(t), file))
			if err != nil {
				t.Fatal(err)
			}
			strict := json.NewDecoder(bytes.NewReader(text))
			strict.DisallowUnknownFields()
			var f vectors.SequenceFile
			if err := strict.Decode(&f); err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for _, s := range f.Vectors {
				if seen[s.Name] {
					t.Errorf("%s stands twice", s.Name)
				}
				seen[s.Name] = true
				if s.Inputs.Dialect != dialect || s.Op != dialect+".http" || !strings.HasPrefix(s.Name, dialect+"/") {
					t.Errorf("%s: dialect %q, op %q in %s", s.Name, s.Inputs.Dialect, s.Op, file)
				}
				if len(s.Steps) == 0 || s.Steps[0].Now != f.IssuedAt {
					t.Errorf("%s does not begin at %d", s.Name, f.IssuedAt)
				}
			}
		})
	}
}

func TestSequences_nameWhatTheyNeed(t *testing.T) {
	eachSequence(t, func(t *testing.T, f *vectors.SequenceFile, s vectors.Sequence) {
		var want []string
		for _, p := range s.Inputs.Providers {
			kind := p.Type
			if p.Issuer != "" {
				kind = "oidc"
			}
			want = append(want, kind)
		}
		if s.Inputs.Database != nil {
			want = append(want, "database")
		}
		if s.Inputs.Session.Strategy == "database" {
			want = append(want, "database-strategy")
		}
		if !s.Inputs.TrustHost {
			want = append(want, "untrusted-host")
		}
		if diff := cmp.Diff(want, s.Needs); diff != "" {
			t.Errorf("needs (-from inputs +recorded):\n%s", diff)
		}
		for _, need := range s.Needs {
			if f.Needs[need] == "" {
				t.Errorf("%q is not explained in the file", need)
			}
		}
	})
}

var used = regexp.MustCompile(`\{\{(\w+)\}\}`)

func TestSequences_useOnlyWhatWasCaptured(t *testing.T) {
	eachSequence(t, func(t *testing.T, _ *vectors.SequenceFile, s vectors.Sequence) {
		captured := map[string]bool{}
		for i, step := range s.Steps {
			sent, err := json.Marshal([]any{step.Request, step.Response})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range used.FindAllStringSubmatch(string(sent), -1) {
				if !captured[m[1]] {
					t.Errorf("step %d uses %s before it was captured", i, m[0])
				}
			}
			for _, c := range step.Capture {
				captured[c.Variable] = true
				if !slices.Contains([]string{"json", "header", "mail"}, c.From) || c.Member == "" {
					t.Errorf("step %d captures %s from %q, member %q", i, c.Variable, c.From, c.Member)
				}
			}
		}
	})
}

// A browser's jar driven by the recorded lines sends the recorded cookies.
func TestSequences_cookiesSentFollowFromCookiesSet(t *testing.T) {
	eachSequence(t, func(t *testing.T, _ *vectors.SequenceFile, s vectors.Sequence) {
		var jar []string
		put := func(name string) {
			if !slices.Contains(jar, name) {
				jar = append(jar, name)
			}
		}
		drop := func(name string) { jar = slices.DeleteFunc(jar, func(one string) bool { return one == name }) }
		for i, step := range s.Steps {
			for _, c := range step.Request.SetCookies {
				if c.Remove {
					drop(c.Name)
				} else {
					put(c.Name)
				}
			}
			if diff := cmp.Diff(append([]string{}, jar...), step.Request.CookiesSent); diff != "" {
				t.Errorf("step %d sends (-jar +recorded):\n%s", i, diff)
			}
			for _, c := range step.Response.SetCookie {
				if c.Attributes.MaxAge != nil && *c.Attributes.MaxAge == 0 {
					drop(c.Name)
				} else {
					put(c.Name)
				}
			}
		}
	})
}

func TestSequences_answersAreWhole(t *testing.T) {
	eachSequence(t, func(t *testing.T, _ *vectors.SequenceFile, s vectors.Sequence) {
		for i, step := range s.Steps {
			r := step.Response
			if (r.Kind == vectors.KindJSON) != (r.JSON != nil) || (r.Kind == vectors.KindHTML) != (r.HTML != nil) || (r.Kind == vectors.KindText) != (r.Text != "") {
				t.Errorf("step %d: kind %q does not fit its body", i, r.Kind)
			}
			configurationPage := strings.Contains(step.Request.Path, "/error?error=Configuration")
			if r.Status >= 500 && !configurationPage && step.MayDiffer == nil {
				t.Errorf("step %d: status %d without a word on what a server should answer", i, r.Status)
			}
			if step.MayDiffer != nil && s.MayDiffer == "" {
				t.Errorf("step %d differs, the sequence does not say so", i)
			}
			for _, c := range r.SetCookie {
				if !strings.HasPrefix(c.Line, c.Name+"=") || c.Attributes.Path != "/" || !c.Attributes.HTTPOnly || c.Attributes.SameSite == "" {
					t.Errorf("step %d: cookie line %q", i, c.Line)
				}
			}
			checkTokens(t, i, r)
		}
	})
}

// Every sealed cookie is listed with its claims, and every list belongs to a cookie.
func checkTokens(t *testing.T, step int, r vectors.Response) {
	t.Helper()
	for _, token := range r.Tokens {
		var lengths []int
		whole := false
		for _, c := range r.SetCookie {
			if c.Value == "<chunk>" && strings.HasPrefix(c.Name, token.Cookie+".") {
				lengths = append(lengths, c.Length)
			}
			whole = whole || c.Name == token.Cookie && c.Value == "<jwe>"
		}
		if whole == (token.Chunks != nil) {
			t.Errorf("step %d: token of %s has chunks %v and a whole cookie: %t", step, token.Cookie, token.Chunks, whole)
		}
		if diff := cmp.Diff(token.Chunks, lengths); diff != "" {
			t.Errorf("step %d: chunks of %s:\n%s", step, token.Cookie, diff)
		}
		for _, name := range []string{"iat", "exp", "jti"} {
			if _, ok := token.Claims[name]; ok {
				t.Errorf("step %d: claims of %s hold %s", step, token.Cookie, name)
			}
		}
		if token.Lifetime <= 0 || token.IssuedAt == 0 {
			t.Errorf("step %d: %s issued at %d for %d s", step, token.Cookie, token.IssuedAt, token.Lifetime)
		}
	}
	for _, c := range r.SetCookie {
		listed := slices.ContainsFunc(r.Tokens, func(token vectors.Token) bool { return token.Cookie == c.Name })
		if c.Value == "<jwe>" && !listed {
			t.Errorf("step %d: what is sealed in %s is not told", step, c.Name)
		}
	}
}

func TestMatch_placeholdersVariablesAndPlainText(t *testing.T) {
	f := &vectors.SequenceFile{Placeholders: map[string]vectors.Placeholder{"<hex64>": {Pattern: "[0-9a-f]{64}"}}}
	digits := strings.Repeat("0a", 32)
	vars := vectors.Variables{"token": "a.b"}
	cases := []struct {
		name, want, got string
		alike           bool
	}{
		{"placeholder", "x=<hex64>|<hex64>", "x=" + digits + "|" + digits, true},
		{"placeholder too short", "<hex64>", digits[1:], false},
		{"more behind", "<hex64>", digits + "\n", false},
		{"variable", "t={{token}}&", "t=a.b&", true},
		{"variable is no expression", "{{token}}", "axb", false},
		{"unknown word in brackets is text", "<script>", "<script>", true},
		{"text is no expression", "a.b", "axb", false},
	}
	for _, c := range cases {
		alike, err := f.Match(c.want, c.got, vars)
		if err != nil || alike != c.alike {
			t.Errorf("%s: Match(%q, %q) = %t, %v, want %t", c.name, c.want, c.got, alike, err, c.alike)
		}
	}
	if _, err := f.Match("{{nobody}}", "", vars); err == nil {
		t.Error("a variable nobody captured matched")
	}
}

func TestMatchJSON_tellsAbsentFromNull(t *testing.T) {
	f := &vectors.SequenceFile{}
	cases := []struct {
		want, got string
		alike     bool
	}{
		{`{"a":1,"b":["x",null]}`, `{"b":["x",null],"a":1}`, true},
		{`{"a":null}`, `{}`, false},
		{`{}`, `{"a":null}`, false},
		{`null`, `{}`, false},
		{`null`, `null`, true},
		{`{"t":"{{v}}"}`, `{"t":"\"q\""}`, true},
		{`["a"]`, `["a","b"]`, false},
		{`"1"`, `1`, false},
	}
	for _, c := range cases {
		err := f.MatchJSON(json.RawMessage(c.want), json.RawMessage(c.got), vectors.Variables{"v": `"q"`})
		if (err == nil) != c.alike {
			t.Errorf("MatchJSON(%s, %s) = %v, want alike %t", c.want, c.got, err, c.alike)
		}
	}
}

func TestFillJSON_escapesTheValue(t *testing.T) {
	got, err := vectors.Variables{"v": "a\"\\\n"}.FillJSON(json.RawMessage(`{"t":"<{{v}}>"}`))
	if err != nil || !json.Valid(got) || string(got) != `{"t":"<a\"\\\n>"}` {
		t.Errorf("FillJSON = %s, %v", got, err)
	}
	if _, err := (vectors.Variables{}).FillJSON(json.RawMessage(`"{{v}}"`)); err == nil {
		t.Error("a variable nobody captured was filled")
	}
}

func TestCapture_takesAQueryParameter(t *testing.T) {
	c := vectors.Capture{Variable: "state", Query: "state"}
	if got, err := c.Take("http://127.0.0.1:1/authorize?a=b&state=x%2By"); err != nil || got != "x+y" {
		t.Errorf("Take = %q, %v", got, err)
	}
	if _, err := c.Take("http://127.0.0.1:1/authorize"); err == nil {
		t.Error("a missing parameter was taken")
	}
}

func TestPadding_followsItsRule(t *testing.T) {
	if got, want := (vectors.Padding{Seed: "pad", Length: 12}).Text(), "pad0;pad1;pa"; got != want {
		t.Errorf("Text() = %q, want %q", got, want)
	}
}
