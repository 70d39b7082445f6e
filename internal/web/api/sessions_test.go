package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/web/webtest"
)

// onClock is a site whose clock is moved by hand, with browsers at addresses.
func onClock(t *testing.T) (s *webtest.Site, advance func(time.Duration)) {
	t.Helper()
	clock := roomtest.NewClock()
	s = webtest.New(t, func(c *gatehouse.Config) {
		c.Now = clock.Now
		c.ClientAddress = gatehouse.ClientAddress{TrustedProxies: []string{"192.0.2.1"}, Header: "X-Forwarded-For"}
	})
	if v := s.Visitor().JSON("/api/auth/register", `{"email":"`+ann+`","password":"`+first+`"}`); v.Status != http.StatusCreated {
		t.Fatalf("register: %d %s", v.Status, v.Body)
	}
	return s, func(d time.Duration) {
		clock.Advance(d)
		for s.Ready(t.Context()) != nil { // until the change feed was read at this time
			time.Sleep(time.Millisecond)
		}
	}
}

const (
	firefox = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
	phone   = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)

func from(t *testing.T, s *webtest.Site, agent, address string) *webtest.Visitor {
	t.Helper()
	v := s.Visitor()
	v.Sends.Set("User-Agent", agent)
	v.Sends.Set("X-Forwarded-For", address)
	if v.JSON("/api/auth/login", `{"email":"`+ann+`","password":"`+first+`"}`); v.Status != http.StatusOK {
		t.Fatalf("login: %d %s", v.Status, v.Body)
	}
	return v
}

type line struct {
	ID       string
	Current  bool
	Browser  string
	System   string
	Address  string
	Network  string
	Mount    string
	LastSeen time.Time `json:"lastSeenAt"`
}

func list(t *testing.T, v *webtest.Visitor) []line {
	t.Helper()
	var in struct{ Sessions []line }
	v.Get("/api/auth/sessions")
	if err := json.Unmarshal([]byte(v.Body), &in); err != nil || v.Status != http.StatusOK {
		t.Fatalf("list: %d %s", v.Status, v.Body)
	}
	return in.Sessions
}

// proves: ASVS 7.5.2
func TestSessions_showsWhereOneIsSignedInAndEndsIt(t *testing.T) {
	s, advance := onClock(t)
	home := from(t, s, firefox, "203.0.113.77")
	advance(time.Minute)
	away := from(t, s, phone, "2001:db8:7:8::9")
	sessions := list(t, home)
	if len(sessions) != 2 {
		t.Fatalf("%d sessions: %s", len(sessions), home.Body)
	}
	for _, secret := range []string{"203.0.113.77", "2001:db8:7:8", firefox, ann, "ey", "hash", "secret", "epoch"} {
		if strings.Contains(home.Body, secret) {
			t.Errorf("the list tells %q: %s", secret, home.Body)
		}
	}
	first_, second_ := sessions[0], sessions[1]
	if first_.Browser != "Safari" || first_.System != "iOS" || first_.Address != "2001:db8:7::/48" || first_.Network != "public" || first_.Current {
		t.Errorf("the phone is %+v", first_)
	}
	if second_.Browser != "Firefox" || second_.System != "Linux" || second_.Address != "203.0.113.x" || !second_.Current || second_.Mount != "/api/auth" {
		t.Errorf("this browser is %+v", second_)
	}
	if home.JSON("/api/auth/sessions/revoke", `{"id":"`+first_.ID+`"}`); home.Status != 200 || home.Body != `{"success":true,"ended":1,"effective":"everywhere"}` {
		t.Errorf("%d %s", home.Status, home.Body)
	}
	if away.SignedInAs() != "" || home.SignedInAs() != ann {
		t.Error("not the one that was named has ended")
	}
	if home.JSON("/api/auth/sessions/revoke", `{"id":"`+first_.ID+`"}`); home.Status != 200 || !strings.Contains(home.Body, `"ended":0`) {
		t.Errorf("again: %d %s", home.Status, home.Body)
	}
}

func TestSessions_endingTheOneThatAsksDropsItsCookie(t *testing.T) {
	s, _ := onClock(t)
	for path, body := range map[string]func(id string) string{
		"revoke":     func(id string) string { return `{"id":"` + id + `"}` },
		"revoke-all": func(string) string { return `{}` },
	} {
		v := from(t, s, firefox, "203.0.113.77")
		copied := v.Copy()
		id := ""
		for _, l := range list(t, v) {
			if l.Current {
				id = l.ID
			}
		}
		if v.JSON("/api/auth/sessions/"+path, body(id)); v.Status != 200 || !strings.Contains(strings.Join(v.Header["Set-Cookie"], "\n"), "session-token=;") {
			t.Errorf("%s: %d %s %q", path, v.Status, v.Body, v.Header["Set-Cookie"])
		}
		if v.SignedInAs() != "" || copied.SignedInAs() != "" {
			t.Errorf("%s: still signed in", path)
		}
	}
}

func TestSessions_revokeOthersAndAll(t *testing.T) {
	s, _ := onClock(t)
	a, b, c := from(t, s, firefox, "203.0.113.1"), from(t, s, phone, "203.0.113.2"), from(t, s, phone, "203.0.113.3")
	if a.JSON("/api/auth/sessions/revoke-others", `{}`); a.Status != 200 || !strings.Contains(a.Body, `"ended":2`) {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if a.SignedInAs() != ann || b.SignedInAs() != "" || c.SignedInAs() != "" {
		t.Error("not the others have ended")
	}
	b = from(t, s, phone, "203.0.113.2")
	if a.Post("/api/auth/sessions/revoke-all", "", ""); a.Status != 200 || !strings.Contains(a.Body, `"ended":2`) {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if a.SignedInAs() != "" || b.SignedInAs() != "" {
		t.Error("not all have ended")
	}
}

// Once the sign-in is some time ago, the cookie alone ends no other session.
func TestSessions_endingOthersAsksForThePassword(t *testing.T) {
	s, advance := onClock(t)
	away := from(t, s, phone, "203.0.113.2")
	home := from(t, s, firefox, "203.0.113.1")
	advance(user.FreshFor + time.Second)
	id := list(t, home)[0].ID
	if list(t, home)[0].Current {
		id = list(t, home)[1].ID
	}
	for path, more := range map[string]string{"revoke": `"id":"` + id + `",`, "revoke-others": ""} {
		wantProblem(t, home.JSON("/api/auth/sessions/"+path, `{`+more+`"password":""}`), 403, "password_needed")
		wantProblem(t, home.JSON("/api/auth/sessions/"+path, `{`+more+`"password":"wrong but quite long enough"}`), 401, "invalid_credentials")
	}
	if away.SignedInAs() != ann {
		t.Error("a refused one had an effect")
	}
	if home.JSON("/api/auth/sessions/revoke", `{"id":"`+id+`","password":"`+first+`"}`); home.Status != 200 || away.SignedInAs() != "" {
		t.Errorf("%d %s", home.Status, home.Body)
	}
}

func TestSessions_refusals(t *testing.T) {
	s, _ := onClock(t)
	v := from(t, s, firefox, "203.0.113.1")
	wantProblem(t, v.JSON("/api/auth/sessions/revoke", `{}`), 400, "invalid_request")
	wantProblem(t, v.JSON("/api/auth/sessions/revoke", `{"id":["x"]}`), 400, "invalid_request")
	wantProblem(t, v.JSON("/api/auth/sessions/revoke", `{"id":"ses_01900000-0000-7000-8000-000000000000"}`), 404, "not_found")
	wantProblem(t, v.JSON("/api/auth/sessions", `{}`), 405, "invalid_request")
	for _, path := range []string{"sessions/revoke", "sessions/revoke-others", "sessions/revoke-all"} {
		wantProblem(t, s.Visitor().JSON("/api/auth/"+path, `{"id":"ses_x"}`), 401, "signed_out")
	}
	wantProblem(t, s.Visitor().Get("/api/auth/sessions"), 401, "signed_out")
}
