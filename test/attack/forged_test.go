package attack_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// forger has the secret that is shared with the application, as every preview
// deployment and every developer's machine does.
type forger struct{ *seal.Sealer }

func newForger(t *testing.T, d dialect) forger {
	t.Helper()
	version, salt, secret := seal.V4, "", secretV4
	if d == v5 {
		version, salt, secret = seal.V5, d.session(), secretV5
	}
	s, err := seal.New(version, salt, secret)
	if err != nil {
		t.Fatal(err)
	}
	return forger{s}
}

func (f forger) open(t *testing.T, token string) map[string]any {
	t.Helper()
	text, err := f.Open(token)
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(text, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func (f forger) seal(t *testing.T, claims map[string]any) string {
	t.Helper()
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	token, err := f.Seal(text)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// Whoever has the application's secret can write any claim. Who is asking and
// what they may do comes from the authenticated claim alone.
//
// proves: NEXT-4, NEXT-21, CS-10, CS-11
func TestForgedClaims_giveNobodyAnotherIdentityOrRole(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "thief@app.example")
	boss := s.newUser(t, "boss@app.example")
	if _, err := s.Users().SetRoles(t.Context(), "test", boss.ID, []string{"admin"}); err != nil {
		t.Fatal(err)
	}
	for _, d := range dialects {
		f := newForger(t, d)
		own := s.browser(d).signIn(t, "thief@app.example", password)
		honest := own.who()
		mine := f.open(t, own.jar[d.session()])
		theirs := f.open(t, s.browser(d).signIn(t, "boss@app.example", password).jar[d.session()])
		gh := mine["gh"].(string)
		nobody := person{}
		for _, c := range []struct {
			name   string
			forged map[string]any
			want   person
		}{
			{"nothing changed", nil, honest},
			{"roles", map[string]any{"roles": []string{"admin"}}, honest},
			{"roles of another type", map[string]any{"roles": "admin"}, honest},
			{"somebody else's sub and id", map[string]any{"sub": theirs["sub"], "id": theirs["sub"]}, honest},
			{"somebody else's sid", map[string]any{"sid": theirs["sid"]}, honest},
			{"a later end", map[string]any{"exp": time.Now().Add(50 * 365 * 24 * time.Hour).Unix()}, honest},
			{"gh with another end", map[string]any{"gh": gh[:len(gh)-2] + "AA"}, nobody},
			{"gh with another beginning", map[string]any{"gh": "B" + gh[1:]}, nobody},
			{"gh padded", map[string]any{"gh": gh + "="}, nobody},
			{"gh with a line break", map[string]any{"gh": gh + "\n"}, nobody},
			{"gh of both", map[string]any{"gh": gh + theirs["gh"].(string)}, nobody},
			{"gh enormous", map[string]any{"gh": strings.Repeat("A", 9000)}, nobody},
			{"gh empty", map[string]any{"gh": ""}, nobody},
			{"gh null", map[string]any{"gh": nil}, nobody},
			{"gh a number", map[string]any{"gh": 7}, nobody},
			{"gh a list", map[string]any{"gh": []string{gh}}, nobody},
		} {
			claims := maps.Clone(mine)
			maps.Copy(claims, c.forged)
			got := s.who(d, map[string]string{d.session(): f.seal(t, claims)})
			if got.ID != c.want.ID || strings.Join(got.Roles, " ") != strings.Join(c.want.Roles, " ") {
				t.Errorf("%s, %s: signed in as %v, want %v", d, c.name, got, c.want)
			}
		}
		delete(mine, "gh")
		if got := s.who(d, map[string]string{d.session(): f.seal(t, mine)}); got.ID != "" {
			t.Errorf("%s without gh: signed in as %v", d, got)
		}
	}
}

// A cookie is good on the mount and in the dialect it was made for, and nowhere
// else a session is looked for.
//
// proves: NEXT-4, CS-11, CB-4
func TestCookies_ofOtherFormsAreNobody(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "victim@app.example")
	b4 := s.browser(v4).signIn(t, "victim@app.example", password)
	b5 := s.browser(v5).signIn(t, "victim@app.example", password)
	token := b4.jar[v4.session()]
	part := strings.Split(token, ".")
	if b4.who().ID == "" || b5.who().ID == "" {
		t.Fatal("the control is not signed in")
	}
	name := v4.session()
	for what, jar := range map[string]map[string]string{
		"v4's token in v5's cookie": {v5.session(): token},
		"v5's token in v4's cookie": {name: b5.jar[v5.session()]},
		"a neighbour's cookie name": {name + "-x": token},
		"the secure name on http":   {"__Secure-" + name: token},
		"plain and a later chunk":   {name: token, name + ".1": token},
		"a gap":                     {name + ".0": token[:50], name + ".2": token[50:]},
		"only a later chunk":        {name + ".1": token},
		"a leading zero":            {name + ".00": token},
		"a negative chunk":          {name + ".-1": token},
		"an enormous number":        {name + ".99999999999999999999": token},
		"plain JSON":                {name: `{"username":"admin"}`},
		"unsigned":                  {name: "eyJhbGciOiJub25lIn0..." + part[3] + "."},
		"another algorithm":         {name: "eyJhbGciOiJIUzI1NiJ9." + part[3] + "." + part[4]},
		"a cut tag":                 {name: token[:len(token)-2]},
		"a part more":               {name: token + ".x"},
		"escapes that are none":     {name: "%zz%ff%00" + token},
		"bytes":                     {name: "\xff\xfe\x80"},
		"SQL":                       {name: "' OR 1=1 --"},
		"sixty thousand characters": {name: strings.Repeat("A", 60000)},
		"two hundred chunks":        chunks(name, token, 200),
		"a session ID instead":      {name: "ses_01a1fe44-8e13-75a3-a0c5-1bd10ccea6e5"},
		"empty":                     {name: ""},
	} {
		for _, d := range dialects {
			a := s.send(request{method: http.MethodGet, path: d.base + "/session", cookies: jar})
			if a.status != http.StatusOK || strings.Contains(a.body, "victim") {
				t.Errorf("%s on %s: %d %s", what, d, a.status, a.body)
			}
			if a.beginsSession() {
				t.Errorf("%s on %s: the answer hands out a session", what, d)
			}
		}
	}
	for what, q := range map[string]request{
		"query":         {path: v4.base + "/session?" + name + "=" + token},
		"Authorization": {path: v4.base + "/session", header: http.Header{"Authorization": {"Bearer " + token}}},
	} {
		q.method = http.MethodGet
		if a := s.send(q); strings.Contains(a.body, "victim") {
			t.Errorf("a session in the %s is taken: %s", what, a.body)
		}
	}
}

// chunks cuts the token into n pieces.
func chunks(name, token string, n int) map[string]string {
	jar := map[string]string{}
	size := len(token)/n + 1
	for i := range n {
		jar[name+"."+string(rune('0'+i/100))+string(rune('0'+i/10%10))+string(rune('0'+i%10))] = token[min(i*size, len(token)):min((i+1)*size, len(token))]
	}
	return jar
}

// What a thief copied dies with the session, in whatever form they kept it:
// as it was, renewed by us before, or sealed again with the application's
// secret.
//
// proves: ASVS 7.4.1, NEXT-19, CB-7
func TestStolenCookies_dieWithTheSession(t *testing.T) {
	for _, end := range []struct {
		name string
		do   func(t *testing.T, owner *browser, id string)
	}{
		{"sign-out", func(t *testing.T, b *browser, _ string) { b.form("/signout", nil) }},
		{"JSON sign-out", func(t *testing.T, b *browser, _ string) { b.json("/logout", map[string]any{}) }},
		{"disabled", func(t *testing.T, b *browser, _ string) { mustFor(t, b, "disable") }},
		{"disabled and enabled again", func(t *testing.T, b *browser, _ string) { mustFor(t, b, "disable"); mustFor(t, b, "enable") }},
		{"password set by the operator", func(t *testing.T, b *browser, _ string) { mustFor(t, b, "password") }},
		{"deleted by the operator", func(t *testing.T, b *browser, _ string) { mustFor(t, b, "delete") }},
		{"password changed", func(t *testing.T, b *browser, _ string) {
			b.json("/change-password", map[string]any{"currentPassword": password, "newPassword": "eleven blue boats in fog"})
		}},
		{"account deleted", func(t *testing.T, b *browser, _ string) {
			b.json("/delete-account", map[string]any{"password": password})
		}},
	} {
		t.Run(end.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil)
			s.newUser(t, "victim@app.example")
			for _, d := range dialects[:1] {
				owner := s.browser(d).signIn(t, "victim@app.example", password)
				first := owner.jar[d.session()]
				owner.get("/session")
				thief := owner.thief()
				f := newForger(t, d)
				stolen := map[string]string{"as it was": first, "renewed": thief.jar[d.session()], "sealed again": f.seal(t, f.open(t, first))}
				for how, token := range stolen {
					if s.who(d, map[string]string{d.session(): token}).Email == "" {
						t.Fatalf("control, %s: not signed in", how)
					}
				}
				end.do(t, owner, owner.who().ID)
				for how, token := range stolen {
					jar := map[string]string{d.session(): token}
					if got := s.who(d, jar); got.ID != "" {
						t.Errorf("%s: still %v", how, got)
					}
					a := s.send(request{http.MethodPost, d.base + "/change-password", jsonType,
						`{"currentPassword":"` + password + `","newPassword":"nine green kites at dusk"}`, http.Header{}, jar})
					if a.status != http.StatusUnauthorized || a.beginsSession() {
						t.Errorf("%s: changing the password is answered %d", how, a.status)
					}
				}
			}
		})
	}
}

// mustFor is an operator's change to the victim.
func mustFor(t *testing.T, b *browser, what string) {
	t.Helper()
	u, err := b.Users().Find(t.Context(), "victim@app.example")
	switch {
	case err != nil:
	case what == "disable":
		_, err = b.Users().Disable(t.Context(), "test", u.ID)
	case what == "enable":
		_, err = b.Users().Enable(t.Context(), "test", u.ID)
	case what == "password":
		err = b.Users().SetPassword(t.Context(), "test", u.ID, "eleven blue boats in fog", false)
	case what == "delete":
		err = b.Users().Delete(t.Context(), "test", u.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A session planted in the victim's browser is not the one they sign in to,
// and ends with their sign-in.
//
// proves: CB-4
func TestPlantedSession_isNeitherAdoptedNorKept(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "victim@app.example")
	s.newUser(t, "thief@app.example")
	for _, d := range dialects {
		thief := s.browser(d).signIn(t, "thief@app.example", password)
		victim := thief.thief() // the planted cookie is all they share
		victim.signIn(t, "victim@app.example", password)
		if got := victim.who().Email; got != "victim@app.example" {
			t.Errorf("%s: the victim is %q", d, got)
		}
		if got := thief.who().Email; got != "" {
			t.Errorf("%s: the planted session lives on as %q", d, got)
		}
	}
}

// Nothing that update() sends becomes a fact.
//
// proves: NEXT-21, NEXT-31
func TestUpdate_cannotChangeWhoOneIs(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "thief@app.example")
	for _, d := range dialects {
		b := s.browser(d).signIn(t, "thief@app.example", password)
		before := b.who()
		for _, data := range []string{
			`{"roles":["admin"],"email":"boss@app.example","id":"x","sub":"y","sid":"z","gh":"q","exp":9999999999}`,
			`{"user":{"roles":["admin"],"email":"boss@app.example","id":"x"}}`,
			`{"__proto__":{"roles":["admin"]},"constructor":{"prototype":{"roles":["admin"]}}}`,
			`["roles","admin"]`, `"roles"`, `null`, `7`, `{"name":7}`, `{"user":7}`,
			`{"name":"a\nb"}`, `{"image":"javascript:alert(1)"}`, `{"image":"//evil.example/x.png"}`, `{"image":"https://user:pw@evil.example/"}`,
		} {
			a := b.do(http.MethodPost, "/session", jsonType, `{"csrfToken":"`+b.token()+`","data":`+data+`}`)
			if a.status >= 500 {
				t.Errorf("%s, %s: status %d", d, data, a.status)
			}
			if got := b.who(); got.String() != before.String() || got.Name != before.Name {
				t.Errorf("%s, %s: now %v, was %v", d, data, got, before)
			}
		}
		if b.do(http.MethodPost, "/session", jsonType, `{"csrfToken":"`+b.token()+`","data":{"name":"Ann"}}`); b.who().Name != "Ann" {
			t.Errorf("%s: the control changed nothing", d)
		}
	}
}
