package attack_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// deed is a request that changes something when it is made rightly, and what
// is to be filled into it.
type deed struct {
	path   string
	fields map[string]string
}

// deeds are keyed by the path below the base; a test sees to it that none of
// the endpoint table is missing.
var formDeeds = map[string]deed{
	"/session":             {"/session", nil},
	"/signin":              {"/signin", nil},
	"/signin/{provider}":   {"/signin/credentials", nil},
	"/callback/{provider}": {"/callback/credentials", map[string]string{"identifier": "victim@app.example", "password": password}},
	"/signout":             {"/signout", nil},
	"/signup":              {"/signup", map[string]string{"identifier": "new@app.example", "password": "eleven blue boats in fog"}},
	"/setup":               {"/setup", map[string]string{"setupToken": setupToken, "identifier": "new@app.example", "password": "eleven blue boats in fog"}},
	"/account/password":    {"/account/password", map[string]string{"currentPassword": password, "newPassword": "eleven blue boats in fog"}},
	"/account/sessions":    {"/account/sessions", map[string]string{"session": otherSession}},
	"/account/delete":      {"/account/delete", map[string]string{"password": password}},
	"/new-password":        {"/new-password", map[string]string{"newPassword": "eleven blue boats in fog"}},
}

var jsonDeeds = map[string]deed{
	"/register":               {"/register", map[string]string{"identifier": "new@app.example", "password": "eleven blue boats in fog"}},
	"/create-admin":           {"/create-admin", map[string]string{"setupToken": setupToken, "identifier": "new@app.example", "password": "eleven blue boats in fog"}},
	"/login":                  {"/login", map[string]string{"identifier": "victim@app.example", "password": password}},
	"/logout":                 {"/logout", nil},
	"/token":                  {"/token", nil}, // for the session that the cookie names
	"/change-password":        {"/change-password", map[string]string{"currentPassword": password, "newPassword": "eleven blue boats in fog"}},
	"/delete-account":         {"/delete-account", map[string]string{"password": password}},
	"/sessions/revoke":        {"/sessions/revoke", map[string]string{"id": otherSession}},
	"/sessions/revoke-others": {"/sessions/revoke-others", nil},
	"/sessions/revoke-all":    {"/sessions/revoke-all", nil},
}

// otherSession stands in requests for the ID of the victim's other session, and
// setupToken for a setup token that is good.
const (
	otherSession = "ses_of-the-victim-elsewhere"
	setupToken   = "chl_that-an-operator-made"
)

// scene is a victim who is signed in, as the attacker finds them.
type scene struct {
	*browser
	token string
	user  auth.UserID
	other auth.SessionID
	setup auth.Secret
}

func newScene(t *testing.T, d dialect) scene {
	s := newSite(t, func(c *gatehouse.Config) { c.Limits.AccountFailures = 100 })
	u := s.newUser(t, "victim@app.example")
	s.browser(d).signIn(t, "victim@app.example", password)
	elsewhere, err := s.Sessions().List(t.Context(), u.ID)
	if err != nil || len(elsewhere) != 1 {
		t.Fatalf("%d sessions, %v", len(elsewhere), err)
	}
	b := s.browser(d).signIn(t, "victim@app.example", password)
	made, err := s.Setup().NewToken(t.Context(), "test", 0)
	if err != nil {
		t.Fatal(err)
	}
	return scene{b, b.token(), u.ID, elsewhere[0].ID, made.Text}
}

// send fills in which session otherSession is, and which token setupToken.
func (sc scene) send(q request) answer {
	q.path = strings.ReplaceAll(q.path, otherSession, string(sc.other))
	q.body = strings.ReplaceAll(q.body, otherSession, string(sc.other))
	q.body = strings.ReplaceAll(q.body, setupToken, sc.setup.Reveal())
	return sc.browser.send(q)
}

// state is all that a deed could have changed.
func (sc scene) state(t *testing.T) string {
	t.Helper()
	users, err := sc.Users().List(t.Context(), "", 100)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(users)
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := sc.Sessions().List(t.Context(), sc.user)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s\nsigned in: %v, in %d browsers", text, sc.who(), len(sessions))
}

func encode(fields map[string]string, token string) string {
	values := url.Values{"callbackUrl": {origin + "/stolen"}, "csrfToken": {token}}
	for k, v := range fields {
		values.Set(k, v)
	}
	return values.Encode()
}

func encodeJSON(fields map[string]string, token string) string {
	in := map[string]any{"csrfToken": token, "data": map[string]string{"name": "Stolen"}}
	for k, v := range fields {
		in[k] = v
	}
	text, _ := json.Marshal(in)
	return string(text)
}

// forgedPair is a cookie and a field that fit each other, made with a guess at
// the secret.
func forgedPair(guess string) (cookie, token string) {
	token = strings.Repeat("ab", 32)
	sum := sha256.Sum256([]byte(token + guess))
	return token + "%7C" + hex.EncodeToString(sum[:]), token
}

// formAttacks are the requests that a foreign page, or somebody who plants
// cookies, can bring about. cookie replaces the CSRF cookie; "-" removes it.
func formAttacks(sc scene, other string) map[string]func(q *request, d deed) {
	body := func(q *request, d deed, token string) { q.body = encode(d.fields, token) }
	header := func(name, value string) func(q *request, d deed) {
		return func(q *request, _ deed) { q.header.Set(name, value) }
	}
	pair := func(guess string) func(q *request, d deed) {
		return func(q *request, d deed) {
			cookie, token := forgedPair(guess)
			q.cookies[sc.stem+"csrf-token"] = cookie
			body(q, d, token)
		}
	}
	all := map[string]func(q *request, d deed){
		"no token":                 func(q *request, d deed) { body(q, d, "") },
		"another browser's token":  func(q *request, d deed) { body(q, d, other) },
		"token without cookie":     func(q *request, _ deed) { delete(q.cookies, sc.stem+"csrf-token") },
		"token in the query alone": func(q *request, d deed) { q.path += "?csrfToken=" + sc.token; body(q, d, "") },
		"token in a header alone":  func(q *request, d deed) { q.header.Set("X-Csrf-Token", sc.token); body(q, d, "") },
		"hash alone":               func(q *request, d deed) { q.cookies[sc.stem+"csrf-token"] = "%7Cabc"; body(q, d, "") },
		"as text/plain":            func(q *request, d deed) { q.contentType = "text/plain"; q.body = encodeJSON(d.fields, sc.token) },
		"as multipart":             func(q *request, _ deed) { q.contentType = "multipart/form-data; boundary=x" },
		"without a type":           func(q *request, _ deed) { q.contentType = "" },
		"JSON called a form":       func(q *request, d deed) { q.body = encodeJSON(d.fields, sc.token) },
		"by GET": func(q *request, d deed) {
			q.method, q.path, q.body = http.MethodGet, q.path+"?"+encode(d.fields, sc.token), ""
		},
		"Origin twice": func(q *request, _ deed) { q.header["Origin"] = []string{origin, "https://evil.example"} },
	}
	for _, guess := range []string{"", "secret", "undefined", "null", secretV4[:31], secretV4 + "x"} {
		all["pair made with "+guess] = pair(guess)
	}
	for _, site := range []string{"cross-site", "same-site", "CROSS-SITE", "same-origin, cross-site", "x"} {
		all["Sec-Fetch-Site "+site] = header("Sec-Fetch-Site", site)
	}
	for _, from := range []string{
		"https://evil.example", "null", "https://localhost:3000", "http://localhost", "http://localhost:3001", "http://localhost:3000.evil.example",
		"http://app.localhost:3000", origin + "/", origin + ", https://evil.example", "file://", "x",
	} {
		all["Origin "+from] = header("Origin", from)
	}
	return all
}

// proves: ASVS 3.5.1, ASVS 3.5.3, NEXT-5, CB-11, CS-19, CS-20, CS-21
func TestForms_doNothingForAForeignPage(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			sc := newScene(t, d)
			other := sc.site.browser(d).token()
			before := sc.state(t)
			for name, attack := range formAttacks(sc, other) {
				for _, do := range deedsOf(t, sc.site, d, web.TokenAndOrigin, formDeeds) {
					q := request{http.MethodPost, d.base + do.path, formType, encode(do.fields, sc.token), http.Header{}, maps.Clone(sc.jar)}
					attack(&q, do)
					a := sc.send(q)
					if a.beginsSession() && q.method == http.MethodPost {
						t.Errorf("%s, %s: the answer begins a session (%d)", do.path, name, a.status)
					}
					if a.status >= 500 {
						t.Errorf("%s, %s: status %d", do.path, name, a.status)
					}
					if diff := cmp.Diff(before, sc.state(t)); diff != "" {
						t.Fatalf("%s, %s: something happened: %s", do.path, name, diff)
					}
				}
			}
		})
	}
}

// proves: ASVS 3.5.1, CS-20, CS-21, CS-23, CS-34
func TestJSON_doesNothingForAForeignPage(t *testing.T) {
	sc := newScene(t, v4)
	before := sc.state(t)
	header := func(name string, values ...string) func(*request) {
		return func(q *request) { q.header[name] = values }
	}
	as := func(contentType string) func(*request) { return func(q *request) { q.contentType = contentType } }
	for _, c := range []struct {
		name   string
		attack func(*request)
		status int
	}{
		{"text/plain", as("text/plain"), 415},
		{"a form", as(formType), 415},
		{"no type", as(""), 415},
		{"a type that mentions JSON", as("text/plain; application/json"), 415},
		{"a type that begins with JSON", as("application/jsonx"), 415},
		{"two types in one", as("application/json, text/plain"), 415},
		{"another site", header("Sec-Fetch-Site", "cross-site"), 403},
		{"a sibling", header("Sec-Fetch-Site", "same-site"), 403},
		{"a foreign origin", header("Origin", "https://evil.example"), 403},
		{"no origin at all", header("Origin", "null"), 403},
		{"two origins", header("Origin", origin, "https://evil.example"), 403},
		{"two sites", header("Sec-Fetch-Site", "same-origin", "cross-site"), 403},
	} {
		for _, do := range deedsOf(t, sc.site, v4, web.JSONAndOrigin, jsonDeeds) {
			q := request{http.MethodPost, v4.base + do.path, jsonType, encodeJSON(do.fields, ""), http.Header{}, maps.Clone(sc.jar)}
			c.attack(&q)
			a := sc.send(q)
			if a.status != c.status {
				t.Errorf("%s from %s: status %d, want %d", do.path, c.name, a.status, c.status)
			}
			if diff := cmp.Diff(before, sc.state(t)); diff != "" {
				t.Fatalf("%s from %s: something happened: %s", do.path, c.name, diff)
			}
		}
	}
}

// The control of both tests above: what the attacks ask for does happen for the
// site's own pages.
func TestDeeds_happenForOurOwnPages(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			ownDeeds(t, d)
		})
	}
}

func ownDeeds(t *testing.T, d dialect) {
	for _, kind := range []struct {
		stance web.CSRF
		deeds  map[string]deed
	}{{web.TokenAndOrigin, formDeeds}, {web.JSONAndOrigin, jsonDeeds}} {
		first := newScene(t, d)
		for _, do := range deedsOf(t, first.site, d, kind.stance, kind.deeds) {
			switch do.path {
			case "/signin", "/signin/credentials", "/new-password":
				continue // they lead on, or need a step before
			}
			sc := newScene(t, d)
			before := sc.state(t)
			q := request{http.MethodPost, d.base + do.path, jsonType, encodeJSON(do.fields, sc.token), http.Header{}, sc.jar}
			if kind.stance == web.TokenAndOrigin && do.path != "/session" {
				q.contentType, q.body = formType, encode(do.fields, sc.token)
			}
			a := sc.send(q)
			if before == sc.state(t) && !a.beginsSession() {
				t.Errorf("%s: nothing happened: %d %s", do.path, a.status, a.body)
			}
		}
	}
}

// deedsOf are the deeds for every endpoint of the stance; a new endpoint
// without one is a failure, so that none is forgotten here.
func deedsOf(t *testing.T, s *site, d dialect, stance web.CSRF, known map[string]deed) []deed {
	t.Helper()
	table, err := gatehouse.Endpoints(s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	var list []deed
	for _, e := range table {
		below, ours := strings.CutPrefix(e.Pattern, d.base)
		if !ours || e.CSRF != stance {
			continue
		}
		do, ok := known[below]
		if !ok {
			t.Fatalf("%s %s has no deed in this test: add one", e.Method, e.Pattern)
		}
		list = append(list, do)
	}
	if len(list) == 0 {
		t.Fatalf("no endpoint has the stance %q", stance)
	}
	return list
}
