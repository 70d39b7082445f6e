package portal_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/web/webtest"
)

const sessionsPage = "/api/auth/account/sessions"

// onClock is a site with one user, whose clock is moved by hand.
func onClock(t *testing.T, change ...func(c *gatehouse.Config)) (s *webtest.Site, advance func(time.Duration)) {
	t.Helper()
	clock := roomtest.NewClock()
	s = webtest.New(t, func(c *gatehouse.Config) {
		c.Now = clock.Now
		for _, do := range change {
			do(c)
		}
	})
	if _, err := s.Users().Create(t.Context(), "test", gatehouse.NewUser{Email: ann, Password: first}); err != nil {
		t.Fatal(err)
	}
	return s, func(d time.Duration) {
		clock.Advance(d)
		for s.Ready(t.Context()) != nil { // until the change feed was read at this time
			time.Sleep(time.Millisecond)
		}
	}
}

func with(t *testing.T, s *webtest.Site, agent string) *webtest.Visitor {
	t.Helper()
	v := s.Visitor()
	v.Sends.Set("User-Agent", agent)
	v.Get("/api/auth/signin").Submit(map[string]string{"identifier": ann, "password": first})
	if v.SignedInAs() != ann {
		t.Fatalf("not signed in: %d\n%s", v.Status, v.Body)
	}
	return v
}

const (
	firefox = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
	phone   = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)

// presses sends the form of the page in which the hidden field has the value.
func presses(t *testing.T, v *webtest.Visitor, name, value string) *webtest.Visitor {
	t.Helper()
	token := regexp.MustCompile(`name="csrfToken" value="([^"]+)"`).FindStringSubmatch(v.Body)
	if token == nil || !strings.Contains(v.Body, `name="`+name+`" value="`+value+`"`) {
		t.Fatalf("%s (%d) has no form for %s %s:\n%s", v.Address, v.Status, name, value, v.Body)
	}
	return v.Post(sessionsPage, "application/x-www-form-urlencoded", url.Values{"csrfToken": {token[1]}, name: {value}}.Encode())
}

// idOf is the session in the line of the browser.
func idOf(t *testing.T, v *webtest.Visitor, browser string) string {
	t.Helper()
	line := regexp.MustCompile(`(?s)<h2[^>]*>` + browser + `.*?name="session" value="([^"]+)"`).FindStringSubmatch(v.Body)
	if line == nil {
		t.Fatalf("no %s in\n%s", browser, v.Body)
	}
	return line[1]
}

func TestSessions_isLinkedFromTheAccountAndListsEachBrowser(t *testing.T) {
	s, advance := onClock(t)
	away := with(t, s, phone)
	advance(3 * time.Hour)
	home := with(t, s, firefox)
	if home.Get("/api/auth/account"); !home.Shows(`href="http://localhost:3000` + sessionsPage + `"`) {
		t.Error("the account page does not link the list")
	}
	home.Get(sessionsPage)
	for _, want := range []string{"Firefox on Linux", "This browser", "Safari on iOS", "3 hours ago", "Sign out everywhere else"} {
		if !home.Shows(want) {
			t.Errorf("no %q", want)
		}
	}
	if home.Shows(phone) || home.Shows(firefox) {
		t.Error("what the browser says of itself is shown")
	}
	if s.Visitor().Get(sessionsPage); away.Get(sessionsPage).Status != 200 {
		t.Errorf("the other browser: %d", away.Status)
	}
	nobody := s.Visitor().Get(sessionsPage)
	if !strings.HasPrefix(nobody.Address, "/api/auth/signin") {
		t.Errorf("nobody is led to %s", nobody.Address)
	}
	if nobody.Submit(map[string]string{"identifier": ann, "password": first}); nobody.Address != sessionsPage || !nobody.Shows("This browser") {
		t.Errorf("and from there to %s", nobody.Address)
	}
}

func TestSessions_endsOneAtThePressOfItsButton(t *testing.T) {
	s, _ := onClock(t)
	away, home := with(t, s, phone), with(t, s, firefox)
	home.Get(sessionsPage)
	presses(t, home, "session", idOf(t, home, "Safari"))
	if !home.Shows("That browser is signed out.") || home.Shows("Safari") || home.Shows("Not every server") {
		t.Errorf("%d at %s:\n%s", home.Status, home.Address, home.Body)
	}
	if away.SignedInAs() != "" || home.SignedInAs() != ann {
		t.Error("not the one that was named has ended")
	}
	home.Get(sessionsPage)
	presses(t, home, "session", idOf(t, home, "Firefox"))
	if !home.Shows("You are signed out") || home.SignedInAs() != "" {
		t.Errorf("its own: %d at %s", home.Status, home.Address)
	}
}

func TestSessions_endsTheOthersOrAll(t *testing.T) {
	s, _ := onClock(t)
	away, home := with(t, s, phone), with(t, s, firefox)
	if presses(t, home.Get(sessionsPage), "which", "others"); !home.Shows("You are signed out everywhere else.") || away.SignedInAs() != "" || home.SignedInAs() != ann {
		t.Errorf("others: %d\n%s", home.Status, home.Body)
	}
	home.Get(sessionsPage)
	if home.Shows(`value="others"`) {
		t.Error("alone, and there is a button for the others")
	}
	away = with(t, s, phone)
	if presses(t, home.Get(sessionsPage), "which", "all"); !home.Shows("You are signed out everywhere.") || away.SignedInAs() != "" || home.SignedInAs() != "" {
		t.Errorf("all: %d\n%s", home.Status, home.Body)
	}
}

// Some time after the sign-in a page asks for the password in between, names
// what it is for, and can be told a wrong one.
func TestSessions_asksForThePasswordInBetween(t *testing.T) {
	s, advance := onClock(t)
	away, third, home := with(t, s, phone), with(t, s, "curl/8.5.0"), with(t, s, firefox)
	advance(user.FreshFor)
	home.Get(sessionsPage)
	presses(t, home, "session", idOf(t, home, "Safari"))
	if home.Status != 200 || !home.Shows("Safari on iOS") || !home.Shows(`name="password"`) || away.SignedInAs() != ann {
		t.Fatalf("%d\n%s", home.Status, home.Body)
	}
	if home.Submit(map[string]string{"password": "wrong but quite long enough"}); home.Status != 401 || !home.Shows("The current password is wrong.") || away.SignedInAs() != ann {
		t.Errorf("a wrong one: %d\n%s", home.Status, home.Body)
	}
	if home.Submit(map[string]string{"password": first}); !home.Shows("That browser is signed out.") || away.SignedInAs() != "" || third.SignedInAs() != ann {
		t.Errorf("the right one: %d\n%s", home.Status, home.Body)
	}
	presses(t, home, "which", "others")
	if !home.Shows("sign out everywhere else") || third.SignedInAs() != ann {
		t.Errorf("others: %d\n%s", home.Status, home.Body)
	}
	if home.Submit(map[string]string{"password": first}); !home.Shows("You are signed out everywhere else.") || third.SignedInAs() != "" {
		t.Errorf("others: %d\n%s", home.Status, home.Body)
	}
}

// What may not hold everywhere yet is said in whole seconds; what cannot be is
// not said, whoever wrote the address.
func TestSessions_saysWhatIsStillPending(t *testing.T) {
	s, _ := onClock(t)
	v := with(t, s, firefox)
	for query, want := range map[string]string{
		"?done=one&wait=12": "It holds on all of them in 12 seconds at the latest.", "?done=one&wait=31": "in 31 seconds",
		"?done=one&wait=32": "", "?done=one&wait=0": "", "?done=one&wait=-1": "", "?done=one&wait=9999999999999999999": "", "?done=one&wait=1e1": "", "?done=one": "", "?wait=12": "",
	} {
		v.Get(sessionsPage + query)
		if got := v.Shows("Not every server has confirmed"); got != (want != "") || !v.Shows(want) {
			t.Errorf("%s: %v", query, got)
		}
	}
}

func TestSessions_refusesWhatIsNotTheirs(t *testing.T) {
	s, _ := onClock(t)
	if _, err := s.Users().Create(t.Context(), "test", gatehouse.NewUser{Email: "ben@example.test", Password: first}); err != nil {
		t.Fatal(err)
	}
	ben := s.Visitor().Get("/api/auth/signin").Submit(map[string]string{"identifier": "ben@example.test", "password": first})
	bens := idOf(t, ben.Get(sessionsPage), "Unknown browser")
	v := with(t, s, firefox).Get(sessionsPage)
	token := regexp.MustCompile(`name="csrfToken" value="([^"]+)"`).FindStringSubmatch(v.Body)[1]
	post := func(fields url.Values) int {
		return v.First(sessionsPage, "application/x-www-form-urlencoded", fields.Encode())
	}
	for name, c := range map[string]struct {
		fields url.Values
		status int
	}{
		"somebody else's":   {url.Values{"csrfToken": {token}, "session": {bens}}, 404},
		"one that is none":  {url.Values{"csrfToken": {token}, "session": {"ses_x"}}, 404},
		"nothing":           {url.Values{"csrfToken": {token}}, 400},
		"an unknown choice": {url.Values{"csrfToken": {token}, "which": {"everything"}}, 400},
		"no token":          {url.Values{"which": {"all"}}, 403},
	} {
		if got := post(c.fields); got != c.status {
			t.Errorf("%s: %d, want %d", name, got, c.status)
		}
	}
	if v.SignedInAs() != ann || ben.SignedInAs() != "ben@example.test" {
		t.Error("something has ended")
	}
}
