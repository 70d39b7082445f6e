package gatehouse_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse"
)

// app is one browser of an application whose pages call useSession.
type app struct {
	t   *testing.T
	g   *gatehouse.Gatehouse
	jar map[string]*http.Cookie
}

func newApp(t *testing.T, change func(cfg *gatehouse.Config)) *app {
	t.Helper()
	cfg := config(t)
	change(&cfg)
	g := open(t, cfg)
	createAnn(t, g)
	run(t, g)
	a := &app{t: t, g: g, jar: map[string]*http.Cookie{}}
	a.signIn()
	return a
}

func (a *app) signIn() {
	a.t.Helper()
	for _, c := range login(a.t, a.g) {
		a.jar[c.Name] = c
	}
}

func (a *app) send(method, body string) *httptest.ResponseRecorder {
	a.t.Helper()
	var cookies []*http.Cookie
	for _, c := range a.jar {
		cookies = append(cookies, c)
	}
	w := call(a.g, method, "/api/auth/session", body, cookies...)
	for _, c := range w.Result().Cookies() {
		a.jar[c.Name] = c
	}
	return w
}

// session is what useSession gives; fields that move are left out.
func (a *app) session() map[string]any {
	a.t.Helper()
	return a.read(a.send("GET", ""))
}

func (a *app) read(w *httptest.ResponseRecorder) map[string]any {
	a.t.Helper()
	var in map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &in); err != nil || w.Code != http.StatusOK {
		a.t.Fatalf("%d %s", w.Code, w.Body)
	}
	return in
}

// update is update(data) of next-auth/react.
func (a *app) update(data string) *httptest.ResponseRecorder {
	a.t.Helper()
	var cookies []*http.Cookie
	for _, c := range a.jar {
		cookies = append(cookies, c)
	}
	w := call(a.g, "GET", "/api/auth/csrf", "", cookies...)
	for _, c := range w.Result().Cookies() {
		a.jar[c.Name] = c
	}
	var in struct{ CSRFToken string }
	if err := json.Unmarshal(w.Body.Bytes(), &in); err != nil {
		a.t.Fatal(err)
	}
	return a.send("POST", `{"csrfToken":"`+in.CSRFToken+`","data":`+data+`}`)
}

// What a browser gives to update() arrives in the session where the settings
// name it, with every carrier, and nothing else does.
func TestMount_SessionClaims_takeWhatUpdateGives(t *testing.T) {
	for name, carrier := range map[string]func(m *gatehouse.Mount){
		"sealed": func(*gatehouse.Mount) {},
		"v5":     func(m *gatehouse.Mount) { m.Dialect = "v5" },
		"stored": func(m *gatehouse.Mount) { m.Carrier = "stored" },
		"iron":   func(m *gatehouse.Mount) { m.Carrier, m.Iron.Cookie = "iron", "app" },
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, func(cfg *gatehouse.Config) {
				carrier(&cfg.Mounts[0])
				cfg.Mounts[0].SessionClaims = []gatehouse.Claim{{Name: "tenant", From: "update", Value: "none"}, {Name: "theme", From: "update"}}
			})
			user := func() map[string]any { u, _ := a.session()["user"].(map[string]any); return u }
			before := user()
			if before["tenant"] != "none" || before["theme"] != nil {
				t.Fatalf("before: %v", before)
			}
			hostile := `,"gh":"x","sid":"ses_x","sub":"usr_x","roles":["admin"],"role":"admin","email":"eve@example.test","exp":9999999999,"other":1,"__proto__":{"tenant":"y"}`
			if w := a.update(`{"tenant":"acme","theme":{"dark":true, "size":[1,2]}` + hostile + `}`); w.Code != http.StatusOK {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			want := map[string]any{"tenant": "acme", "theme": map[string]any{"dark": true, "size": []any{1.0, 2.0}}}
			for k, v := range before {
				if k != "tenant" {
					want[k] = v
				}
			}
			if diff := cmp.Diff(want, user()); diff != "" {
				t.Errorf("after (-want +got):\n%s", diff)
			}
			if u := a.read(a.update(`{"user":{"tenant":null,"theme":"light"}}`))["user"].(map[string]any); u["tenant"] != "none" || u["theme"] != "light" {
				t.Errorf("the answer to update() itself: %v", u)
			}
			if u := user(); u["tenant"] != "none" || u["theme"] != "light" {
				t.Errorf("below user, and taken out: %v", u)
			}
			for _, big := range []string{`{"theme":"` + strings.Repeat("x", 2100) + `"}`, `{"tenant":"` + strings.Repeat("x", 1100) + `","theme":"` + strings.Repeat("x", 1100) + `"}`} {
				if w := a.update(big); w.Code != http.StatusBadRequest {
					t.Errorf("%d bytes: %d %s", len(big), w.Code, w.Body)
				}
			}
			if u := user(); u["theme"] != "light" {
				t.Errorf("after what was too much: %v", u)
			}
			a.signIn()
			if u := user(); u["theme"] != nil {
				t.Errorf("it outlives the session: %v", u)
			}
		})
	}
}

func TestMount_SessionClaims_letUpdateWriteNothingThatMeansSomething(t *testing.T) {
	for _, name := range []string{"gh", "sid", "sub", "picture", "exp", "jti", "role", "scope", "id", "roles", "name", "email"} {
		c := validConfig()
		c.Mounts[0].SessionClaims = []gatehouse.Claim{{Name: name, From: "update"}}
		if list := problems(t, c); len(list) != 1 || list[0].Field != "mounts[0].session_claims[0].name" {
			t.Errorf("%s: %v", name, list)
		}
	}
	// Somebody who changes it again and again is told to wait.
	a := newApp(t, func(cfg *gatehouse.Config) {
		cfg.Mounts[0].SessionClaims = []gatehouse.Claim{{Name: "n", From: "update"}}
	})
	for n := range 100 {
		if w := a.update(`{"n":` + strings.Repeat("1", n+1) + `}`); w.Code != http.StatusOK {
			if n < 10 || w.Code != http.StatusTooManyRequests {
				t.Errorf("the %dth: %d %s", n, w.Code, w.Body)
			}
			return
		}
	}
	t.Error("a hundred changes are taken")
}

func TestConfig_SessionMembers_addsToTheSession(t *testing.T) {
	var told gatehouse.SessionSubject
	give, fault := gatehouse.SessionMembers{User: map[string]any{"plan": "pro"}, Session: map[string]any{"accessToken": "abc", "flags": []string{"a"}}}, error(nil)
	a := newApp(t, func(cfg *gatehouse.Config) {
		cfg.Mounts[0].SessionClaims = []gatehouse.Claim{{Name: "tenant", From: "update"}}
		cfg.SessionMembers = func(_ context.Context, s gatehouse.SessionSubject) (gatehouse.SessionMembers, error) {
			told = s
			return give, fault
		}
	})
	a.update(`{"tenant":"acme"}`)
	got := a.session()
	user := got["user"].(map[string]any)
	if user["plan"] != "pro" || user["tenant"] != "acme" || got["accessToken"] != "abc" || !cmp.Equal(got["flags"], []any{"a"}) || got["expires"] == nil {
		t.Errorf("%v", got)
	}
	if told.Mount != "/api/auth" || string(told.UserID) != user["id"] || told.Subject != user["id"] || told.Email != "ann@example.test" || !strings.HasPrefix(string(told.SessionID), "ses_") ||
		told.SignedInAt.IsZero() || string(told.Updated["tenant"]) != `"acme"` {
		t.Errorf("told of %+v", told)
	}
	for name, bad := range map[string]gatehouse.SessionMembers{
		"roles": {User: map[string]any{"roles": []string{"admin"}}}, "id": {User: map[string]any{"id": "usr_x"}}, "a claim": {User: map[string]any{"tenant": "x"}},
		"the user": {Session: map[string]any{"user": 1}}, "the end": {Session: map[string]any{"expires": 1}}, "a quote": {Session: map[string]any{`a"b`: 1}},
		"prototype": {User: map[string]any{"__proto__": 1}}, "no JSON": {User: map[string]any{"f": func() {}}},
	} {
		give = bad
		if w := a.send("GET", ""); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "usr_") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	give, fault = gatehouse.SessionMembers{}, errors.New("the hook's own secret")
	if w := a.send("GET", ""); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	fault = nil
	if got := a.session(); got["user"] == nil || got["user"].(map[string]any)["plan"] != nil {
		t.Errorf("afterwards: %v", got)
	}
}
