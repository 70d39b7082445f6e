package attack_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"
)

// tossedTo is a browser with cookies of its own and others that a sibling
// subdomain has set for the whole site. A deletion reaches its own alone: those
// of the sibling have another domain or path.
type tossedTo struct {
	*browser
	planted       map[string]string
	plantedBefore bool // the browser sends longer paths and older cookies first
}

func (b tossedTo) lines() string {
	write := func(jar map[string]string) (text string) {
		for _, name := range slices.Sorted(maps.Keys(jar)) {
			text += name + "=" + jar[name] + "; "
		}
		return text
	}
	if b.plantedBefore {
		return write(b.planted) + write(b.jar)
	}
	return write(b.jar) + write(b.planted)
}

// asks opens GET /session and takes the cookies of the answer.
func (b tossedTo) asks() string {
	got := b.brings(b.dialect, b.lines())
	for name, value := range got.cookies() {
		if b.jar[name] = value; value == "" {
			delete(b.jar, name)
		}
	}
	if got.kept != "" {
		return got.kept
	}
	return got.email
}

// A sibling subdomain can put its own session beside the victim's, under the
// same name or as chunks. The victim is never signed in as the thief by that,
// nor loses the cookie that is theirs; to be signed out for as long as the other
// session stands there is what cannot be helped. What is no session does not even
// do that. (Somebody who has no session of
// their own has nothing beside which a planted one would be noticed: see
// docs/security/sessions.md.)
//
// proves: CB-4, CS-16
func TestTossing_twoSessionsAreNobody(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "victim@app.example")
	s.newUser(t, "thief@app.example")
	for _, d := range dialects {
		name := d.session()
		a := s.browser(d).signIn(t, "thief@app.example", password).jar[name]
		home := s.browser(d).signIn(t, "victim@app.example", password)
		const nobody, own = "", "victim@app.example"
		for what, c := range map[string]struct {
			planted map[string]string
			want    string
		}{
			"the same name":              {map[string]string{name: a}, nobody},
			"a chunk":                    {map[string]string{name + ".0": a}, nobody},
			"two chunks":                 {map[string]string{name + ".0": a[:100], name + ".1": a[100:]}, nobody},
			"name and chunk":             {map[string]string{name: a, name + ".0": a}, nobody},
			"a far chunk":                {map[string]string{name + ".7": a}, nobody},
			"junk of the same name":      {map[string]string{name: "junk"}, own},
			"an old one of another site": {map[string]string{name: "eyJhbGciOiJkaXIifQ..a.b.c"}, own},
		} {
			for _, before := range []bool{true, false} {
				b := tossedTo{home.thief(), nil, before}
				if b.asks() != "victim@app.example" {
					t.Fatalf("%s: the control is not signed in", d)
				}
				b.planted = c.planted
				for range 3 {
					if got := b.asks(); got != c.want {
						t.Errorf("%s, %s, before %v: the victim's request is answered as %q", d, what, before, got)
					}
				}
				if before {
					again := s.send(request{http.MethodPost, d.base + "/callback/credentials", formType,
						encode(map[string]string{"identifier": "victim@app.example", "password": password}, b.token()), http.Header{"Cookie": {b.lines()}}, nil})
					if fresh := again.cookies()[name]; s.who(d, map[string]string{name: fresh}).Email != "victim@app.example" {
						t.Errorf("%s, %s: signing in again is answered %d", d, what, again.status)
					}
				}
				b.planted = nil // the sibling's cookie has run out
				if b.jar[name] == "" {
					t.Errorf("%s, %s, before %v: the victim's own cookie was deleted", d, what, before)
				}
				if got := b.asks(); got != "victim@app.example" {
					t.Errorf("%s, %s, before %v: afterwards the victim is %q", d, what, before, got)
				}
			}
		}
	}
}

// The cookies beside the session's are no way round either: of two of a name,
// none is taken for more than it is.
//
// proves: CB-13
func TestTossing_theOtherCookiesLeadNowhere(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "victim@app.example")
	s.newUser(t, "thief@app.example")
	for _, d := range dialects {
		thief := s.browser(d).signIn(t, "thief@app.example", password)
		token := thief.token()
		home := s.browser(d).signIn(t, "victim@app.example", password)
		for _, name := range []string{"csrf-token", "callback-url", "known", "attempt"} {
			b := home.thief()
			b.token()
			jar := tossedTo{b, nil, false}.lines()
			planted := d.stem + name + "=" + thief.jar[d.stem+name] + "; "
			if name == "callback-url" {
				planted = d.stem + name + "=https%3A%2F%2Fevil.example; "
			}
			got := s.brings(d, planted+jar)
			if got.email != "victim@app.example" {
				t.Errorf("%s, %s: the victim is %q", d, name, got.email)
			}
			// With the thief's own token from the sibling's page nothing is done.
			a := s.send(request{http.MethodPost, d.base + "/signout", formType, encode(nil, token),
				http.Header{"Cookie": {planted + jar}, "Origin": {"http://evil.localhost:3000"}, "Sec-Fetch-Site": {"same-site"}}, nil})
			if b.who().Email != "victim@app.example" || browserOrigin(a.location()) != origin {
				t.Errorf("%s, %s: the sibling signed the victim out (%d, %q)", d, name, a.status, a.location())
			}
		}
	}
}
