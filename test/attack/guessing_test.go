package attack_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse"
)

// clock is moved by hand.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// login is one try at the JSON endpoint by somebody without cookies.
func (s *site) login(identifier, pw string) answer {
	body, _ := json.Marshal(map[string]string{"identifier": identifier, "password": pw})
	return s.send(request{http.MethodPost, v4.base + "/login", jsonType, string(body), nil, nil})
}

var changing = regexp.MustCompile(`"reference":"\w+"|[0-9a-f]{64}(%7C[0-9a-f]{64})?`)

// shape is all of an answer that could tell two apart, without what is random.
func shape(a answer) string {
	var lines []string
	for name, values := range a.header {
		if name != "X-Request-Id" {
			lines = append(lines, name+": "+strings.Join(values, " | "))
		}
	}
	slices.Sort(lines)
	return changing.ReplaceAllString(fmt.Sprintf("%d\n%s\n%s", a.status, strings.Join(lines, "\n"), a.body), "#")
}

// Byte for byte the same answer for an account that is there, one that is
// disabled (with the right password too), one without a password, and none.
//
// proves: CS-5
func TestSignIn_answersAlikeWhoeverIsAsked(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "victim@app.example")
	disabled := s.newUser(t, "disabled@app.example")
	if _, err := s.Users().Disable(t.Context(), "test", disabled.ID); err != nil {
		t.Fatal(err)
	}
	form := func(d dialect, header http.Header) func(identifier, pw string) answer {
		return func(identifier, pw string) answer {
			b := s.browser(d)
			body := encode(map[string]string{"identifier": identifier, "password": pw, "json": cmp.Or(header.Get("X-Json"), "false")}, b.token())
			return s.send(request{http.MethodPost, d.base + "/callback/credentials", formType, body, header, maps.Clone(b.jar)})
		}
	}
	for name, try := range map[string]func(identifier, pw string) answer{
		"JSON":    s.login,
		"v4 page": form(v4, http.Header{}), "v4 client": form(v4, http.Header{"X-Json": {"true"}}),
		"v5 page": form(v5, http.Header{}), "v5 client": form(v5, http.Header{"X-Auth-Return-Redirect": {"1"}}),
	} {
		want := shape(try("victim@app.example", "not the password"))
		for who, a := range map[string]answer{
			"nobody":                          try("nobody-"+strconv.Itoa(len(name))+"@app.example", "not the password"),
			"nobody by name":                  try("nobody", "not the password"),
			"what is no identifier":           try("not an identifier!", "not the password"),
			"disabled, with the right words":  try("disabled@app.example", password),
			"an address with another capital": try("VICTIM@app.example", "not the password either"),
		} {
			if who == "disabled, with the right words" && strings.Contains(want, "429") {
				t.Fatalf("%s: throttled too early for this test", name)
			}
			if diff := gocmp.Diff(want, shape(a)); diff != "" {
				t.Errorf("%s: %s is answered otherwise: %s", name, who, diff)
			}
		}
		// The next way begins with fresh counters.
		s.resetCounters(t, "victim@app.example", "disabled@app.example")
	}
}

// resetCounters signs in rightly, which takes the failures back. A disabled
// user is enabled for that moment.
func (s *site) resetCounters(t *testing.T, emails ...string) {
	t.Helper()
	for _, email := range emails {
		u, err := s.Users().Find(t.Context(), email)
		if err != nil {
			t.Fatal(err)
		}
		if u.Disabled() {
			if _, err := s.Users().Enable(t.Context(), "test", u.ID); err != nil {
				t.Fatal(err)
			}
		}
		if a := s.login(email, password); a.status != http.StatusOK {
			t.Fatalf("reset %s: %d", email, a.status)
		}
		if u.Disabled() {
			if _, err := s.Users().Disable(t.Context(), "test", u.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Guessing at one account is slowed down however its name is spelled and
// whichever of its names is used; the same happens to a name that nobody has;
// and the owner gets in once the wait that was told is over.
//
// proves: ASVS 6.3.1
func TestGuessing_isSlowedWhateverTheSpelling(t *testing.T) {
	var c clock
	s := newSite(t, func(cfg *gatehouse.Config) { cfg.Now = c.now })
	if a := s.send(request{http.MethodPost, v4.base + "/register", jsonType,
		`{"email":"victim@app.example","username":"victim","password":"` + password + `"}`, nil, nil}); a.status != http.StatusCreated {
		t.Fatalf("register: %d %s", a.status, a.body)
	}
	spellings := []string{"victim@app.example", "VICTIM@APP.EXAMPLE", " victim@app.example ", "\uff56ictim@app.example", "victim", "VICTIM", "\uff36\uff29\uff23\uff34\uff29\uff2d"}
	ghosts := []string{"ghost@app.example", "GHOST@APP.EXAMPLE", " ghost@app.example ", "\uff47host@app.example", "Ghost@app.example", "gHost@app.example", "\uff27HOST@app.example"}
	var wait int
	for i := range spellings {
		known, unknown := s.login(spellings[i], "wrong"), s.login(ghosts[i], "wrong")
		want := http.StatusUnauthorized
		if i >= 5 {
			want = http.StatusTooManyRequests
		}
		if known.status != want || unknown.status != want {
			t.Errorf("try %d (%q): %d, and %d for nobody; want %d", i+1, spellings[i], known.status, unknown.status, want)
		}
		if diff := gocmp.Diff(shape(known), shape(unknown)); diff != "" {
			t.Errorf("try %d: known and unknown differ: %s", i+1, diff)
		}
		if want == http.StatusTooManyRequests {
			if wait, _ = strconv.Atoi(known.header.Get("Retry-After")); wait < 1 {
				t.Errorf("try %d: Retry-After is %q", i+1, known.header.Get("Retry-After"))
			}
		}
	}
	if a := s.login("victim", password); a.status != http.StatusTooManyRequests {
		t.Errorf("a right guess during the wait is answered %d", a.status)
	}
	c.advance(time.Duration(wait) * time.Second)
	s.untilReady(t)
	if a := s.login("victim", password); a.status != http.StatusOK {
		t.Errorf("the owner after the wait: %d %s", a.status, a.body)
	}
	if a := s.login("victim", "wrong"); a.status != http.StatusUnauthorized {
		t.Errorf("after the owner signed in the count goes on: %d", a.status)
	}
}

// untilReady waits until the feed has been read by the moved clock.
func (s *site) untilReady(t *testing.T) {
	t.Helper()
	for range 2000 {
		if s.Ready(t.Context()) == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal(s.Ready(t.Context()))
}

// Guessing in parallel gives no more guesses than guessing in a row.
//
// proves: ASVS 6.3.1
func TestGuessing_inParallelGivesNoMoreGuesses(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "victim@app.example")
	judged := 0
	for status, n := range s.parallel(40, func(int) answer { return s.login("victim@app.example", "wrong") }) {
		switch status {
		case http.StatusUnauthorized:
			judged += n
		case http.StatusTooManyRequests:
		default:
			t.Errorf("%d answers %d", n, status)
		}
	}
	if judged != 5 {
		t.Errorf("%d guesses were judged, want 5", judged)
	}
}

// parallel sends n requests at once and counts their statuses.
func (s *site) parallel(n int, send func(i int) answer) map[int]int {
	count := map[int]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-begin
			a := send(i)
			mu.Lock()
			defer mu.Unlock()
			count[a.status]++
		})
	}
	close(begin)
	wg.Wait()
	return count
}

// A caller who sprays one password over many names is known by their address,
// which no header of theirs can change.
//
// proves: NEXT-7
func TestSpraying_isLimitedByTheAddressNobodyCanForge(t *testing.T) {
	s := newSite(t, func(c *gatehouse.Config) {
		c.ClientAddress.PeerIsClient = true
		c.Limits.AddressFailures = 6
	})
	s.newUser(t, "victim@app.example")
	for i := range 12 {
		forged := netip.AddrFrom4([4]byte{9, 9, 9, byte(i)}).String()
		header := http.Header{}
		for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "Cf-Connecting-Ip", "True-Client-Ip", "X-Client-Ip"} {
			header.Set(name, forged)
		}
		header.Set("Forwarded", "for="+forged)
		a := s.send(request{http.MethodPost, v4.base + "/login", jsonType, fmt.Sprintf(`{"identifier":"name%d@app.example","password":"Spring 2026!"}`, i), header, nil})
		if want := a.status == http.StatusTooManyRequests; want != (i >= 6) {
			t.Errorf("try %d: status %d", i+1, a.status)
		}
	}
}

// A flood of sign-ins fills the queue and no more: the rest is told at once
// when to come again, and whoever needs no hash is served meanwhile.
//
// proves: NEXT-9
func TestFlood_isToldToComeAgain(t *testing.T) {
	s := newSite(t, func(c *gatehouse.Config) { c.Password.Workers, c.Password.Queue = 1, 4 })
	served := make(chan answer, 1)
	count := s.parallel(100, func(i int) answer {
		if i == 50 {
			served <- s.send(request{method: http.MethodGet, path: v4.base + "/session"})
		}
		a := s.login(fmt.Sprintf("name%d@app.example", i), "wrong")
		if wait, _ := strconv.Atoi(a.header.Get("Retry-After")); a.status == http.StatusServiceUnavailable && wait < 1 {
			t.Errorf("503 without a time to come again: %q", a.header.Get("Retry-After"))
		}
		return a
	})
	if count[http.StatusServiceUnavailable] < 50 || count[http.StatusUnauthorized] < 5 || len(count) != 2 {
		t.Errorf("statuses %v, want a few 401 and all others 503", count)
	}
	if a := <-served; a.status != http.StatusOK {
		t.Errorf("GET /session is answered %d meanwhile", a.status)
	}
	s.log.clean(t)
}

// proves: CS-2, CB-25
func TestEnormousPasswords_areRefusedWithoutWork(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "victim@app.example")
	for length, want := range map[int]int{257: 400, 3073: 400, 60000: 400, 1 << 20: 413, 10 << 20: 413} {
		begun := time.Now()
		a := s.login("victim@app.example", strings.Repeat("a", length))
		if took := time.Since(begun); a.status != want || took > 2*time.Second {
			t.Errorf("%d characters: status %d after %s, want %d", length, a.status, took, want)
		}
	}
	for range 6 {
		s.login("victim@app.example", strings.Repeat("a", 257)) // is no guess, so it counts for none
	}
	if a := s.login("victim@app.example", password); a.status != http.StatusOK {
		t.Errorf("the owner is answered %d", a.status)
	}
}

// Text that is no Unicode would be taken for other text by the parser, and two
// passwords for one.
//
// proves: NIST-3, BCP-27, ASVS 1.5.3
func TestMangledJSON_isRefusedNotMended(t *testing.T) {
	s := newSite(t, nil)
	for name, pw := range map[string]string{
		"bytes that are no UTF-8": strings.Repeat("\xff", 20), "half of a character": strings.Repeat(`\ud83d`, 20), "halves in the wrong order": strings.Repeat(`\ude00\ud83d`, 20),
	} {
		a := s.send(request{http.MethodPost, v4.base + "/register", jsonType, `{"identifier":"ann","password":"` + pw + `"}`, nil, nil})
		if a.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	twice := `{"identifier":"ann","identifier":"bob","password":"` + password + `"}`
	if a := s.send(request{http.MethodPost, v4.base + "/register", jsonType, twice, nil, nil}); a.status != http.StatusBadRequest {
		t.Errorf("a member twice: %d %s", a.status, a.body)
	}
	whole := `{"identifier":"ann","password":"herons \ud83d\ude00 at noon \\ud83d"}`
	if a := s.send(request{http.MethodPost, v4.base + "/register", jsonType, whole, nil, nil}); a.status != http.StatusCreated {
		t.Errorf("the control, a whole character: %d %s", a.status, a.body)
	}
	if a := s.login("ann", "herons \U0001f600 at noon \\ud83d"); a.status != http.StatusOK {
		t.Errorf("the control cannot sign in: %d", a.status)
	}
}

// proves: CB-15, ASVS 2.2.1
func TestRegistration_inParallelGivesOneAccount(t *testing.T) {
	s := newSite(t, nil)
	spellings := []string{"ann@app.example", "ANN@app.example", "\uff41nn@app.example", " ann@app.example"}
	count := s.parallel(30, func(i int) answer {
		body := `{"identifier":"` + spellings[i%len(spellings)] + `","password":"` + password + `"}`
		return s.send(request{http.MethodPost, v4.base + "/register", jsonType, body, nil, nil})
	})
	if count[http.StatusCreated] != 1 || count[http.StatusConflict] != 29 {
		t.Errorf("statuses %v, want one 201 and 29 times 409", count)
	}
	if users, err := s.Users().List(t.Context(), "", 10); err != nil || len(users) != 1 {
		t.Errorf("%d users, %v", len(users), err)
	}
}

// A renewal under way when the session ends may answer late. Nothing it sets
// brings anybody back.
//
// proves: ASVS 7.4.1, NEXT-19
func TestSignOut_winsAgainstRenewalsUnderWay(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "victim@app.example")
	b := s.browser(v4).signIn(t, "victim@app.example", password)
	jar := maps.Clone(b.jar)
	var kept []map[string]string
	var mu sync.Mutex
	s.parallel(60, func(i int) answer {
		if i == 30 {
			return s.send(request{http.MethodPost, v4.base + "/logout", jsonType, "{}", nil, jar})
		}
		a := s.send(request{method: http.MethodGet, path: v4.base + "/session", cookies: jar})
		if a.beginsSession() {
			mu.Lock()
			defer mu.Unlock()
			kept = append(kept, a.cookies())
		}
		return a
	})
	for _, late := range append(kept, jar) {
		if got := s.who(v4, late); got.ID != "" {
			t.Fatalf("a late cookie brings %v back", got)
		}
	}
}
