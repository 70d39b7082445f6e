package attack_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// askToken is one try at the token endpoint by somebody without cookies.
func (s *site) askToken(identifier, pw, more string) answer {
	body, _ := json.Marshal(map[string]string{"identifier": identifier, "password": pw})
	return s.send(request{http.MethodPost, v4.base + "/token", jsonType, strings.TrimSuffix(string(body), "}") + more + "}", nil, nil})
}

// The token endpoint is another door to the same lock: it counts guesses where
// the others do, answers as slowly, and tells nobody who exists.
//
// proves: ASVS 6.3.1
func TestTokenEndpoint_countsGuessesWithTheOtherDoors(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "victim@app.example")
	gone := s.newUser(t, "gone@app.example")
	if _, err := s.Users().Disable(t.Context(), "test", gone.ID); err != nil {
		t.Fatal(err)
	}
	for i := range 7 {
		door := s.askToken
		if i%2 == 1 {
			door = func(identifier, pw, _ string) answer { return s.login(identifier, pw) }
		}
		want := http.StatusUnauthorized
		if i >= 5 {
			want = http.StatusTooManyRequests
		}
		known, ghost, gone := door("victim@app.example", "wrong", ""), door("ghost@app.example", "wrong", ""), door("gone@app.example", "wrong", "")
		if known.status != want || known.header.Get("Cache-Control") != "no-store" {
			t.Errorf("guess %d: %d %s, want %d", i+1, known.status, known.body, want)
		}
		for name, other := range map[string]answer{"nobody": ghost, "somebody disabled": gone} {
			if diff := gocmp.Diff(shape(known), shape(other)); diff != "" {
				t.Errorf("guess %d: %s is answered otherwise: %s", i+1, name, diff)
			}
		}
	}
	if a := s.askToken("victim@app.example", password, ""); a.status != http.StatusTooManyRequests {
		t.Errorf("a right guess during the wait: %d", a.status)
	}
	// What is refused before anybody is known is no guess, and costs none.
	s.newUser(t, "other@app.example")
	for _, more := range []string{`,"audience":"https://evil.example"`, `,"scope":"admin"`, `,"client_id":"nobody"`, `,"client_secret":"x"`} {
		for range 6 {
			if a := s.askToken("other@app.example", "wrong", more); a.status == http.StatusOK || a.status == http.StatusTooManyRequests {
				t.Errorf("%s: %d", more, a.status)
			}
		}
	}
	if a := s.askToken("other@app.example", password, ""); a.status != http.StatusOK {
		t.Errorf("the owner after refusals that judged nothing: %d %s", a.status, a.body)
	}
}

// An access token lives a quarter of an hour and not a second longer, by the
// server's clock.
//
// proves: NEXT-13
func TestTokens_expireToTheSecond(t *testing.T) {
	var c clock
	start := time.Now().Truncate(time.Second)
	s := newSite(t, func(cfg *gatehouse.Config) {
		cfg.Now = func() time.Time { return start.Add(time.Duration(c.ahead.Load())) }
		cfg.Tokens.Audiences = []gatehouse.Audience{{ID: "https://own.example", Own: true}}
	})
	u := s.newUser(t, "victim@app.example")
	if _, err := s.Users().SetRoles(t.Context(), "test", u.ID, []string{"admin"}); err != nil {
		t.Fatal(err)
	}
	got := s.tokens(t, "")
	for _, step := range []struct {
		to   time.Duration
		want int
	}{{0, 204}, {15*time.Minute - time.Second, 204}, {15 * time.Minute, 401}, {time.Hour, 401}} {
		c.ahead.Store(int64(step.to))
		s.untilReady(t)
		status, challenge := s.guarded(got.Access)
		if status != step.want || (status == 401) != strings.HasSuffix(challenge, `error="invalid_token"`) {
			t.Errorf("after %s: %d %q, want %d", step.to, status, challenge, step.want)
		}
	}
	a := s.refresh(got.Refresh)
	var next issued
	if err := json.Unmarshal([]byte(a.body), &next); err != nil {
		t.Fatal(err)
	}
	if status, _ := s.guarded(next.Access); status != http.StatusNoContent {
		t.Errorf("the next one, which was got with the refresh token: %d %s", status, a.body)
	}
}

// An access token is a key to what stands behind a guard, and to nothing of
// Gatehouse's own: what changes an account, lists sessions or hands out further
// tokens wants the session's cookie, and where it is grave the password.
//
// proves: NIST-14
func TestTokens_openNoneOfGatehousesOwnEndpoints(t *testing.T) {
	sc := newScene(t, v4)
	got := sc.tokens(t, "")
	bearer := http.Header{"Authorization": {"Bearer " + got.Access}}
	for _, d := range jsonDeeds {
		if slices.Contains([]string{"/register", "/login", "/logout", "/create-admin"}, d.path) {
			continue // for everybody
		}
		fields := map[string]string{}
		for name, value := range d.fields {
			if name != "password" && name != "currentPassword" {
				fields[name] = value
			}
		}
		body, _ := json.Marshal(fields)
		if a := sc.site.send(request{http.MethodPost, v4.base + d.path, jsonType, strings.ReplaceAll(string(body), otherSession, string(sc.other)), bearer, nil}); a.status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", d.path, a.status, a.body)
		}
	}
	for _, path := range []string{"/sessions", "/session"} {
		a := sc.site.send(request{http.MethodGet, v4.base + path, "", "", bearer, nil})
		if strings.Contains(a.body, "victim") || strings.Contains(a.body, "ses_") {
			t.Errorf("%s tells: %d %s", path, a.status, a.body)
		}
	}
	if list, err := sc.Sessions().List(t.Context(), sc.user); err != nil || len(list) != 3 {
		t.Errorf("%d sessions, %v: want the two of before and the token's", len(list), err)
	}
}

// Two mounts are two issuers, though they share the users: what one has handed
// out the other neither exchanges, nor revokes, nor explains.
func TestTokens_ofOneMountAreNothingAtAnother(t *testing.T) {
	const secret = "kW2m8Yq1c5Tz7Lr3Vn9Xb4Hf6Js0Dp8Ge2Ua5Oi1Qy"
	s := newSite(t, func(c *gatehouse.Config) {
		c.Tokens.Audiences = []gatehouse.Audience{{ID: "https://own.example", Own: true}}
		c.Tokens.Clients = []gatehouse.Client{{ID: "api", SecretHash: hashOf(secret), Audiences: []string{"https://own.example"}, MayIntrospect: true}}
	})
	u := s.newUser(t, "victim@app.example")
	if _, err := s.Users().SetRoles(t.Context(), "test", u.ID, []string{"admin"}); err != nil {
		t.Fatal(err)
	}
	got := s.tokens(t, "")
	post := func(base, path, form string) answer {
		return s.send(request{http.MethodPost, base + path, formType, form, nil, nil})
	}
	explain := func(base, token string) string {
		return post(base, "/introspect", "client_id=api&client_secret="+secret+"&token="+token).body
	}
	if a := post(v5.base, "/refresh", "refresh_token="+got.Refresh); a.status != http.StatusBadRequest || !strings.Contains(a.body, `"invalid_grant"`) {
		t.Errorf("refresh at the other mount: %d %s", a.status, a.body)
	}
	for _, token := range []string{got.Access, got.Refresh} {
		post(v5.base, "/revoke", "token="+token)
		if told := explain(v5.base, token); strings.TrimSpace(told) != `{"active":false}` {
			t.Errorf("the other mount explains: %s", told)
		}
		if told := explain(v4.base, token); !strings.Contains(told, `"active":true`) {
			t.Errorf("after the other mount was told to revoke it: %s", told)
		}
	}
	if a := s.refresh(got.Refresh); a.status != http.StatusOK {
		t.Errorf("refresh at its own: %d %s", a.status, a.body)
	}
	if status, _ := s.guarded(got.Access); status != http.StatusNoContent {
		t.Errorf("at a guard of the program, which asks for both: %d", status)
	}
}

// What stands in an address is in logs and histories: no token is read there,
// and none is read twice.
//
// proves: ASVS 14.2.1
func TestTokens_areNotReadFromTheAddress(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "victim@app.example")
	got := s.tokens(t, "")
	for _, path := range []string{"/refresh?refresh_token=" + got.Refresh, "/revoke?token=" + got.Refresh, "/token?identifier=victim@app.example&password=" + strings.ReplaceAll(password, " ", "+")} {
		for _, media := range []string{formType, jsonType} {
			body := ""
			if media == jsonType {
				body = "{}"
			}
			a := s.send(request{http.MethodPost, v4.base + path, media, body, nil, nil})
			if a.status < 400 || strings.Contains(a.body, "access_token") {
				t.Errorf("%s %s: %d %s", media, path, a.status, a.body)
			}
		}
		if a := s.send(request{http.MethodGet, v4.base + path, "", "", nil, nil}); a.status != http.StatusMethodNotAllowed {
			t.Errorf("GET %s: %d", path, a.status)
		}
	}
	if status, _ := s.guarded(""); status != http.StatusUnauthorized {
		t.Error("the guard lets nobody's token in")
	}
	if a := s.refresh(got.Refresh); a.status != http.StatusOK {
		t.Errorf("the token itself afterwards: %d %s", a.status, a.body)
	}
}

// Every fault of a sealed cookie is answered alike, down to the headers: nobody
// learns by it what a key, a tag or a padding is.
//
// proves: ASVS 11.2.5
func TestForgedCookies_areRefusedAlikeWhateverIsWrong(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "victim@app.example")
	for _, d := range dialects {
		token := s.browser(d).signIn(t, "victim@app.example", password).jar[d.session()]
		parts := strings.Split(token, ".")
		spoil := func(part int, change func(b []byte) []byte) string {
			b, err := base64.RawURLEncoding.DecodeString(parts[part])
			if err != nil {
				t.Fatal(err)
			}
			again := append([]string(nil), parts...)
			again[part] = base64.RawURLEncoding.EncodeToString(change(b))
			return strings.Join(again, ".")
		}
		flip := func(at int) func(b []byte) []byte {
			return func(b []byte) []byte { b[(at+len(b))%len(b)] ^= 1; return b }
		}
		want := ""
		for name, forged := range map[string]string{
			"the tag": spoil(4, flip(0)), "the last block, where the padding is": spoil(3, flip(-1)), "the block before it": spoil(3, flip(-17)),
			"the nonce": spoil(2, flip(0)), "a block less": spoil(3, func(b []byte) []byte { return b[:len(b)-16] }),
			"an octet less": spoil(3, func(b []byte) []byte { return b[:len(b)-1] }), "a short tag": spoil(4, func(b []byte) []byte { return b[:8] }),
			"no text": spoil(3, func([]byte) []byte { return nil }), "nothing of the kind": "x.y.z", "another key": strangersToken(t, d),
		} {
			a := s.send(request{http.MethodGet, d.base + "/session", "", "", nil, map[string]string{d.session(): forged}})
			got := shape(a)
			if want == "" {
				want = got
			}
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s is answered otherwise than another fault: %s", d, name, diff)
			}
		}
		a := s.send(request{http.MethodGet, d.base + "/session", "", "", nil, map[string]string{d.session(): token}})
		if !strings.Contains(a.body, "victim@app.example") {
			t.Errorf("%s, the cookie itself: %d %s", d, a.status, a.body)
		}
	}
}

// strangersToken is one under a secret that nobody has here.
func strangersToken(t *testing.T, d dialect) string {
	t.Helper()
	version, salt := seal.V4, ""
	if d == v5 {
		version, salt = seal.V5, d.session()
	}
	s, err := seal.New(version, salt, "Zp4Tx9Qb2Wm7Kd1Rf6Hs3Vc8Ln5Jg0Ya")
	if err != nil {
		t.Fatal(err)
	}
	token, err := s.Seal([]byte(`{"sub":"usr_x"}`))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func hashOf(secret auth.Secret) string { return seal.HashSecret(secret.Reveal()) }
