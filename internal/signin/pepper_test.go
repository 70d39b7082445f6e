package signin_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/password"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
)

const (
	firstPepper  auth.Secret = "Yw2mQ0cB7sVx4pHk9eRt1uJz6nLf8aDg"
	secondPepper auth.Secret = "q3Nf7Zk1Xr9Wb5Tj2Gc8Ly4Ph6Ms0DvE"
)

// restart gives the rooms another hasher, as a restart with other settings does.
func restart(t *testing.T, r *roomtest.Rooms, o password.Options) {
	t.Helper()
	h, err := password.New(o)
	if err != nil {
		t.Fatal(err)
	}
	r.SignIn.Passwords, r.Users.Passwords, r.Registration.Passwords = h, h, h
}

func storedHash(t *testing.T, r *roomtest.Rooms, id auth.UserID) string {
	t.Helper()
	p, err := r.DB.Password(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return p.Hash
}

func TestPassword_movesHashesToThePepperOfTheSettings(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUserWithPassword(t, "ann")
	for _, step := range []struct {
		name string
		o    password.Options
		want string // how the hash begins afterwards
	}{
		{"on", password.Options{Peppers: []auth.Secret{firstPepper}}, "$hmac-sha256$keyid=" + password.PepperID(firstPepper) + "$"},
		{"rotated", password.Options{Peppers: []auth.Secret{secondPepper, firstPepper}}, "$hmac-sha256$keyid=" + password.PepperID(secondPepper) + "$"},
		{"off", password.Options{Peppers: []auth.Secret{secondPepper}, SkipPepper: true}, "$argon2id$"},
		{"removed", password.Options{}, "$argon2id$"},
	} {
		restart(t, r, step.o)
		before := storedHash(t, r, u.ID)
		if _, err := try(r, "ann@example.com", roomtest.OtherPassword, from(r, "")); !errors.Is(err, auth.CodeInvalidCredentials) {
			t.Errorf("%s: wrong password: %v", step.name, err)
		}
		if storedHash(t, r, u.ID) != before {
			t.Errorf("%s: a wrong password replaced the hash", step.name)
		}
		signsIn(t, r, "ann@example.com", roomtest.Password)
		if got := storedHash(t, r, u.ID); !strings.HasPrefix(got, step.want) {
			t.Errorf("%s: the hash is %q, want %s…", step.name, got, step.want)
		}
	}
}

// A pepper that was forgotten in one deployment is nobody's failure: nothing is
// counted, nobody waits once it is back, and the log can tell which it was.
func TestPassword_missingPepperIsUnavailableAndCountsNothing(t *testing.T) {
	r := roomtest.New(t)
	restart(t, r, password.Options{Peppers: []auth.Secret{firstPepper}})
	u := r.NewUserWithPassword(t, "ann")
	restart(t, r, password.Options{})
	for range 4 * r.SignIn.Throttle.Address.Burst {
		for _, pw := range []auth.Secret{roomtest.Password, roomtest.OtherPassword} {
			_, err := try(r, "ann@example.com", pw, from(r, "192.0.2.7"))
			if !errors.Is(err, auth.CodeUnavailable) || !strings.Contains(err.Error(), password.PepperID(firstPepper)) {
				t.Fatalf("%q: %v, want unavailable with the pepper's ID", pw, err)
			}
		}
	}
	if n := counters(t, r); n != 0 {
		t.Errorf("%d counters for tries that nobody judged", n)
	}
	if got := r.Events(t, u.ID); len(got) != 1 {
		t.Errorf("events %v, want its creation alone", got)
	}
	// The others are judged as ever.
	if _, err := try(r, "nobody@example.com", roomtest.Password, from(r, "192.0.2.8")); !errors.Is(err, auth.CodeInvalidCredentials) {
		t.Errorf("nobody: %v", err)
	}
	r.Users.Passwords = r.Passwords
	bob := r.NewUserWithPassword(t, "bob")
	signsIn(t, r, "bob@example.com", roomtest.Password)
	if n := failures(t, r, bob.ID); n != 0 {
		t.Errorf("bob: %d failures", n)
	}

	restart(t, r, password.Options{Peppers: []auth.Secret{firstPepper}})
	if _, err := try(r, "ann@example.com", roomtest.OtherPassword, from(r, "192.0.2.7")); !errors.Is(err, auth.CodeInvalidCredentials) || failures(t, r, u.ID) != 1 {
		t.Errorf("the pepper is back, wrong password: %v, %d failures", err, failures(t, r, u.ID))
	}
	if _, err := try(r, "ann@example.com", roomtest.Password, from(r, "192.0.2.7")); err != nil {
		t.Errorf("the pepper is back: %v", err)
	}
}

// A new password is no way around: what the old one was cannot be said.
func TestNewPassword_missingPepperIsUnavailable(t *testing.T) {
	r := roomtest.New(t)
	restart(t, r, password.Options{Peppers: []auth.Secret{firstPepper}})
	u := r.NewUserWithPassword(t, "ann")
	if err := r.Users.SetPassword(context.Background(), "test", u.ID, roomtest.OtherPassword, true); err != nil {
		t.Fatal(err)
	}
	waiting, err := try(r, "ann@example.com", roomtest.OtherPassword, from(r, ""))
	if err != nil || waiting.Done() {
		t.Fatalf("%+v, %v; want one step more", waiting, err)
	}
	restart(t, r, password.Options{})
	if _, err := r.SignIn.NewPassword(context.Background(), waiting.Continue, roomtest.Password, from(r, "")); !errors.Is(err, auth.CodeUnavailable) {
		t.Errorf("NewPassword = %v, want unavailable", err)
	}
	restart(t, r, password.Options{Peppers: []auth.Secret{firstPepper}})
	r.Advance(time.Second)
	if got, err := r.SignIn.NewPassword(context.Background(), waiting.Continue, roomtest.Password, from(r, "")); err != nil || !got.Done() {
		t.Errorf("the pepper is back: %+v, %v", got, err)
	}
}
