package authjs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/vectors"
	"github.com/gatehouse-auth/gatehouse/internal/web/authjs/wire"
)

// What the product has today. A recorded sequence that needs anything else is
// listed as pending, by name.
var built = []string{"credentials"}

// TestReplay_answersAsTheRecordedLibrary sends every recorded sequence to the
// real handler, with an authenticator and hooks made from the sequence's own
// inputs, and compares status, headers, cookies in their order, bodies, forms
// and what is sealed in the session cookies.
func TestReplay_answersAsTheRecordedLibrary(t *testing.T) {
	for _, file := range []string{"http-v4.json", "http-v5.json"} {
		t.Run(file, func(t *testing.T) {
			f := vectors.LoadSequences(t, file)
			replayed, pending := 0, map[string][]string{}
			for _, s := range f.Vectors {
				if missing := missingFor(s); missing != "" {
					pending[missing] = append(pending[missing], s.Name)
					continue
				}
				replayed++
				t.Run(s.Name, func(t *testing.T) { newReplay(t, f, s).run() })
			}
			t.Logf("%s: %d sequences replayed, %d pending", file, replayed, len(f.Vectors)-replayed)
			for _, what := range slices.Sorted(maps.Keys(pending)) {
				t.Logf("pending until there is %s: %s", what, strings.Join(pending[what], ", "))
			}
			if replayed == 0 {
				t.Error("nothing was replayed")
			}
		})
	}
}

func missingFor(s vectors.Sequence) string {
	var missing []string
	for _, need := range s.Needs {
		if !slices.Contains(built, need) {
			missing = append(missing, need)
		}
	}
	return strings.Join(missing, " and ")
}

// replay is one sequence on one handler of its own.
type replay struct {
	*testing.T
	file *vectors.SequenceFile
	seq  vectors.Sequence
	site *site
	vars vectors.Variables
	jar  wire.Cookies
}

func newReplay(t *testing.T, f *vectors.SequenceFile, s vectors.Sequence) *replay {
	return &replay{T: t, file: f, seq: s, site: newSite(t, s.Inputs), vars: vectors.Variables{}}
}

func (r *replay) run() {
	for i, step := range r.seq.Steps {
		if d := step.MayDiffer; d != nil && d.Status == 0 && d.JSON == nil && d.Headers == nil {
			continue // how the library fails there is not our concern
		}
		got := r.send(step)
		at := fmt.Sprintf("step %d, %s %s", i+1, step.Request.Method, step.Request.Path)
		r.compareHead(at, step, got)
		r.compareCookies(at, step, got)
		r.compareBody(at, step, got)
		r.compareTokens(at, step)
		r.capture(at, step, got)
		if r.Failed() {
			r.Fatalf("%s: stopped at the first step that differs\nanswer: %d %v\n%s", at, got.Code, got.Header(), got.Body)
		}
	}
}

// send makes the request as the recorded browser did.
func (r *replay) send(step vectors.Step) *httptest.ResponseRecorder {
	r.site.moveTo(step.Now)
	for _, c := range step.Request.SetCookies {
		if r.forget(c.Name); !c.Remove {
			r.jar = append(r.jar, wire.Cookie{Name: c.Name, Value: r.fill(c.Value)})
		}
	}
	var body []byte
	headers := http.Header{}
	switch {
	case step.Request.Form != nil:
		form := url.Values{}
		for k, v := range step.Request.Form {
			form.Set(k, r.fill(v))
		}
		body = []byte(form.Encode())
		headers.Set("Content-Type", "application/x-www-form-urlencoded")
	case step.Request.JSON != nil:
		filled, err := r.vars.FillJSON(step.Request.JSON)
		if err != nil {
			r.Fatal(err)
		}
		body = filled
		headers.Set("Content-Type", "application/json")
	}
	// The host is hostile throughout: no answer may be built from it.
	req := httptest.NewRequest(step.Request.Method, "http://evil.example"+r.fill(step.Request.Path), bytes.NewReader(body))
	req.Header.Set("X-Forwarded-Host", "evil.example")
	for k, v := range headers {
		req.Header[k] = v
	}
	for k, v := range step.Request.Headers {
		req.Header.Set(k, r.fill(v))
	}
	var pairs []string
	for _, c := range r.jar {
		pairs = append(pairs, c.Name+"="+wire.EncodeURIComponent(c.Value))
	}
	if len(pairs) > 0 {
		req.Header.Set("Cookie", strings.Join(pairs, "; "))
	}
	got := httptest.NewRecorder()
	r.site.handler.ServeHTTP(got, req)
	return got
}

func (r *replay) fill(text string) string {
	filled, err := r.vars.Fill(text)
	if err != nil {
		r.Fatal(err)
	}
	return filled
}

func (r *replay) compareHead(at string, step vectors.Step, got *httptest.ResponseRecorder) {
	status, headers := step.Response.Status, step.Response.Headers
	if d := step.MayDiffer; d != nil {
		if d.Status != 0 {
			status = d.Status
		}
		if d.Headers != nil {
			headers = d.Headers
		}
	}
	if got.Code != status {
		r.Errorf("%s: status %d, want %d", at, got.Code, status)
	}
	for name, want := range headers {
		have := got.Header().Get(name)
		if name == "content-type" {
			want, have = mediaType(want), mediaType(have)
		}
		if ok, err := r.file.Match(want, have, r.vars); err != nil || !ok {
			r.Errorf("%s: %s is %q, want %q (%v)", at, name, have, want, err)
		}
	}
	if _, wanted := headers["location"]; !wanted && got.Header().Get("Location") != "" {
		r.Errorf("%s: Location %q, want none", at, got.Header().Get("Location"))
	}
}

func mediaType(s string) string {
	media, _, _ := mime.ParseMediaType(s)
	return media
}

// compareCookies compares the Set-Cookie lines in order, and does to the jar
// what they say. A token of ours is longer than the library's, by the claims
// that only Gatehouse has, so the last chunk's length is ours.
func (r *replay) compareCookies(at string, step vectors.Step, got *httptest.ResponseRecorder) {
	lines := got.Header()["Set-Cookie"]
	var names, want []string
	for _, line := range lines {
		name, value, _ := strings.Cut(strings.SplitN(line, ";", 2)[0], "=")
		names = append(names, name)
		decoded := wire.DecodeCookieValue(value)
		if value == "" {
			r.forget(name)
		} else {
			r.keep(name, decoded)
		}
	}
	for _, c := range step.Response.SetCookie {
		want = append(want, c.Name)
	}
	if !slices.Equal(names, want) {
		r.Errorf("%s: cookies set are %q, want %q", at, names, want)
		return
	}
	for i, c := range step.Response.SetCookie {
		if ok, err := r.file.Match(c.Line, lines[i], r.vars); err != nil || !ok {
			r.Errorf("%s: Set-Cookie\n got %s\nwant %s (%v)", at, lines[i], c.Line, err)
		}
		last := i == len(lines)-1
		if _, value, _ := strings.Cut(strings.SplitN(lines[i], ";", 2)[0], "="); c.Length > 0 && !last && len(value) != c.Length {
			r.Errorf("%s: chunk %s has %d characters, want %d", at, c.Name, len(value), c.Length)
		}
	}
}

func (r *replay) keep(name, value string) {
	for i := range r.jar {
		if r.jar[i].Name == name {
			r.jar[i].Value = value
			return
		}
	}
	r.jar = append(r.jar, wire.Cookie{Name: name, Value: value})
}

func (r *replay) forget(name string) {
	r.jar = slices.DeleteFunc(r.jar, func(c wire.Cookie) bool { return c.Name == name })
}

func (r *replay) compareBody(at string, step vectors.Step, got *httptest.ResponseRecorder) {
	want := step.Response
	switch want.Kind {
	case vectors.KindJSON:
		wanted := want.JSON
		if step.MayDiffer != nil && step.MayDiffer.JSON != nil {
			wanted = step.MayDiffer.JSON
		}
		if err := r.file.MatchJSON(wanted, got.Body.Bytes(), r.vars); err != nil {
			r.Errorf("%s: %v", at, err)
		}
	case vectors.KindText:
		if ok, err := r.file.Match(want.Text, got.Body.String(), r.vars); err != nil || !ok {
			r.Errorf("%s: text %q, want %q (%v)", at, got.Body, want.Text, err)
		}
	case vectors.KindHTML:
		r.compareForms(at, want.HTML.Forms, formsOf(r.T, got.Body.Bytes()))
	case vectors.KindEmpty:
		if got.Body.Len() > 0 {
			r.Errorf("%s: body %q, want none", at, got.Body)
		}
	}
}

func (r *replay) compareForms(at string, want, got []vectors.Form) {
	if len(got) != len(want) {
		r.Errorf("%s: %d forms, want %d", at, len(got), len(want))
		return
	}
	match := func(what, want, got string) {
		if ok, err := r.file.Match(want, got, r.vars); err != nil || !ok {
			r.Errorf("%s: %s is %q, want %q (%v)", at, what, got, want, err)
		}
	}
	for i := range want {
		match("form action", want[i].Action, got[i].Action)
		match("form method", strings.ToUpper(want[i].Method), strings.ToUpper(got[i].Method))
		if len(got[i].Inputs) != len(want[i].Inputs) {
			r.Errorf("%s: inputs %+v, want %+v", at, got[i].Inputs, want[i].Inputs)
			continue
		}
		for j, in := range want[i].Inputs {
			match("input name", in.Name, got[i].Inputs[j].Name)
			match("input type", in.Type, got[i].Inputs[j].Type)
			if in.Value != nil && got[i].Inputs[j].Value != nil {
				match("input value", *in.Value, *got[i].Inputs[j].Value)
			}
		}
	}
}

// formsOf reads the forms of a page.
func formsOf(t *testing.T, page []byte) (forms []vectors.Form) {
	doc, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		switch {
		case n.Type == html.ElementNode && n.Data == "form":
			forms = append(forms, vectors.Form{Action: attribute(n, "action"), Method: attribute(n, "method")})
		case n.Type == html.ElementNode && n.Data == "input" && attribute(n, "name") != "":
			value := attribute(n, "value")
			last := &forms[len(forms)-1]
			last.Inputs = append(last.Inputs, vectors.Input{Name: attribute(n, "name"), Type: attribute(n, "type"), Value: &value})
		}
	}
	return forms
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// compareTokens opens the session cookies that the answer set: each claim of
// the library is there; what is there beside is Gatehouse's own.
func (r *replay) compareTokens(at string, step vectors.Step) {
	for _, want := range step.Response.Tokens {
		text, err := wire.JoinExact(want.Cookie, r.jar)
		if err != nil {
			r.Errorf("%s: %v", at, err)
			continue
		}
		sealer, err := seal.New(seal.Dialect(r.seq.Inputs.Dialect), want.Salt, r.seq.Inputs.Secret...)
		if err != nil {
			r.Fatal(err)
		}
		opened, err := sealer.Open(text)
		if err != nil {
			r.Errorf("%s: the session cookie does not open: %v", at, err)
			continue
		}
		r.compareClaims(at, want, opened)
	}
}

func (r *replay) compareClaims(at string, want vectors.Token, opened []byte) {
	var got map[string]json.RawMessage
	if err := json.Unmarshal(opened, &got); err != nil {
		r.Fatal(err)
	}
	var iat, exp int64
	_ = json.Unmarshal(got["iat"], &iat)
	_ = json.Unmarshal(got["exp"], &exp)
	// Gatehouse never seals longer than the session lives, nor longer than local
	// readers are trusted; next-auth 4 does the one at sign-in and the other at
	// renewal.
	lifetime := min(want.Lifetime, localTrust(r.seq.Inputs))
	if iat != want.IssuedAt || exp-iat != lifetime {
		r.Errorf("%s: iat %d and life %d, want %d and %d", at, iat, exp-iat, want.IssuedAt, lifetime)
	}
	for _, own := range []string{"gh", "sid", "roles", "iat", "exp", "jti"} {
		delete(got, own)
	}
	wanted, _ := json.Marshal(want.Claims)
	have, _ := json.Marshal(got)
	if err := r.file.MatchJSON(wanted, have, r.vars); err != nil {
		r.Errorf("%s: claims: %v", at, err)
	}
}

func (r *replay) capture(at string, step vectors.Step, got *httptest.ResponseRecorder) {
	for _, c := range step.Capture {
		var text string
		switch c.From {
		case "json":
			var body map[string]json.RawMessage
			_ = json.Unmarshal(got.Body.Bytes(), &body)
			_ = json.Unmarshal(body[c.Member], &text)
		case "header":
			text = got.Header().Get(c.Member)
		default:
			r.Fatalf("%s: cannot capture from %s", at, c.From)
		}
		value, err := c.Take(text)
		if err != nil {
			r.Errorf("%s: %v", at, err)
		}
		r.vars[c.Variable] = value
	}
}

// unix is a recorded moment.
func unix(sec int64) time.Time { return time.Unix(sec, 0).UTC() }
