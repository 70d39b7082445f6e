package portal_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/web/webtest"
)

// takesTokens is a program that signs Ann in and asks for offline_access.
func takesTokens(t *testing.T, s *webtest.Site, more string) (refresh string) {
	t.Helper()
	v := s.Visitor().JSON("/api/auth/token", `{"email":"`+ann+`","password":"`+first+`","scope":"offline_access"`+more+`}`)
	var in struct {
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal([]byte(v.Body), &in); err != nil || in.Refresh == "" {
		t.Fatalf("token: %d %s", v.Status, v.Body)
	}
	return in.Refresh
}

// goesOn says whether it can refresh, and keeps what it gets.
func goesOn(s *webtest.Site, refresh *string) bool {
	v := s.Visitor().JSON("/api/auth/refresh", `{"refresh_token":"`+*refresh+`"}`)
	if v.Status != http.StatusOK {
		return false
	}
	var in struct {
		Refresh string `json:"refresh_token"`
	}
	err := json.Unmarshal([]byte(v.Body), &in)
	*refresh = in.Refresh
	return err == nil
}

// A program that outlives its session is listed, and its access is taken at the
// press of a button: its next refresh fails.
//
// proves: ASVS 10.4.9
func TestSessions_listsAppsAndTakesTheirAccess(t *testing.T) {
	s, advance := onClock(t, func(c *gatehouse.Config) {
		c.Tokens.Audiences = []gatehouse.Audience{{ID: "https://api.example", Scopes: []string{"read"}}}
		c.Tokens.Clients = []gatehouse.Client{{ID: "phone-app", Audiences: []string{"https://api.example"}}}
	})
	its := takesTokens(t, s, `,"client_id":"phone-app"`)
	own := takesTokens(t, s, "")
	home := with(t, s, firefox)
	if home.Get(sessionsPage); !home.Shows("Apps that stay signed in") || !home.Shows("phone-app") || !home.Shows("An app of ") || home.Shows(its[strings.LastIndex(its, ".")+1:]) {
		t.Fatalf("%d\n%s", home.Status, home.Body)
	}
	id, _, _ := strings.Cut(its, ".")
	if presses(t, home, "app", id); !home.Shows("That app has no access any more.") || home.Shows("phone-app") {
		t.Errorf("%d at %s:\n%s", home.Status, home.Address, home.Body)
	}
	if goesOn(s, &its) || !goesOn(s, &own) {
		t.Error("not the one that was named has ended")
	}
	if home.SignedInAs() != ann {
		t.Error("and this browser is signed out")
	}

	advance(user.FreshFor)
	home.Get(sessionsPage)
	ownID, _, _ := strings.Cut(own, ".")
	if presses(t, home, "app", ownID); !home.Shows(`name="password"`) || !home.Shows("end the access of") || !goesOn(s, &own) {
		t.Fatalf("no password is asked for: %d\n%s", home.Status, home.Body)
	}
	if home.Submit(map[string]string{"password": first}); !home.Shows("That app has no access any more.") || goesOn(s, &own) {
		t.Errorf("%d at %s:\n%s", home.Status, home.Address, home.Body)
	}
}

// Everywhere else is every app too, with the session that it came from or long
// after it.
func TestSessions_endingTheOthersEndsApps(t *testing.T) {
	s, advance := onClock(t)
	for _, which := range []string{"others", "all"} {
		refresh := takesTokens(t, s, "")
		home := with(t, s, firefox)
		if presses(t, home.Get(sessionsPage), "which", which); goesOn(s, &refresh) {
			t.Errorf("%s: it goes on", which)
		}
		advance(time.Second)
	}
}

// The list and its end as JSON.
func TestSessions_appsAsJSON(t *testing.T) {
	s, _ := onClock(t)
	refresh := takesTokens(t, s, "")
	home := with(t, s, firefox)
	id, _, _ := strings.Cut(refresh, ".")
	home.Get("/api/auth/sessions")
	var in struct{ Apps []map[string]any }
	if err := json.Unmarshal([]byte(home.Body), &in); err != nil || len(in.Apps) != 1 {
		t.Fatalf("%v: %s", err, home.Body)
	}
	got := in.Apps[0]
	if got["id"] != id || got["client"] != "first-party" || got["mount"] != "/api/auth" || got["createdAt"] == nil || got["lastUsedAt"] == nil || got["expires"] == nil {
		t.Errorf("%v", got)
	}
	if home.JSON("/api/auth/sessions/revoke", `{"id":"`+id+`"}`); home.Status != 200 || home.Body != `{"success":true,"ended":0,"endedApps":1,"effective":"everywhere"}` {
		t.Errorf("%d %s", home.Status, home.Body)
	}
	if goesOn(s, &refresh) {
		t.Error("it goes on")
	}
	for _, none := range []string{"fam_x", "fam_01900000-0000-7000-8000-000000000000"} {
		if home.JSON("/api/auth/sessions/revoke", `{"id":"`+none+`"}`); home.Status != http.StatusNotFound {
			t.Errorf("%s: %d %s", none, home.Status, home.Body)
		}
	}
}
