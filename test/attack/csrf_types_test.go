package attack_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// encoding is one way to put a deed into a request body.
type encoding struct {
	name string
	// types are the lines of Content-Type; nil for none.
	types []string
	body  func(fields map[string]string, token string) string
	// form and json say whether the endpoints of that stance read it: then the
	// right request must do the deed, or the test attacks nothing.
	form, json bool
}

func multipartBody(fields map[string]string, token string) string {
	var b strings.Builder
	part := func(name, value string) {
		fmt.Fprintf(&b, "--x\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", name, value)
	}
	part("csrfToken", token)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		part(name, fields[name])
	}
	return b.String() + "--x--\r\n"
}

// jsonInForm is what a form with enctype text/plain sends so that it is JSON: the
// = falls into a member that nobody reads.
func jsonInForm(fields map[string]string, token string) string {
	return strings.Replace(encodeJSON(fields, token), "{", `{"x":"=",`, 1) + "\r\n"
}

// encodings are the bodies that a page can send to another site without being
// asked (text/plain, form, multipart, none), those that need the browser's
// permission, and spellings that two readers could take for two types.
var encodings = []encoding{
	{"form", []string{formType}, encode, true, false},
	{"form with a charset", []string{formType + "; charset=utf-8"}, encode, true, false},
	{"form in capitals", []string{"APPLICATION/X-WWW-FORM-URLENCODED"}, encode, true, false},
	{"form called UTF-7", []string{formType + ";charset=utf-7"}, encode, true, false},
	{"JSON", []string{jsonType}, encodeJSON, true, true},
	{"JSON with a charset", []string{jsonType + "; charset=utf-8"}, encodeJSON, true, true},
	{"JSON called UTF-16", []string{jsonType + "; charset=utf-16"}, encodeJSON, true, true},
	{"JSON and a semicolon", []string{jsonType + ";"}, encodeJSON, true, true},
	{"JSON in capitals", []string{"Application/JSON"}, encodeJSON, true, true},
	{"JSON after another type", []string{"text/plain, application/json"}, encodeJSON, true, false},
	{"JSON as a parameter of text", []string{"text/plain; application/json"}, encodeJSON, true, false},
	{"JSON as a boundary", []string{"multipart/form-data; boundary=application/json"}, encodeJSON, true, false},
	{"form as a parameter of text", []string{"text/plain;" + formType}, encode, true, false},
	{"two types, the first a form", []string{formType, jsonType}, encode, true, false},
	{"two types, the first JSON", []string{jsonType, "text/plain"}, encodeJSON, true, true},
	{"two types, the first text", []string{"text/plain", jsonType}, encodeJSON, false, false},
	{"text", []string{"text/plain"}, encodeJSON, false, false},
	{"text in a form", []string{"text/plain;charset=UTF-8"}, jsonInForm, false, false},
	{"multipart", []string{"multipart/form-data; boundary=x"}, multipartBody, false, false},
	{"multipart mixed", []string{"multipart/mixed; boundary=x"}, multipartBody, false, false},
	{"no type, JSON", nil, encodeJSON, false, false},
	{"no type, form", nil, encode, false, false},
	{"an empty type", []string{""}, encode, false, false},
	{"text/json", []string{"text/json"}, encodeJSON, false, false},
	{"JSON's relatives", []string{"application/ld+json"}, encodeJSON, false, false},
	{"a report", []string{"application/csp-report"}, encodeJSON, false, false},
	{"XML", []string{"application/xml"}, encodeJSON, false, false},
	{"bytes", []string{"application/octet-stream"}, encode, false, false},
	{"all types", []string{"*/*"}, encodeJSON, false, false},
	{"a broken type", []string{"application/json; charset"}, encodeJSON, true, false},
	{"half a type", []string{"application"}, encodeJSON, false, false},
}

// statement is what a browser says of where a request comes from.
type statement struct{ origin, site string }

func (s statement) header() http.Header {
	h := http.Header{}
	if s.origin != "" {
		h.Set("Origin", s.origin)
	}
	if s.site != "" {
		h.Set("Sec-Fetch-Site", s.site)
	}
	return h
}

var foreignStatements = []statement{
	{"https://evil.example", "cross-site"}, {"https://evil.example", ""}, {"https://evil.example", "same-origin"}, {"https://evil.example", "none"},
	{"null", "cross-site"}, {"null", ""}, {"null", "none"}, {"", "cross-site"}, {"", "same-site"}, {origin, "cross-site"}, {origin, "same-site"},
	{"http://app.localhost:3000", "same-site"}, {"https://localhost:3000", ""},
}

// ownOrSilent are those of our own pages, of a page with no-referrer, and of
// programs and old browsers, which say nothing: there the token decides.
var ownOrSilent = []statement{{origin, "same-origin"}, {origin, ""}, {"null", "same-origin"}, {"", "same-origin"}, {"", "none"}, {"", ""}}

func (e encoding) request(d dialect, do deed, token string, from statement, cookies map[string]string) request {
	q := request{http.MethodPost, d.base + do.path, "", e.body(do.fields, token), from.header(), maps.Clone(cookies)}
	if e.types != nil {
		q.header["Content-Type"] = e.types
	}
	return q
}

// Every endpoint that changes something, every content type, every statement of
// a foreign origin with the right token, and every statement of our own without
// it: nothing happens.
//
// proves: ASVS 3.5.1, ASVS 3.5.2, CS-20, CS-21, CS-23, CB-10, CB-11, NEXT-5
func TestCSRF_nothingHappensInAnyContentType(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			sc := newScene(t, d)
			tokens := []string{"", sc.site.browser(d).token(), strings.ToUpper(sc.token), sc.token + "0", sc.jar[d.stem+"csrf-token"]}
			before := sc.state(t)
			for _, do := range deedsOf(t, sc.site, d, web.TokenAndOrigin, formDeeds) {
				for _, e := range encodings {
					for _, from := range foreignStatements {
						sc.tries(t, e.request(d, do, sc.token, from, sc.jar), e.name)
					}
					for i, token := range tokens {
						sc.tries(t, e.request(d, do, token, ownOrSilent[i%len(ownOrSilent)], sc.jar), e.name+", a wrong token")
					}
					if !e.form {
						sc.tries(t, e.request(d, do, sc.token, ownOrSilent[0], sc.jar), e.name+", a type that is not read")
					}
					if diff := cmp.Diff(before, sc.state(t)); diff != "" {
						t.Fatalf("%s, %s: something happened: %s", do.path, e.name, diff)
					}
				}
			}
			for _, do := range deedsOf(t, sc.site, d, web.JSONAndOrigin, jsonDeeds) {
				for _, e := range encodings {
					for _, from := range foreignStatements {
						sc.tries(t, e.request(d, do, sc.token, from, sc.jar), e.name)
					}
					if !e.json {
						for _, from := range ownOrSilent {
							sc.tries(t, e.request(d, do, sc.token, from, sc.jar), e.name+", a type that is not read")
						}
					}
					if diff := cmp.Diff(before, sc.state(t)); diff != "" {
						t.Fatalf("%s, %s: something happened: %s", do.path, e.name, diff)
					}
				}
			}
		})
	}
}

// tries sends an attack and checks what its answer owes.
func (sc scene) tries(t *testing.T, q request, name string) {
	t.Helper()
	if a := sc.send(q); a.beginsSession() || a.status >= 500 {
		t.Errorf("%s, %s, %v: status %d, a session begins: %v", q.path, name, q.header, a.status, a.beginsSession())
	}
}

// The control: of the same bodies, those that the endpoint reads do their deed
// for our own pages, and the token decides where a browser says nothing. The
// cheapest deeds stand for all; TestDeeds_happenForOurOwnPages does each of them.
func TestCSRF_theRightRequestHappensInEachTypeThatIsRead(t *testing.T) {
	for _, d := range dialects {
		sc := newScene(t, d)
		for _, e := range encodings {
			for _, from := range ownOrSilent {
				verified := func(token string) bool {
					a := sc.send(e.request(d, deed{"/signin/credentials", nil}, token, from, sc.jar))
					return a.status == http.StatusFound && !strings.Contains(strings.ToLower(a.location()), "csrf")
				}
				if got := verified(sc.token); got != e.form {
					t.Errorf("%s, %s, %v: the right token is taken: %v, want %v", d, e.name, from, got, e.form)
				}
				if verified("wrong") {
					t.Errorf("%s, %s, %v: a wrong token is taken", d, e.name, from)
				}
				a := sc.send(e.request(d, deed{"/login", nil}, "", from, nil)) // says which field is missing
				if got := a.status == http.StatusBadRequest && strings.Contains(a.body, `"identifier"`); got != e.json {
					t.Errorf("%s, %s, %v: the JSON is read: %v (%d), want %v", d, e.name, from, got, a.status, e.json)
				}
			}
		}
	}
}

// No header or parameter makes another method of the request's own, and no other
// method than POST does a deed.
//
// proves: ASVS 3.5.3
func TestCSRF_noOtherMethodDoesADeed(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			sc := newScene(t, d)
			before := sc.state(t)
			all := append(deedsOf(t, sc.site, d, web.TokenAndOrigin, formDeeds), deedsOf(t, sc.site, d, web.JSONAndOrigin, jsonDeeds)...)
			for _, do := range all {
				for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "post", "QUERY"} {
					for _, e := range encodings[:7] {
						q := e.request(d, do, sc.token, ownOrSilent[0], sc.jar)
						q.method = method
						for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
							q.header.Set(name, "POST")
						}
						q.path += "?_method=POST&method=POST&" + encode(do.fields, sc.token)
						if do.path == "/session" && method == http.MethodGet {
							sc.send(q) // renews the cookie, as it always does
							continue
						}
						sc.tries(t, q, e.name+" by "+method)
					}
				}
				if diff := cmp.Diff(before, sc.state(t)); diff != "" {
					t.Fatalf("%s: something happened: %s", do.path, diff)
				}
			}
		})
	}
}

// Every address that answers a GET may be opened by a link scanner, an image or a
// prefetch, with the victim's cookies: nothing changes, and nobody is signed out.
//
// proves: ASVS 3.5.3, CS-21
func TestGET_changesNothing(t *testing.T) {
	for _, d := range dialects {
		sc := newScene(t, d)
		table, err := gatehouse.Endpoints(sc.cfg)
		if err != nil {
			t.Fatal(err)
		}
		before, opened := sc.state(t), 0
		query := encode(map[string]string{"identifier": "new@app.example", "email": "victim@app.example", "password": password, "newPassword": "eleven blue boats in fog",
			"currentPassword": password, "name": "Stolen", "data": `{"name":"Stolen"}`, "json": "true", "signout": "1", "confirm": "true", "callback": "evil"}, sc.token)
		for _, e := range table {
			if e.Method != http.MethodGet || e.Guard == web.Operator || !strings.HasPrefix(e.Pattern, d.base+"/") {
				continue
			}
			path := strings.NewReplacer("{provider}", "credentials", "{error}", "Verification").Replace(e.Pattern)
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				for _, from := range []statement{{"", "cross-site"}, {"", "none"}, {"", ""}, {origin, "same-origin"}} {
					a := sc.send(request{method, path + "?" + query, "", "", from.header(), maps.Clone(sc.jar)})
					if name := d.session(); a.status >= 500 || a.header.Get("Set-Cookie") != "" && deletes(a, name) {
						t.Errorf("%s %s, %v: status %d, cookies %v", method, path, from, a.status, a.cookies())
					}
					if a.status < 400 {
						opened++
					}
				}
			}
			if diff := cmp.Diff(before, sc.state(t)); diff != "" {
				t.Fatalf("GET %s: something happened: %s", path, diff)
			}
		}
		if opened < 60 {
			t.Errorf("%s: only %d requests were answered; the test looks at the wrong thing", d, opened)
		}
	}
}

// deletes says whether the answer makes a browser drop the cookie.
func deletes(a answer, name string) bool {
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.Name == name && (c.MaxAge < 0 || c.Value == "") {
			return true
		}
	}
	return false
}

// A foreign page signs its visitor in to the attacker's account, to read there
// later what the visitor does. The visitor may be signed in, or nobody.
//
// proves: CS-21, ASVS 3.5.1
func TestLoginCSRF_isRefused(t *testing.T) {
	for _, d := range dialects {
		s := newSite(t, func(c *gatehouse.Config) { c.Limits.AccountFailures = 100 })
		s.newUser(t, "victim@app.example")
		s.newUser(t, "attacker@app.example")
		victim, nobody, attacker := s.browser(d).signIn(t, "victim@app.example", password), s.browser(d), s.browser(d)
		nobody.token()
		theirs := attacker.token() // the attacker knows their own pair of cookie and token, and no other
		deeds := []deed{
			{"/callback/credentials", map[string]string{"identifier": "attacker@app.example", "password": password}},
			{"/login", map[string]string{"identifier": "attacker@app.example", "password": password}},
			{"/signup", map[string]string{"identifier": "attacker2@app.example", "password": password}},
			{"/register", map[string]string{"identifier": "attacker2@app.example", "password": password}},
		}
		for who, jar := range map[string]map[string]string{"somebody signed in": victim.jar, "nobody": nobody.jar, "a fresh browser": {}} {
			planted := maps.Clone(jar) // by a neighbour that may set cookies for this site
			planted[d.stem+"csrf-token"] = attacker.jar[d.stem+"csrf-token"]
			for _, do := range deeds {
				for _, e := range encodings {
					for _, from := range foreignStatements {
						for _, cookies := range []map[string]string{jar, planted} {
							if a := s.send(e.request(d, do, theirs, from, cookies)); a.beginsSession() || a.status == http.StatusCreated {
								t.Fatalf("%s, %s, %s, %s from %v: %d, a session begins: %v", d, who, do.path, e.name, from, a.status, a.beginsSession())
							}
						}
					}
					// A browser that says nothing of where a request comes from still
					// sends no JSON without asking, and has another token.
					if e.json {
						continue
					}
					if a := s.send(e.request(d, do, theirs, statement{}, jar)); a.beginsSession() || a.status == http.StatusCreated {
						t.Fatalf("%s, %s, %s, %s from an old browser: %d", d, who, do.path, e.name, a.status)
					}
				}
			}
		}
		if got := victim.who().Email; got != "victim@app.example" {
			t.Errorf("%s: the victim is %q now", d, got)
		}
		if users, err := s.Users().List(t.Context(), "", 10); err != nil || len(users) != 2 {
			t.Errorf("%s: %d users, %v", d, len(users), err)
		}
		// The control: the same deed with its own pair, from our own page.
		if a := s.send(encodings[0].request(d, deeds[0], theirs, ownOrSilent[0], attacker.jar)); !a.beginsSession() {
			t.Errorf("%s: the control does not sign in: %d %s", d, a.status, a.body)
		}
	}
}

// Over https the cookie of the token cannot be planted by a neighbour: browsers
// guard the prefix __Host-, and a cookie without it is not read.
//
// proves: CB-13, CS-21
func TestLoginCSRF_aPlantedPairIsNotRead(t *testing.T) {
	s := newSite(t, func(c *gatehouse.Config) { c.PublicOrigin = "https://app.example" })
	s.newUser(t, "attacker@app.example")
	do := deed{"/callback/credentials", map[string]string{"identifier": "attacker@app.example", "password": password}}
	for _, d := range dialects {
		a := s.send(request{method: http.MethodGet, path: d.base + "/csrf"})
		name := "__Host-" + d.stem + "csrf-token"
		pair := a.cookies()[name]
		var in struct{ CSRFToken string }
		if err := json.Unmarshal([]byte(a.body), &in); err != nil || pair == "" {
			t.Fatalf("%s: no pair: %v %s", d, err, a.body)
		}
		for planted, want := range map[string]bool{
			name: true, d.stem + "csrf-token": false, "__Secure-" + d.stem + "csrf-token": false, " " + name + "x": false, strings.ToLower(name): false,
			strings.Replace(name, "_", "%5F", 1): false,
		} {
			got := s.send(encodings[0].request(d, do, in.CSRFToken, statement{}, map[string]string{planted: pair}))
			if got.beginsSession() != want {
				t.Errorf("%s: the pair in %q begins a session: %v, want %v", d, planted, got.beginsSession(), want)
			}
		}
	}
}
