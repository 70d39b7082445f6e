package management_test

import (
	"fmt"
	"maps"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/apikey"
	"github.com/gatehouse-auth/gatehouse/internal/web/management"
	"github.com/gatehouse-auth/gatehouse/internal/web/webtest"
)

// What no schema names is refused in every body, and the row stays what it was.
//
// proves: ASVS 15.3.3, ASVS 8.2.3, ASVS 6.4.6
func TestBodies_massAssignmentIsRefused(t *testing.T) {
	s := newSite(t, nil)
	_, admin := s.signedIn(auth.RoleAdmin)
	for _, row := range management.Rows() {
		if !row.Reads {
			continue
		}
		e := expectations[row.ID]
		target := s.user()
		path := strings.ReplaceAll(row.Path, "{user}", string(target.ID))
		if e.path != nil {
			for part, value := range e.path(s, target) {
				path = strings.ReplaceAll(path, "{"+part+"}", value)
			}
		}
		good, _ := e.body.(map[string]any)
		for _, member := range []string{"id", "epoch", "version", "created_at", "hash", "password_hash", "secret_hash", "origin", "created_by", "session_id", "Epoch", "constructor"} {
			body := maps.Clone(good)
			body[member] = 7
			got := s.ask(admin.with("If-Match", "*"), row.Method, path, body)
			if got.Code != 400 || got.code() != "invalid_request" {
				t.Errorf("%s with %s: %d %s", row.ID, member, got.Code, got.Body)
			}
		}
		if now, err := s.Users().Find(t.Context(), string(target.ID)); err != nil || now.Version != target.Version {
			t.Errorf("%s has changed %+v, %v", row.ID, now, err)
		}
	}
	u := s.user()
	s.ask(admin.with("If-Match", "*"), "PATCH", "/users/"+string(u.ID), `{"password":"seven quiet lanterns drift"}`).is("a password for somebody else", 400)
}

func TestQuery_unknownTwiceAndWrongParametersAreRefused(t *testing.T) {
	s := newSite(t, nil)
	_, key := s.key(apikey.Draft{Roles: []string{auth.RoleAdmin}})
	for _, query := range []string{"x=1", "limit=0", "limit=201", "limit=ten", "limit=1&limit=2", "disabled=yes", "cursor=!", "cursor=AAAA", "api_key=gh_live_x", "%zz", "text=%ff;"} {
		if got := s.ask(key, "GET", "/users?"+query, nil); got.Code != 400 {
			t.Errorf("%s: %d %s", query, got.Code, got.Body)
		}
	}
	s.ask(nil, "GET", "/users?x-api-key="+key["X-Api-Key"], nil).is("a key in the address", 400)
	s.ask(key, "GET", "/self?x=1", nil).is("a parameter where there are none", 400)
	s.ask(key, "GET", "/audit/events?since=yesterday", nil).is("no time", 400)
}

// Pages go on to the end, each user once, whatever the filter.
func TestUsers_pagesHaveEverybodyOnce(t *testing.T) {
	s := newSite(t, nil)
	_, key := s.key(apikey.Draft{Roles: []string{auth.RoleAdmin}})
	for i := range 7 {
		s.user([]string{"even", "odd"}[i%2])
	}
	for query, want := range map[string]int{"": 7, "role=even": 4, "role=none": 0, "text=USER00": 7, "text=0003": 1, "identifier=user0002": 1, "identifier=nobody": 0, "disabled=true": 0, "disabled=false&role=odd": 3} {
		seen, cursor := map[string]bool{}, ""
		for range 10 {
			got := s.ask(key, "GET", "/users?limit=2&cursor="+cursor+"&"+strings.TrimSuffix(query, "&"), nil)
			if query == "" {
				got = s.ask(key, "GET", "/users?limit=2&cursor="+cursor, nil)
			}
			got.is(query, 200)
			items, _ := got.member("items").([]any)
			for _, item := range items {
				id := fmt.Sprint(item.(map[string]any)["id"])
				if seen[id] {
					t.Errorf("%s: %s comes twice", query, id)
				}
				seen[id] = true
			}
			cursor, _ = got.member("next").(string)
			if (cursor != "") != strings.Contains(got.Header().Get("Link"), `rel="next"`) {
				t.Errorf("%s: next %q, Link %q", query, cursor, got.Header().Get("Link"))
			}
			if cursor == "" {
				break
			}
		}
		if len(seen) != want {
			t.Errorf("%s: %d users, want %d", query, len(seen), want)
		}
	}
}

func TestChanges_nameTheVersionThatWasSeen(t *testing.T) {
	s := newSite(t, nil)
	_, key := s.key(apikey.Draft{Roles: []string{auth.RoleAdmin}})
	u := s.user()
	at := "/users/" + string(u.ID)
	tag := s.ask(key, "GET", at, nil).is("read", 200).Header().Get("ETag")
	s.ask(key, "PATCH", at, `{"name":"A"}`).is("without a version", 428)
	for _, other := range []string{`"99"`, `W/` + tag, `"x"`, "1", `""`, `"01"`} {
		s.ask(key.with("If-Match", other), "PATCH", at, `{"name":"A"}`).is("another version "+other, 412)
	}
	changed := s.ask(key.with("If-Match", tag), "PATCH", at, `{"name":"A"}`).is("the version that was read", 200)
	if next := changed.Header().Get("ETag"); next == tag || next == "" {
		t.Errorf("the ETag after the change is %s, before %s", next, tag)
	}
	s.ask(key.with("If-Match", tag), "PATCH", at, `{"name":"B"}`).is("an old version", 412)
	same := s.ask(key.with("If-Match", "*"), "PATCH", at, `{"name":"A"}`).is("whichever, and nothing new", 200)
	if same.Header().Get("ETag") != changed.Header().Get("ETag") {
		t.Error("a change that changes nothing raises the version")
	}
}

// The same request again makes nothing new, and shows no secret again.
func TestCreation_isDoneOnceForAnIdempotencyKey(t *testing.T) {
	s := newSite(t, nil)
	_, key := s.key(apikey.Draft{Roles: []string{auth.RoleAdmin}})
	_, other := s.key(apikey.Draft{Roles: []string{auth.RoleAdmin}})
	once := key.with("Idempotency-Key", "one")
	for path, bodies := range map[string][2]string{
		"/users": {`{"username":"once"}`, `{"username":"twice"}`}, "/roles": {`{"name":"once"}`, `{"name":"twice"}`},
		"/api-keys": {`{"name":"once","roles":["gatehouse.auditor"],"lifetime_seconds":3600}`, `{"name":"twice","roles":["gatehouse.auditor"],"lifetime_seconds":3600}`},
	} {
		first := s.ask(once, "POST", path, bodies[0]).is(path, 201)
		again := s.ask(once, "POST", path, bodies[0]).is(path+" again", 201)
		if again.Header().Get("Location") != first.Header().Get("Location") || again.Header().Get("Idempotency-Replayed") != "true" || first.Header().Get("Idempotency-Replayed") != "" {
			t.Errorf("%s: %v, then %v", path, first.Header(), again.Header())
		}
		if path == "/api-keys" && (first.member("key") == nil || again.member("key") != nil) {
			t.Errorf("the key is shown %v, then %v", first.member("key") != nil, again.member("key"))
		}
		s.ask(once, "POST", path, bodies[1]).is(path+" with another body", 422)
		if path == "/users" {
			s.ask(other.with("Idempotency-Key", "one"), "POST", path, bodies[0]).is("the same key of another caller", 409)
			s.ask(once.with("Idempotency-Key", "two"), "POST", path, bodies[0]).is("refused", 409)
			s.ask(once.with("Idempotency-Key", "two"), "POST", path, bodies[1]).is("a key whose request was refused is free", 201)
		}
	}
	s.ask(key.with("Idempotency-Key", "a b"), "POST", "/users", `{"username":"blank"}`).is("a blank in the key", 400)
	s.ask(key.with("Idempotency-Key", strings.Repeat("x", 256)), "POST", "/users", `{"username":"long"}`).is("a long key", 400)
}

// proves: ASVS 5.4.2, ASVS 14.2.6
func TestExport_hasEverythingButSecrets(t *testing.T) {
	s := newSite(t, nil)
	_, key := s.key(apikey.Draft{Roles: []string{auth.RoleAdmin}})
	in := s.resident(nil)
	k, text := s.key(apikey.Draft{UserID: in.ID})
	if _, err := s.Sessions().RevokeUser(t.Context(), "cli", in.ID); err != nil {
		t.Fatal(err)
	}
	s.ask(key.with("If-Match", "*"), "PATCH", "/users/"+string(in.ID), map[string]any{"name": `Ada"; filename="evil.exe`}).is("an odd name", 200)
	got := s.ask(key, "GET", "/users/"+string(in.ID)+"/export", nil).is("export", 200)
	for _, want := range []string{in.Username, string(in.session), string(in.app), string(k.ID), "signin.succeeded", `"end_reason":"revoked"`, `"password":{`} {
		if !strings.Contains(got.Body.String(), want) {
			t.Errorf("the export lacks %s", want)
		}
	}
	whole := text["X-Api-Key"]
	for _, never := range []string{"argon2", "hash", string(password), "salt", whole[len(whole)-20:]} {
		if strings.Contains(strings.ToLower(got.Body.String()), strings.ToLower(never)) {
			t.Errorf("the export has %s", never)
		}
	}
	if said := got.Header().Values("Content-Disposition"); len(said) != 1 || said[0] != `attachment; filename="user-`+string(in.ID)+`.json"` {
		t.Error(said)
	}
}

// What shows keys and events shows no more of a key than its ID, right after it
// was made and ever after.
//
// proves: NEXT-37, ASVS 14.2.6
func TestLists_haveNoSecretOfAKey(t *testing.T) {
	s := newSite(t, nil)
	_, key := s.key(apikey.Draft{Roles: []string{auth.RoleAdmin}})
	made := s.ask(key, "POST", "/api-keys", `{"name":"nightly","roles":["gatehouse.auditor"]}`).is("a new key", 201)
	text := fmt.Sprint(made.member("key"))
	secret := text[len(text)-49:]
	at := strings.TrimPrefix(made.Header().Get("Location"), "/api/v1")
	id := at[strings.LastIndex(at, "/")+1:]
	s.ask(key.with("If-Match", "*"), "PATCH", at, `{"name":"daily"}`).is("another name", 200)
	for _, path := range []string{"/api-keys", at, "/audit/events"} {
		got := s.ask(key, "GET", path, nil).is(path, 200)
		if !strings.Contains(got.Body.String(), id) {
			t.Errorf("%s does not show %s", path, id)
		}
		for _, part := range []string{secret, secret[:20], secret[20:40], "hash"} {
			if strings.Contains(got.Body.String(), part) {
				t.Errorf("%s has %q", path, part)
			}
		}
	}
}

// Whoever may read the record finds the failed sign-ins of one account, and the
// tries that had to wait, and nothing else.
//
// proves: CS-8
func TestEvents_showFailuresByFilter(t *testing.T) {
	s := newSite(t, func(c *gatehouse.Config) { c.Limits.AccountFailures = 2 })
	_, key := s.key(apikey.Draft{Roles: []string{auth.RoleAuditor}})
	guessed, _ := s.signedIn()
	other, _ := s.signedIn()
	for _, name := range []string{other.Username, guessed.Username, guessed.Username, guessed.Username} {
		r := httptest.NewRequest("POST", webtest.Origin+"/api/auth/login", strings.NewReader(`{"identifier":"`+name+`","password":"some wrong password"}`))
		r.Header.Set("Content-Type", "application/json")
		s.Handler().ServeHTTP(httptest.NewRecorder(), r)
	}
	for query, want := range map[string]int{
		"type=signin.failed": 3, "type=signin.failed,signin.throttled&user_id=" + string(guessed.ID): 3, "type=signin.throttled": 1,
		"type=signin.*&user_id=" + string(other.ID): 2, "type=signin.failed&until=2020-01-01T00:00:00Z": 0,
	} {
		got := s.ask(key, "GET", "/audit/events?"+query, nil).is(query, 200)
		if items, _ := got.member("items").([]any); len(items) != want {
			t.Errorf("%s: %d events, want %d: %s", query, len(items), want, got.Body)
		}
	}
}

// A cookie is enough only for what is sent from the site's own pages.
func TestCookies_areNotEnoughFromElsewhere(t *testing.T) {
	s := newSite(t, nil)
	_, admin := s.signedIn(auth.RoleAdmin)
	for _, foreign := range []caller{{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Content-Type": "text/plain"}} {
		c := admin
		for name, value := range foreign {
			c = c.with(name, value)
		}
		s.ask(c, "POST", "/users", `{"username":"foreign"}`).is(fmt.Sprint(foreign), 403)
	}
	s.ask(admin.with("Origin", webtest.Origin), "POST", "/users", `{"username":"own"}`).is("from our own page", 201)
}

func TestPage_letsNothingInButItself(t *testing.T) {
	s := newSite(t, nil)
	w := httptest.NewRecorder()
	s.ManagementHandler().ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/", nil))
	policy := w.Header().Get("Content-Security-Policy")
	if w.Code != 200 || strings.Contains(policy, "unsafe") || !strings.Contains(policy, "script-src 'sha256-") || !strings.Contains(policy, "default-src 'none'") {
		t.Errorf("%d, %s", w.Code, policy)
	}
	for _, elsewhere := range []string{"http://", "https://", "{{", "innerHTML", "localStorage", "sessionStorage"} {
		if strings.Contains(w.Body.String(), elsewhere) {
			t.Errorf("the page has %s", elsewhere)
		}
	}
}
