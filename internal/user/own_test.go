package user_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/signin"
	"github.com/gatehouse-auth/gatehouse/internal/user"
)

const wrong auth.Secret = "certainly not the password"

func change(r *roomtest.Rooms, current session.Checked, old, pw auth.Secret) (session.Token, error) {
	return r.Users.ChangePassword(context.Background(), r.V4.Sessions, current, old, pw, auth.Device{UserAgent: "Firefox"})
}

func signIn(r *roomtest.Rooms, pw auth.Secret) error {
	_, err := r.SignIn.Password(context.Background(), "ann@example.com", pw, signin.Browser{Mount: r.V4.Sessions})
	return err
}

// proves: ASVS 6.2.2, ASVS 7.4.3, CB-7, ASVS 7.2.4
func TestChangePassword_endsEverySessionAndBeginsOne(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUserWithPassword(t, "ann", "user")
	_, mine := r.Begin(t, r.V4, u, nil)
	_, elsewhere := r.Begin(t, r.V5, u, nil)
	token, err := change(r, roomtest.Check(t, r.V4, mine.Text), roomtest.Password, roomtest.OtherPassword)
	if err != nil {
		t.Fatal(err)
	}
	if s := roomtest.Check(t, r.V4, mine.Text); s.Verdict.SignedIn() {
		t.Errorf("the cookie of before: verdict %d", s.Verdict)
	}
	if s := roomtest.Check(t, r.V5, elsewhere.Text); s.Verdict.SignedIn() {
		t.Errorf("another browser: verdict %d", s.Verdict)
	}
	s := roomtest.Check(t, r.V4, token.Text)
	if s.Verdict != session.Live || s.UserID() != u.ID || !slices.Equal(s.Roles, []string{"user"}) {
		t.Errorf("the new cookie: verdict %d, %s, roles %v", s.Verdict, s.UserID(), s.Roles)
	}
	if err := signIn(r, roomtest.Password); !errors.Is(err, auth.CodeInvalidCredentials) {
		t.Errorf("the old password: %v", err)
	}
	if err := signIn(r, roomtest.OtherPassword); err != nil {
		t.Errorf("the new password: %v", err)
	}
	if got := r.Events(t, u.ID); !slices.Contains(got, auth.EventPasswordChanged) {
		t.Errorf("events %v", got)
	}
}

// Guessing at the old password is slowed down as sign-in is, in a run of its own:
// who guesses at sign-in keeps nobody from changing their password, and who has
// a stolen session does not keep its owner from signing in.
//
// proves: ASVS 6.2.3, ASVS 6.3.4
func TestChangePassword_guessesAreSlowedDownAsAtSignIn(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUserWithPassword(t, "ann")
	begun, mine := r.Begin(t, r.V4, u, nil)
	for i := range r.Throttle.Free {
		var err error
		if i%2 == 0 {
			_, err = change(r, begun, wrong, roomtest.OtherPassword)
			if refused := auth.AsError(err); refused.Field != "currentPassword" {
				t.Errorf("the field is %q", refused.Field)
			}
		} else {
			err = r.Users.DeleteOwn(context.Background(), begun, wrong)
		}
		if !errors.Is(err, auth.CodeInvalidCredentials) {
			t.Fatalf("guess %d: %v", i, err)
		}
	}
	for name, try := range map[string]func() error{
		"change": func() error { _, err := change(r, begun, roomtest.Password, roomtest.OtherPassword); return err },
		"delete": func() error { return r.Users.DeleteOwn(context.Background(), begun, roomtest.Password) },
	} {
		if err := try(); auth.AsError(err).Code != auth.CodeTooManyAttempts || auth.AsError(err).RetryAfter != time.Second {
			t.Errorf("%s: %v, want a second to wait", name, err)
		}
	}
	if err := signIn(r, roomtest.Password); err != nil {
		t.Errorf("sign in: %v, want the owner let in", err)
	}
	if s := roomtest.Check(t, r.V4, mine.Text); s.Verdict != session.Live {
		t.Errorf("guessing ended the session: verdict %d", s.Verdict)
	}
	if got := r.Events(t, u.ID); !slices.Contains(got, auth.EventPasswordChangeFailed) {
		t.Errorf("events %v", got)
	}
	r.Advance(time.Second)
	if _, err := change(r, begun, roomtest.Password, roomtest.OtherPassword); err != nil {
		t.Fatalf("after the wait: %v", err)
	}
	if err := signIn(r, wrong); !errors.Is(err, auth.CodeInvalidCredentials) {
		t.Errorf("a right one takes the count back: %v", err)
	}
}

func TestChangePassword_judgesTheNewOne(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUserWithPassword(t, "ann")
	begun, mine := r.Begin(t, r.V4, u, nil)
	for pw, code := range map[auth.Secret]auth.Code{
		"short": auth.CodePasswordTooShort, "passwordpassword": auth.CodePasswordCommon, "ann@example.com": auth.CodePasswordContainsName,
		auth.Secret(strings.Repeat("long ", 60)): auth.CodePasswordTooLong, "": auth.CodePasswordTooShort,
		roomtest.Password: auth.CodePasswordUnchanged,
	} {
		if _, err := change(r, begun, roomtest.Password, pw); !errors.Is(err, code) || auth.AsError(err).Field != "newPassword" {
			t.Errorf("%q: %v, want %s", pw.Reveal(), err, code)
		}
	}
	if s := roomtest.Check(t, r.V4, mine.Text); s.Verdict != session.Live {
		t.Errorf("a refused password ended the session: verdict %d", s.Verdict)
	}
	if err := signIn(r, roomtest.Password); err != nil {
		t.Errorf("the old password: %v", err)
	}
}

// Two spellings of one text are one password, as they are at sign-in.
func TestChangePassword_refusesTheSameInAnotherNormalForm(t *testing.T) {
	const composed, decomposed auth.Secret = "caf\u00e9 kettle sings at noon", "cafe\u0301 kettle sings at noon"
	r := roomtest.New(t)
	u := r.NewUserWithPassword(t, "ann")
	begun, _ := r.Begin(t, r.V4, u, nil)
	token, err := change(r, begun, roomtest.Password, composed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := change(r, roomtest.Check(t, r.V4, token.Text), decomposed, composed); !errors.Is(err, auth.CodePasswordUnchanged) {
		t.Errorf("%v, want %s", err, auth.CodePasswordUnchanged)
	}
}

// A cookie that is no longer good proves nothing, whatever the caller still
// holds of it.
func TestOwn_refusesASessionThatHasEnded(t *testing.T) {
	ctx := context.Background()
	for name, end := range map[string]func(r *roomtest.Rooms, s *session.Checked) error{
		"void":       func(_ *roomtest.Rooms, s *session.Checked) error { s.Verdict = session.Void; return nil },
		"just ended": func(_ *roomtest.Rooms, s *session.Checked) error { s.Verdict = session.JustEnded; return nil },
		"superseded": func(_ *roomtest.Rooms, s *session.Checked) error { s.Verdict = session.Superseded; return nil },
		"voided since the check": func(r *roomtest.Rooms, s *session.Checked) error {
			_, err := r.Users.Disable(ctx, "cli", s.UserID())
			_, err2 := r.Users.Enable(ctx, "cli", s.UserID())
			return errors.Join(err, err2)
		},
		"disabled since the check": func(r *roomtest.Rooms, s *session.Checked) error {
			_, err := r.Users.Disable(ctx, "cli", s.UserID())
			return err
		},
		"deleted since the check": func(r *roomtest.Rooms, s *session.Checked) error { return r.Users.Delete(ctx, "cli", s.UserID()) },
	} {
		r := roomtest.New(t)
		u := r.NewUserWithPassword(t, "ann")
		begun, _ := r.Begin(t, r.V4, u, nil)
		if err := end(r, &begun); err != nil {
			t.Fatal(err)
		}
		if _, err := change(r, begun, roomtest.Password, roomtest.OtherPassword); auth.AsError(err).Code != auth.CodeSignedOut {
			t.Errorf("%s: change password: %v, want signed_out", name, err)
		}
		if err := r.Users.DeleteOwn(ctx, begun, roomtest.Password); auth.AsError(err).Code != auth.CodeSignedOut {
			t.Errorf("%s: delete account: %v, want signed_out", name, err)
		}
	}
}

// proves: ASVS 2.3.3
func TestChangePassword_isAllOrNothing(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUserWithPassword(t, "ann")
	begun, mine := r.Begin(t, r.V4, u, nil)
	for _, method := range []string{"SetPassword", "AppendChange", "InsertSession", "AppendEvent"} {
		mend := r.Faults.Break(method)
		if _, err := change(r, begun, roomtest.Password, roomtest.OtherPassword); !errors.Is(err, auth.CodeUnavailable) {
			t.Errorf("%s fails: %v, want unavailable", method, err)
		}
		mend()
		if s := roomtest.Check(t, r.V4, mine.Text); s.Verdict != session.Live {
			t.Errorf("%s fails, and the session has ended: verdict %d", method, s.Verdict)
		}
	}
	if feed := r.Feed(t); len(feed) != 0 {
		t.Errorf("feed of what failed: %v", feed)
	}
	if err := signIn(r, roomtest.Password); err != nil {
		t.Errorf("the old password: %v", err)
	}
}

func TestDeleteOwn_removesTheAccount(t *testing.T) {
	r := roomtest.New(t)
	u, other := r.NewUserWithPassword(t, "ann"), r.NewUser(t, "bob")
	begun, mine := r.Begin(t, r.V4, u, nil)
	if err := r.Users.DeleteOwn(context.Background(), begun, wrong); !errors.Is(err, auth.CodeInvalidCredentials) {
		t.Fatalf("with a wrong password: %v", err)
	}
	if err := r.Users.DeleteOwn(context.Background(), begun, roomtest.Password); err != nil {
		t.Fatal(err)
	}
	if s := roomtest.Check(t, r.V4, mine.Text); s.Verdict.SignedIn() {
		t.Errorf("its cookie: verdict %d", s.Verdict)
	}
	if _, err := r.Users.Find(context.Background(), string(u.ID)); !errors.Is(err, auth.CodeNotFound) {
		t.Errorf("still there: %v", err)
	}
	if _, err := r.Users.Find(context.Background(), string(other.ID)); err != nil {
		t.Errorf("another one: %v", err)
	}
}

// Nothing is written for a name that stays, and not without end for others: the
// audit record keeps each change for more than a year.
//
// proves: ASVS 2.4.1
func TestUpdateProfile_writesWhatChangesAndNotWithoutEnd(t *testing.T) {
	r := roomtest.New(t)
	r.Users.Changes, r.Users.UpdateLimit = r.Addresses, ratelimit.Limit{Name: "profile-update", Burst: 3, Period: time.Hour}
	ann, bob := r.NewUser(t, "ann"), r.NewUser(t, "bob")
	set := func(u auth.User, name string) error {
		_, err := r.Users.UpdateProfile(t.Context(), auth.Principal{UserID: u.ID}, user.Profile{Name: &name})
		return err
	}
	written := r.WatchWrites(t)
	for range 10 {
		if err := set(ann, "ann"); err != nil || written() {
			t.Fatalf("the name she has: %v", err)
		}
	}
	for _, name := range []string{"a", "b", "c"} {
		if err := set(ann, name); err != nil || !written() {
			t.Fatalf("%s: %v", name, err)
		}
	}
	err := set(ann, "d")
	if refused := auth.AsError(err); refused == nil || refused.Code != auth.CodeTooManyAttempts || refused.RetryAfter <= 0 || written() {
		t.Errorf("one more: %v, want too_many_attempts with a time to wait and nothing written", err)
	}
	if err := set(bob, "robert"); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	r.Advance(time.Hour)
	if err := set(ann, "d"); err != nil {
		t.Errorf("an hour later: %v", err)
	}
}

// What users may change about themselves is name and picture; there is no field
// for anything else.
//
// proves: ASVS 15.3.3, ASVS 8.2.3
func TestUpdateProfile_changesNameAndPictureAlone(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUser(t, "ann", "user")
	s, token := r.Begin(t, r.V4, u, nil)
	set := func(p user.Profile) (auth.User, error) {
		return r.Users.UpdateProfile(context.Background(), s.Principal(), p)
	}
	name, image := " Jürgen ", "https://img.example/a.png?x=1"
	got, err := set(user.Profile{Name: &name, Image: &image})
	if err != nil || got.Name != "Jürgen" || got.Image != image || got.Email != u.Email || !slices.Equal(got.Roles, u.Roles) || got.Epoch != u.Epoch || got.Version <= u.Version {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := set(user.Profile{}); err != nil || got.Name != "Jürgen" || got.Image != image {
		t.Errorf("nothing to change: %+v, %v", got, err)
	}
	if s := roomtest.Check(t, r.V4, token.Text); s.Verdict != session.Live {
		t.Errorf("a new name signs out: verdict %d", s.Verdict)
	}
	for _, bad := range []string{
		"javascript:alert(1)", "data:text/html,x", "//evil.example/a.png", "/a.png", "https://", "https://user:pw@img.example/", "ftp://img.example/a",
		"https://img.example/" + strings.Repeat("a", 1100), "https://img.example/\x00", "not an address", "HTTPS:img.example",
	} {
		if _, err := set(user.Profile{Image: &bad}); !errors.Is(err, auth.CodeInvalidRequest) {
			t.Errorf("picture %.40q: %v, want invalid_request", bad, err)
		}
	}
	two := "a\nb"
	if _, err := set(user.Profile{Name: &two}); !errors.Is(err, auth.CodeInvalidName) {
		t.Errorf("a name of two lines: %v", err)
	}
}
