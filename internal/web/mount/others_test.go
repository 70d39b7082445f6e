package mount_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

// A browser brings the cookies of both mounts to each; a sign-out at one is a
// sign-out, and an end that could not be stored is not acknowledged.
func TestSignOut_endsTheSessionsOfAllMounts(t *testing.T) {
	onBoth(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		mount.Join(r.V4, r.V5)
		ann := r.NewUser(t, "ann")
		_, four := r.Begin(t, r.V4, ann, nil)
		_, five := r.Begin(t, r.V5, r.NewUser(t, "bob"), nil)
		signOut := func() (map[string]string, error) {
			x, w := open(t, m, request(m, "POST", "/signout", "", sessionCookie(r.V4), four.Text, sessionCookie(r.V5), five.Text))
			err := x.SignOut()
			return sent(x, w), err
		}
		verdicts := func() []session.Verdict {
			return []session.Verdict{roomtest.Check(t, r.V4, four.Text).Verdict, roomtest.Check(t, r.V5, five.Text).Verdict}
		}
		dropped := func(lines map[string]string) bool {
			return strings.Contains(lines[sessionCookie(r.V4)], "Max-Age=0") && strings.Contains(lines[sessionCookie(r.V5)], "Max-Age=0")
		}
		r.Faults.Away(true)
		if lines, err := signOut(); !errors.Is(err, auth.CodeUnavailable) || !dropped(lines) {
			t.Errorf("while the store is away: %v, cookies %q; want unavailable, and both dropped", err, lines)
		}
		if got := verdicts(); !slices.Equal(got, []session.Verdict{session.Live, session.Live}) {
			t.Errorf("after the refused sign-out: %v, want both live, as the refusal said", got)
		}
		r.Faults.Away(false)
		if lines, err := signOut(); err != nil || !dropped(lines) {
			t.Errorf("%v, cookies %q; want both dropped", err, lines)
		}
		if got := verdicts(); !slices.Equal(got, []session.Verdict{session.JustEnded, session.JustEnded}) {
			t.Errorf("after the sign-out: %v, want both ended", got)
		}
		// Of somebody who brings nothing, nothing is dropped.
		x, w := open(t, m, request(m, "POST", "/signout", ""))
		if err := x.SignOut(); err != nil || sent(x, w)[sessionCookie(r.V4)]+sent(x, w)[sessionCookie(r.V5)] != "" {
			t.Errorf("nobody: %v", err)
		}
	})
}

// A sign-out ends every session that the browser brings, also where one that was
// planted makes it nobody's.
func TestSignOut_endsAllOfSeveralSessions(t *testing.T) {
	onBoth(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		// A letter is a session of that user; a dot is a part of none.
		for i, browser := range []string{"aa", "ab", "abcde", "a."} {
			users := map[rune]auth.User{}
			var cookies, tokens []string
			for _, who := range browser {
				if who == '.' {
					cookies = append(cookies, sessionCookie(m)+".7", "x")
					continue
				}
				if users[who].ID == "" {
					users[who] = r.NewUser(t, fmt.Sprintf("%c%d", who, i))
				}
				_, token := r.Begin(t, m, users[who], nil)
				cookies, tokens = append(cookies, sessionCookie(m), token.Text), append(tokens, token.Text)
				r.Advance(time.Second)
			}
			bring := func() *mount.Exchange {
				x, _ := open(t, m, request(m, "POST", "/signout", "", cookies...))
				return x
			}
			mend := r.Faults.Break("RefuseAdoption")
			if err := bring().SignOut(); !errors.Is(err, auth.CodeUnavailable) {
				t.Errorf("%s, not stored: %v", browser, err)
			}
			mend()
			if err := bring().SignOut(); err != nil {
				t.Errorf("%s: %v", browser, err)
			}
			for i, token := range tokens {
				if roomtest.Check(t, m, token).Verdict.SignedIn() {
					t.Errorf("%s: session %d goes on", browser, i)
				}
			}
		}
	})
}

// A sign-in hears of the sessions at the other mounts, and where nothing can be
// said of one, of that.
func TestBrowser_tellsOfTheOtherMounts(t *testing.T) {
	r := roomtest.New(t)
	mount.Join(r.V4, r.V5)
	ann := r.NewUser(t, "ann")
	begun, five := r.Begin(t, r.V5, ann, nil)
	at := func(token string) *mount.Exchange {
		x, _ := open(t, r.V4, request(r.V4, "POST", "/signin", "", sessionCookie(r.V5), token))
		return x
	}
	if got, err := at(five.Text).Browser(nil).Elsewhere(); err != nil || len(got) != 1 || got[0].SessionID() != begun.SessionID() {
		t.Errorf("%v, %v; want the session", got, err)
	}
	if got, err := at("garbage").Browser(nil).Elsewhere(); err != nil || len(got) != 0 {
		t.Errorf("a void one: %v, %v", got, err)
	}
	if _, err := r.Users.SetRoles(t.Context(), "test", ann.ID, []string{"x"}); err != nil {
		t.Fatal(err)
	}
	r.Faults.Away(true)
	if _, err := at(five.Text).Browser(nil).Elsewhere(); !errors.Is(err, auth.CodeUnavailable) {
		t.Errorf("the row cannot be read: %v, want unavailable", err)
	}
}

// The cookie of somebody else goes with their session; that of the same person,
// whose application at the other mount reads no other, stays.
func TestSignedIn_dropsTheCookiesOfSomebodyElse(t *testing.T) {
	for who, want := range map[string]bool{"ann": false, "bob": true} {
		r := roomtest.New(t)
		mount.Join(r.V4, r.V5)
		users := map[string]auth.User{"ann": r.NewUser(t, "ann"), "bob": r.NewUser(t, "bob")}
		_, five := r.Begin(t, r.V5, users[who], nil)
		x, w := open(t, r.V4, request(r.V4, "POST", "/signin", "", sessionCookie(r.V5), five.Text))
		begun, token := r.Begin(t, r.V4, users["ann"], nil)
		x.SignedIn(&begun)
		x.KeepSession(token)
		lines := sent(x, w)
		if dropped := strings.Contains(lines[sessionCookie(r.V5)], "Max-Age=0"); dropped != want || !strings.Contains(lines[sessionCookie(r.V4)], "Expires=") {
			t.Errorf("ann signs in over %s: dropped %v, want %v; %q", who, dropped, want, lines)
		}
	}
}
