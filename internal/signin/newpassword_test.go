package signin_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/signin"
)

// first makes a user who must choose a new password and takes the first step.
func first(t *testing.T, r *roomtest.Rooms) (auth.User, auth.Secret) {
	t.Helper()
	u := mustChange(t, r)
	got, err := try(r, "ann@example.com", roomtest.Password, from(r, ""))
	if err != nil || got.Missing != signin.StepNewPassword || got.Continue == "" || got.Token.Text != "" {
		t.Fatalf("first step: missing %q, token %q, error %v", got.Missing, got.Token.Text, err)
	}
	return u, got.Continue
}

func second(r *roomtest.Rooms, token, pw auth.Secret, b signin.Browser) (signin.Outcome, error) {
	return r.SignIn.NewPassword(context.Background(), token, pw, b)
}

func wantExpired(t *testing.T, doing string, err error) {
	t.Helper()
	if !errors.Is(err, auth.CodeChallengeExpired) {
		t.Errorf("%s: %v, want challenge_expired", doing, err)
	}
}

// proves: NIST-6
func TestNewPassword_isDemandedBeforeASession(t *testing.T) {
	r := roomtest.New(t)
	u, token := first(t, r)
	wantNoSession(t, r, u.ID)
	got, err := second(r, token, roomtest.OtherPassword, from(r, ""))
	if err != nil || !got.Done() {
		t.Fatalf("second step: missing %q, error %v", got.Missing, err)
	}
	if s := roomtest.Check(t, r.V4, got.Token.Text); s.Verdict != session.Live || s.UserID() != u.ID || !slices.Equal(s.Roles, []string{"user"}) {
		t.Errorf("verdict %d, user %s, roles %v", s.Verdict, s.UserID(), s.Roles)
	}
	if _, err := try(r, "ann@example.com", roomtest.Password, from(r, "")); !errors.Is(err, auth.CodeInvalidCredentials) {
		t.Errorf("the old password: %v", err)
	}
	signsIn(t, r, "ann@example.com", roomtest.OtherPassword)
	if got := r.Events(t, u.ID); !slices.Contains(got, auth.EventPasswordChanged) {
		t.Errorf("events %v", got)
	}
}

// proves: ASVS 7.4.3, CB-7
func TestNewPassword_endsTheOtherSessions(t *testing.T) {
	r := roomtest.New(t)
	u, token := first(t, r)
	_, elsewhere := r.Begin(t, r.V5, u, nil)
	if _, err := second(r, token, roomtest.OtherPassword, from(r, "")); err != nil {
		t.Fatal(err)
	}
	if s := roomtest.Check(t, r.V5, elsewhere.Text); s.Verdict.SignedIn() {
		t.Errorf("a session that the old password opened: verdict %d", s.Verdict)
	}
}

// proves: ASVS 2.3.1, ASVS 6.5.1
func TestNewPassword_worksOnce(t *testing.T) {
	r := roomtest.New(t)
	_, token := first(t, r)
	if _, err := second(r, token, roomtest.OtherPassword, from(r, "")); err != nil {
		t.Fatal(err)
	}
	_, err := second(r, token, "a third password of some length", from(r, ""))
	wantExpired(t, "used again", err)
	signsIn(t, r, "ann@example.com", roomtest.OtherPassword)
}

// proves: CB-2, ASVS 2.3.4
func TestNewPassword_worksOnceAmongManyAtOnce(t *testing.T) {
	r := roomtest.New(t)
	_, token := first(t, r)
	var won atomic.Int32
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			got, err := second(r, token, roomtest.OtherPassword, from(r, ""))
			if err == nil && got.Done() {
				won.Add(1)
			} else if !errors.Is(err, auth.CodeChallengeExpired) {
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
	if n := won.Load(); n != 1 {
		t.Errorf("%d of 6 won, want exactly one", n)
	}
}

// proves: ASVS 2.3.1, ASVS 6.6.2
func TestNewPassword_needsTheStepBefore(t *testing.T) {
	r := roomtest.New(t)
	u, token := first(t, r)
	id, secret, _ := strings.Cut(token.Reveal(), ".")
	for name, forged := range map[string]string{
		"empty": "", "no secret": id, "empty secret": id + ".", "another secret": id + "." + strings.Repeat("A", 43), "the ID as secret": id + "." + id,
		"secret alone": "." + secret, "a user's ID": string(u.ID) + "." + secret, "another challenge": string(auth.NewChallengeID(roomtest.Start)) + "." + secret,
		"the hash": id + ".x", "injection": "' OR 1=1 --." + secret, "a megabyte": strings.Repeat("A", 1<<20) + "." + secret, "something behind": token.Reveal() + ".x",
	} {
		_, err := second(r, auth.Secret(forged), roomtest.OtherPassword, from(r, ""))
		wantExpired(t, name, err)
	}
	b := from(r, "")
	b.Mount = r.V5.Sessions
	_, err := second(r, token, roomtest.OtherPassword, b)
	wantExpired(t, "at another mount", err)
	if got, err := second(r, token, roomtest.OtherPassword, from(r, "")); err != nil || !got.Done() {
		t.Errorf("the right one, after all these: %v", err)
	}
}

// proves: ASVS 6.6.3
func TestNewPassword_diesAfterTenTries(t *testing.T) {
	r := roomtest.New(t)
	u, token := first(t, r)
	id, _, _ := strings.Cut(token.Reveal(), ".")
	for range 10 {
		_, err := second(r, auth.Secret(id+".guess"), roomtest.OtherPassword, from(r, ""))
		wantExpired(t, "a guess", err)
	}
	_, err := second(r, token, roomtest.OtherPassword, from(r, ""))
	wantExpired(t, "the right secret as the eleventh try", err)
	wantNoSession(t, r, u.ID)
}

// proves: ASVS 6.5.5
func TestNewPassword_expiresAfterTenMinutes(t *testing.T) {
	for name, c := range map[string]struct {
		after time.Duration
		good  bool
	}{"a microsecond before": {10*time.Minute - time.Microsecond, true}, "at the end": {10 * time.Minute, false}} {
		r := roomtest.New(t)
		_, token := first(t, r)
		r.Advance(c.after)
		_, err := second(r, token, roomtest.OtherPassword, from(r, ""))
		if (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
		if !c.good {
			wantExpired(t, name, err)
		}
	}
}

func TestNewPassword_isJudgedByThePolicy(t *testing.T) {
	r := roomtest.New(t)
	_, token := first(t, r)
	for pw, code := range map[auth.Secret]auth.Code{
		"short": auth.CodePasswordTooShort, "passwordpassword": auth.CodePasswordCommon, "ann@example.com": auth.CodePasswordContainsName,
		auth.Secret(strings.Repeat("long ", 60)): auth.CodePasswordTooLong,
	} {
		if _, err := second(r, token, pw, from(r, "")); !errors.Is(err, code) {
			t.Errorf("%q: %v, want %s", pw.Reveal(), err, code)
		}
	}
	if _, err := second(r, token, roomtest.OtherPassword, from(r, "")); err != nil {
		t.Errorf("a good one after four bad ones: %v", err)
	}
}

// The first step's proof is voided by what voids sessions (R3).
func TestNewPassword_provesNothingOnceTheUserChanged(t *testing.T) {
	ctx := context.Background()
	for name, change := range map[string]func(r *roomtest.Rooms, id auth.UserID) error{
		"password set anew": func(r *roomtest.Rooms, id auth.UserID) error {
			return r.Users.SetPassword(ctx, "cli", id, "an operator's own idea of one", false)
		},
		"disabled": func(r *roomtest.Rooms, id auth.UserID) error { _, err := r.Users.Disable(ctx, "cli", id); return err },
		"disabled and enabled": func(r *roomtest.Rooms, id auth.UserID) error {
			_, err := r.Users.Disable(ctx, "cli", id)
			_, err2 := r.Users.Enable(ctx, "cli", id)
			return errors.Join(err, err2)
		},
		"deleted": func(r *roomtest.Rooms, id auth.UserID) error { return r.Users.Delete(ctx, "cli", id) },
	} {
		r := roomtest.New(t)
		u, token := first(t, r)
		if err := change(r, u.ID); err != nil {
			t.Fatal(err)
		}
		before, _ := r.DB.Password(ctx, u.ID)
		_, err := second(r, token, roomtest.OtherPassword, from(r, ""))
		wantExpired(t, name, err)
		if after, _ := r.DB.Password(ctx, u.ID); after.Hash != before.Hash {
			t.Errorf("%s: the password was replaced", name)
		}
		wantNoSession(t, r, u.ID)
	}
}

// proves: ASVS 16.5.2, ASVS 2.3.3
func TestNewPassword_outageLeavesTheStepAsItWas(t *testing.T) {
	r := roomtest.New(t)
	u, token := first(t, r)
	r.Faults.Away(true)
	if _, err := second(r, token, roomtest.OtherPassword, from(r, "")); !errors.Is(err, auth.CodeUnavailable) {
		t.Errorf("store away: %v, want unavailable", err)
	}
	r.Faults.Away(false)
	for _, method := range []string{"User", "SetPassword", "AppendChange", "AppendEvent"} {
		mend := r.Faults.Break(method)
		if _, err := second(r, token, roomtest.OtherPassword, from(r, "")); !errors.Is(err, auth.CodeUnavailable) {
			t.Errorf("%s fails: %v, want unavailable", method, err)
		}
		mend()
	}
	if n := len(r.Feed(t)); n != 0 {
		t.Errorf("%d rows in the feed of steps that failed", n)
	}
	if got := r.Events(t, u.ID); slices.Contains(got, auth.EventPasswordChanged) {
		t.Errorf("events %v", got)
	}
	if got, err := second(r, token, roomtest.OtherPassword, from(r, "")); err != nil || !got.Done() {
		t.Errorf("the store is back: %v", err)
	}
}

func TestNewPassword_busyUsesNothingUp(t *testing.T) {
	r := roomtest.New(t)
	_, token := first(t, r)
	leave := fillGate(t, r)
	if _, err := second(r, token, roomtest.OtherPassword, from(r, "")); !errors.Is(err, auth.CodeBusy) {
		t.Errorf("got %v, want busy", err)
	}
	leave()
	if _, err := second(r, token, roomtest.OtherPassword, from(r, "")); err != nil {
		t.Errorf("the gate is free: %v", err)
	}
}

// Somebody else knows the password that is to be replaced.
func TestNewPassword_isNotTheOldOne(t *testing.T) {
	r := roomtest.New(t)
	u, token := first(t, r)
	if _, err := second(r, token, roomtest.Password, from(r, "")); !errors.Is(err, auth.CodePasswordUnchanged) {
		t.Errorf("the same password again: %v, want password_unchanged", err)
	}
	wantNoSession(t, r, u.ID)
	if got, err := second(r, token, roomtest.OtherPassword, from(r, "")); err != nil || !got.Done() {
		t.Errorf("another one afterwards: %v", err)
	}
}
