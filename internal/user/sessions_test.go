package user_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/user"
)

// ending are the two ways that ask for the password.
func ending(r *roomtest.Rooms, mine, other session.Checked) map[string]func(pw auth.Secret) error {
	return map[string]func(pw auth.Secret) error{
		"one": func(pw auth.Secret) error {
			_, err := r.Users.RevokeSession(context.Background(), mine, pw, other.SessionID(), auth.Device{})
			return err
		},
		"others": func(pw auth.Secret) error {
			_, err := r.Users.RevokeOtherSessions(context.Background(), mine, pw, auth.Device{})
			return err
		},
	}
}

// Whoever has a stolen cookie cannot shut its owner out: once the sign-in is
// some time ago, the password is asked for.
//
// proves: ASVS 7.5.2
func TestRevokeSession_asksForThePasswordOnceTheSignInIsNotFresh(t *testing.T) {
	for _, name := range []string{"one", "others"} {
		t.Run(name, func(t *testing.T) {
			r := roomtest.New(t)
			u := r.NewUserWithPassword(t, "ann")
			mine, _ := r.Begin(t, r.V4, u, nil)
			other, cookie := r.Begin(t, r.V4, u, nil)
			end := ending(r, mine, other)[name]
			r.Advance(user.FreshFor)
			for pw, want := range map[auth.Secret]auth.Code{"": auth.CodePasswordNeeded, wrong: auth.CodeInvalidCredentials} {
				err := end(pw)
				if refused := auth.AsError(err); refused.Code != want || refused.Field != "password" {
					t.Errorf("%q: %v", pw, err)
				}
			}
			if s := roomtest.Check(t, r.V4, cookie.Text); s.Verdict != session.Live {
				t.Errorf("a refused one had an effect: verdict %d", s.Verdict)
			}
			if err := end(roomtest.Password); err != nil {
				t.Error(err)
			}
			if s := roomtest.Check(t, r.V4, cookie.Text); s.Verdict.SignedIn() {
				t.Errorf("afterwards: verdict %d", s.Verdict)
			}
		})
	}
}

func TestRevokeSession_asksForNothingRightAfterTheSignIn(t *testing.T) {
	for _, name := range []string{"one", "others"} {
		r := roomtest.New(t)
		u := r.NewUserWithPassword(t, "ann")
		other, cookie := r.Begin(t, r.V4, u, nil)
		r.Advance(time.Hour)
		mine, _ := r.Begin(t, r.V4, u, nil)
		r.Advance(user.FreshFor - time.Second)
		if err := ending(r, mine, other)[name](""); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if s := roomtest.Check(t, r.V4, cookie.Text); s.Verdict.SignedIn() {
			t.Errorf("%s: verdict %d", name, s.Verdict)
		}
	}
}

func TestRevokeSession_ofTheOneThatAsksNeedsNoPassword(t *testing.T) {
	r := roomtest.New(t)
	mine, cookie := r.Begin(t, r.V4, r.NewUserWithPassword(t, "ann"), nil)
	r.Advance(time.Hour)
	if _, err := r.Users.RevokeSession(t.Context(), mine, "", mine.SessionID(), auth.Device{}); err != nil {
		t.Fatal(err)
	}
	if s := roomtest.Check(t, r.V4, cookie.Text); s.Verdict.SignedIn() {
		t.Errorf("verdict %d", s.Verdict)
	}
}

// A session that was adopted rests on no password given here, however young it
// is; and who has none has nothing to give.
func TestRevokeSession_ofAnAdoptedSession(t *testing.T) {
	for _, c := range []struct {
		name string
		user func(r *roomtest.Rooms) auth.User
		want auth.Code
	}{
		{"with a password", func(r *roomtest.Rooms) auth.User { return r.NewUserWithPassword(t, "ann") }, auth.CodePasswordNeeded},
		{"without one", func(r *roomtest.Rooms) auth.User { return r.NewUser(t, "ann") }, ""},
	} {
		r := roomtest.New(t)
		u := c.user(r)
		other, _ := r.Begin(t, r.V4, u, nil)
		proof := session.Proof{User: u} // no methods, as adoption has it
		var row session.Begun
		err := r.Store.InTx(t.Context(), func(tx store.Tx) (err error) {
			row, err = r.V4.Sessions.Begin(t.Context(), tx, proof)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		mine, _, err := r.V4.Sessions.Seal(t.Context(), row, proof, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := ending(r, mine, other)["one"](""); auth.AsError(err).Code != c.want && (err != nil || c.want != "") {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// What is not there is said before a password is asked for, and costs no hash.
func TestRevokeSession_ofSomebodyElseIsNotThere(t *testing.T) {
	r := roomtest.New(t)
	mine, _ := r.Begin(t, r.V4, r.NewUserWithPassword(t, "ann"), nil)
	bens, cookie := r.Begin(t, r.V4, r.NewUser(t, "ben"), nil)
	r.Advance(time.Hour)
	for _, id := range []auth.SessionID{bens.SessionID(), auth.NewSessionID(r.Clock.Now())} {
		for _, pw := range []auth.Secret{"", wrong, roomtest.Password} {
			if _, err := r.Users.RevokeSession(t.Context(), mine, pw, id, auth.Device{}); !errors.Is(err, auth.CodeNotFound) {
				t.Errorf("%s: %v", id, err)
			}
		}
	}
	if s := roomtest.Check(t, r.V4, cookie.Text); s.Verdict != session.Live {
		t.Errorf("verdict %d", s.Verdict)
	}
}
