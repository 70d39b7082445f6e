package mount_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

// R14, in the order of a session's life: what each verdict allows.
func TestSettleSession_asTheVerdictAllows(t *testing.T) {
	onBoth(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		u := r.NewUser(t, "ann")
		begun, token := r.Begin(t, m, u, nil)
		settle := func(text string, change func(*session.Claims) bool) (line string, fresh session.Token) {
			t.Helper()
			x, w := open(t, m, request(m, http.MethodGet, "/session", "", sessionCookie(m), text))
			s, err := x.Session()
			if err != nil {
				t.Fatal(err)
			}
			if fresh, err = x.SettleSession(s, change); err != nil {
				t.Fatal(err)
			}
			return sent(x, w)[sessionCookie(m)], fresh
		}
		if line, fresh := settle(token.Text, nil); fresh.Text == "" || !strings.Contains(line, "Expires=") {
			t.Errorf("live: %q, want a fresh seal", line)
		}
		if line, fresh := settle(token.Text, func(*session.Claims) bool { return false }); fresh.Text != "" || !strings.Contains(line, "Max-Age=0") {
			t.Errorf("live, and the program says no: %q, want it deleted", line)
		}
		r.Begin(t, m, u, &begun)
		if line, fresh := settle(token.Text, nil); fresh.Text != "" || line != "" {
			t.Errorf("superseded: %q, want it left alone", line)
		}
		if err := r.Sessions.SignOut(t.Context(), begun, auth.Device{}); err != nil {
			t.Fatal(err)
		}
		if line, _ := settle(token.Text, nil); line != "" {
			t.Errorf("just ended: %q, want it left alone", line)
		}
		r.Advance(2 * auth.SupersededGrace)
		if line, _ := settle(token.Text, nil); !strings.Contains(line, "Max-Age=0") {
			t.Errorf("void: %q, want it deleted", line)
		}
	})
}

// A session that ends between the check and the seal gets no cookie.
func TestSettleSession_asksOnceMore(t *testing.T) {
	r := roomtest.New(t)
	begun, token := r.Begin(t, r.V4, r.NewUser(t, "ann"), nil)
	x, w := open(t, r.V4, request(r.V4, http.MethodGet, "/session", "", sessionCookie(r.V4), token.Text))
	s, err := x.Session()
	if err = errors.Join(err, r.Sessions.SignOut(t.Context(), begun, auth.Device{})); err != nil {
		t.Fatal(err)
	}
	fresh, err := x.SettleSession(s, func(*session.Claims) bool { t.Error("asked about a dead session"); return true })
	if line := sent(x, w)[sessionCookie(r.V4)]; err != nil || fresh.Text != "" || line != "" || s.Verdict != session.JustEnded {
		t.Errorf("%v, %q, verdict %d", err, line, s.Verdict)
	}
}

func TestSessionAnswered_knowsItsOwnCookieAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		for line, want := range map[string]bool{
			sessionCookie(m) + "=x; Path=/": true, sessionCookie(m) + ".0=x": true, sessionCookie(m) + "=; Max-Age=0": true,
			sessionCookie(m) + "-other=x": false, sessionCookie(m): false, "x" + sessionCookie(m) + "=x": false, csrfCookie(m) + "=x": false,
		} {
			x, w := open(t, m, request(m, http.MethodGet, "/session", ""))
			w.Header().Add("Set-Cookie", line)
			if got := x.SessionAnswered(); got != want {
				t.Errorf("%q: %v, want %v", line, got, want)
			}
		}
	})
}
