package security_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/web/webtest"
)

// days writes a duration as the documents do.
func days(d time.Duration) string {
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "days"}, {time.Hour, "hours"}, {time.Minute, "minutes"}, {time.Second, "seconds"}} {
		if n := d / unit.of; n > 1 && d%unit.of == 0 {
			return strings.TrimSpace(strings.Join([]string{itoa(int(n)), unit.name}, " "))
		}
	}
	return d.String()
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

// proves: ASVS 7.1.1
func TestLifetimes_areTheDocumentedDefaults(t *testing.T) {
	s := gatehouse.Config{}.WithDefaults().Session
	is := map[string]string{
		"`session.max_age`": days(s.MaxAge), "`session.absolute_lifetime`": days(s.AbsoluteLifetime), "`session.local_trust`": days(s.LocalTrust),
		"`session.max_staleness`": days(s.MaxStaleness), "`session.max_per_user`": itoa(s.MaxPerUser),
		"a superseded session": days(auth.SupersededGrace), "a sign-in between two steps": attemptLife(t),
	}
	said := map[string]string{}
	for _, row := range table(t, section(t, "docs/security/sessions.md", "## Lifetimes, and why")) {
		said[row[0]] = row[1]
		if len(row[2]) < 40 {
			t.Errorf("%s: no reason is given: %q", row[0], row[2])
		}
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[gatehouse.Session]()) {
		if name := "`session." + f.Tag.Get("conf") + "`"; is[name] == "" && f.Type.Kind() != reflect.Slice && f.Name != "CacheEntries" && f.Name != "IndexLimit" {
			t.Errorf("%s is a setting, and this test knows nothing of it", name)
		}
	}
	for name, want := range is {
		if said[name] != want {
			t.Errorf("%s is %s, and sessions.md says %q", name, want, said[name])
		}
	}
	if len(said) != len(is) {
		t.Errorf("sessions.md has %d lifetimes, want %d", len(said), len(is))
	}
}

// attemptLife is what the browser is told of the cookie between two steps.
func attemptLife(t *testing.T) string {
	t.Helper()
	s := webtest.New(t, nil)
	if _, err := s.Users().Create(t.Context(), "test", user.New{Email: ann, Password: password, MustChange: true}); err != nil {
		t.Fatal(err)
	}
	w := ask(s, "POST", "/api/auth/login", "application/json", `{"email":"`+ann+`","password":"`+password+`"}`, nil)
	m := regexp.MustCompile(`attempt=[^;]+;.*Max-Age=(\d+)`).FindStringSubmatch(strings.Join(w.Header().Values("Set-Cookie"), "\n"))
	if m == nil {
		t.Fatalf("no cookie of an attempt in %v", w.Header())
	}
	d, err := time.ParseDuration(m[1] + "s")
	if err != nil {
		t.Fatal(err)
	}
	return days(d)
}

// clocked is a site whose clock is moved by hand.
func clocked(t *testing.T, change func(*gatehouse.Config)) (*webtest.Site, func(time.Duration)) {
	t.Helper()
	clock := roomtest.NewClock()
	s := webtest.New(t, func(c *gatehouse.Config) {
		c.Now = clock.Now
		if change != nil {
			change(c)
		}
	})
	return s, func(d time.Duration) {
		t.Helper()
		clock.Advance(d)
		for deadline := time.Now().Add(20 * time.Second); s.Ready(t.Context()) != nil; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal(s.Ready(t.Context()))
			}
		}
	}
}

// The numbers of SP 800-63B-4 §2.1.3, §2.2.3 and §2.3.3 can be set, and hold: a
// session that is used all the time ends at its absolute end, one that is not
// used at its idle end.
//
// proves: NIST-13
func TestLifetimes_reachTheLevelsOfNIST(t *testing.T) {
	for level, c := range map[string]struct{ idle, absolute time.Duration }{
		"basic": {30 * 24 * time.Hour, 30 * 24 * time.Hour}, "second": {time.Hour, 24 * time.Hour}, "top": {15 * time.Minute, 12 * time.Hour},
	} {
		t.Run(level, func(t *testing.T) {
			s, advance := clocked(t, func(cfg *gatehouse.Config) {
				cfg.Session.MaxAge, cfg.Session.AbsoluteLifetime = c.idle, c.absolute
			})
			idle, used := signedUp(t, s), s.Visitor()
			signIn := func(v *webtest.Visitor) {
				v.Get("/api/auth/signin").Submit(map[string]string{"identifier": ann, "password": password})
				if v.SignedInAs() != ann {
					t.Fatalf("sign-in: %d %s", v.Status, v.Body)
				}
			}
			signIn(used)
			step := c.idle * 9 / 10
			for at := time.Duration(0); at+step < c.absolute; at += step {
				advance(step)
				if used.SignedInAs() != ann {
					t.Fatalf("a session that is used is over after %s", at+step)
				}
				if at+step > c.idle && idle.Copy().SignedInAs() != "" {
					t.Fatalf("a session that is not used lives after %s", at+step)
				}
			}
			advance(c.absolute % step)
			advance(time.Second)
			if used.SignedInAs() != "" {
				t.Errorf("a session that is used lives past %s", c.absolute)
			}
		})
	}
}

// A password does not age: two years later it still signs in, and nothing asks
// for another.
//
// proves: ASVS 6.2.10
func TestPassword_neverHasToBeChangedForItsAge(t *testing.T) {
	s, advance := clocked(t, nil)
	signedUp(t, s)
	advance(2 * 365 * 24 * time.Hour)
	v := s.Visitor()
	v.Get("/api/auth/signin").Submit(map[string]string{"identifier": ann, "password": password})
	if v.SignedInAs() != ann {
		t.Errorf("after two years: %s %d\n%s", v.Address, v.Status, v.Body)
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[gatehouse.Password]()) {
		if regexp.MustCompile(`(?i)age|expir|rotat|lifetime|history`).MatchString(f.Name) {
			t.Errorf("there is a setting %s", f.Name)
		}
	}
}

// A cookie with any piece altered is nobody's, and the server alone can tell: a
// page's script could not even read it.
//
// proves: ASVS 7.2.1
func TestSession_isJudgedByTheServerAlone(t *testing.T) {
	s := webtest.New(t, nil)
	w := ask(s, "POST", "/api/auth/register", "application/json", `{"email":"`+ann+`","password":"`+password+`"}`, nil)
	if w.Code != http.StatusCreated {
		t.Fatal(w.Code)
	}
	w = ask(s, "POST", "/api/auth/login", "application/json", `{"email":"`+ann+`","password":"`+password+`"}`, nil)
	var token *http.Cookie
	for _, c := range w.Result().Cookies() {
		if strings.HasSuffix(c.Name, "session-token") {
			token = c
		}
	}
	if token == nil || !token.HttpOnly {
		t.Fatalf("the session's cookie: %v", token)
	}
	who := func(value string) string {
		return ask(s, "GET", "/api/auth/session", "", "", http.Header{"Cookie": {token.Name + "=" + value}}).Body.String()
	}
	if !strings.Contains(who(token.Value), ann) {
		t.Fatal("the cookie itself is nobody's")
	}
	for i := range token.Value {
		if i%7 > 0 && i < len(token.Value)-8 {
			continue // every seventh, and the last ones, which are the tag's
		}
		b := []byte(token.Value)
		if b[i] = 'A'; token.Value[i] == 'A' {
			b[i] = 'Q' // differs from A in its highest bits, which count in a last character too
		}
		if b[i] == '.' || token.Value[i] == '.' {
			continue
		}
		if got := who(string(b)); strings.Contains(got, ann) && i < len(token.Value)-1 {
			t.Errorf("with character %d altered it is %s", i, got)
		}
	}
	for _, name := range regexp.MustCompile(`/api/auth/assets/script\.\w+\.js`).FindAllString(s.Visitor().Get("/api/auth/signin").Body, -1) {
		script := s.Visitor().Get(name).Body
		for _, word := range []string{"cookie", "localStorage", "sessionStorage", "indexedDB", "crypto", "fetch(", "XMLHttpRequest"} {
			if strings.Contains(script, word) {
				t.Errorf("the pages' script knows of %s", word)
			}
		}
	}
}

// The session that pages get has the documented members and no other, whatever
// the row and the cookie hold beside them.
//
// proves: NEXT-24
func TestSession_tellsTheDocumentedMembersAlone(t *testing.T) {
	s := webtest.New(t, mounted)
	u, err := s.Users().Create(t.Context(), "test", user.New{Email: ann, Username: "annie", Name: "Ann", Password: password, Roles: []string{"user", "editor"}})
	if err != nil {
		t.Fatal(err)
	}
	v := s.Visitor()
	v.Get("/api/auth/signin").Submit(map[string]string{"identifier": ann, "password": password})
	var in map[string]any
	if err := json.Unmarshal([]byte(v.Get("/api/auth/session").Body), &in); err != nil {
		t.Fatal(err)
	}
	person, _ := in["user"].(map[string]any)
	if got := sorted(keys(in)); !slices.Equal(got, []string{"expires", "user"}) {
		t.Errorf("members %q", got)
	}
	if got := sorted(keys(person)); !slices.Equal(got, []string{"email", "id", "name", "roles"}) || person["id"] != string(u.ID) {
		t.Errorf("members of the user %q", got)
	}
	documented := code(strings.Join(regexp.MustCompile("(?s)`GET \\{base\\}/session` shows its own user[^\n]*").FindAllString(document(t, "docs/security/data.md"), -1), ""))
	for name := range person {
		if !slices.Contains(documented, name) {
			t.Errorf("data.md does not say that the session shows %s", name)
		}
	}
}

// A sealed session is in step with its row: once that has ended, or its time has
// come, the cookie opens nothing, and the browser is told to drop it.
//
// proves: NEXT-25
func TestSession_cookieDiesWithItsRow(t *testing.T) {
	deleted := func(v *webtest.Visitor) bool {
		for _, line := range v.Header.Values("Set-Cookie") {
			if strings.Contains(line, "session-token=;") && (strings.Contains(line, "Max-Age=0") || strings.Contains(line, "1970")) {
				return true
			}
		}
		return false
	}
	s, advance := clocked(t, nil)
	v := signedUp(t, s)
	thief, late := v.Copy(), v.Copy()
	if thief.SignedInAs() != ann {
		t.Fatal("a copy of a live cookie is nobody's: the test shows nothing")
	}
	v.JSON("/api/auth/logout", "{}")
	if thief.SignedInAs() != "" {
		t.Error("a copy lives after the sign-out")
	}
	advance(time.Minute)
	if late.SignedInAs() != "" || !deleted(late) {
		t.Errorf("the cookie of an ended session is kept: %v", late.Header.Values("Set-Cookie"))
	}
	v.Get("/api/auth/signin").Submit(map[string]string{"identifier": ann, "password": password})
	if v.SignedInAs() != ann {
		t.Fatal("not signed in")
	}
	advance(31 * 24 * time.Hour)
	if v.SignedInAs() != "" || !deleted(v) {
		t.Errorf("the cookie of a session past its end is kept: %v", v.Header.Values("Set-Cookie"))
	}
}
