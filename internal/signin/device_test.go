package signin_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/signin"
)

// known is the browser of somebody who has signed in there before.
func known(t *testing.T, r *roomtest.Rooms, identifier string) signin.Browser {
	t.Helper()
	b := from(r, "")
	b.KnownBy = signsIn(t, r, identifier, roomtest.Password).KnownBy
	if b.KnownBy == "" {
		t.Fatal("the browser is not known after a sign-in")
	}
	return b
}

// shut guesses at the account until an unknown browser must wait.
func shut(t *testing.T, r *roomtest.Rooms, identifier string) {
	t.Helper()
	for range r.Throttle.Free {
		if _, err := try(r, identifier, wrong, from(r, "")); !errors.Is(err, auth.CodeInvalidCredentials) {
			t.Fatal(err)
		}
	}
	if _, err := try(r, identifier, roomtest.Password, from(r, "")); wait(err) == 0 {
		t.Fatalf("not shut: %v", err)
	}
}

// An attacker who guesses wrongly on purpose does not keep the owner out.
//
// proves: CB-26, CS-6
func TestPassword_theOwnersBrowserIsNotHeldUpByGuessesFromElsewhere(t *testing.T) {
	r := roomtest.New(t)
	r.NewUserWithPassword(t, "ann")
	home := known(t, r, "ann@example.com")
	shut(t, r, "ann@example.com")
	if _, err := try(r, "ann@example.com", roomtest.Password, home); err != nil {
		t.Errorf("the owner: %v", err)
	}
}

// Nor does a source that is used up: the owner may sit in the attacker's network.
//
// proves: CB-26
func TestPassword_theOwnersBrowserIsNotHeldUpByItsAddress(t *testing.T) {
	r := roomtest.New(t)
	r.NewUserWithPassword(t, "ann")
	home := known(t, r, "ann@example.com")
	home.Device = from(r, "192.0.2.7").Device
	for _, who := range []string{"a1", "a2", "a3"} {
		if _, err := try(r, who, wrong, from(r, "192.0.2.7")); !errors.Is(err, auth.CodeInvalidCredentials) {
			t.Fatal(err)
		}
	}
	if _, err := try(r, "ann@example.com", roomtest.Password, from(r, "192.0.2.7")); wait(err) == 0 {
		t.Fatalf("the address is not used up: %v", err)
	}
	if _, err := try(r, "ann@example.com", roomtest.Password, home); err != nil {
		t.Errorf("the owner: %v", err)
	}
}

// A browser that is known is no better place to guess from.
func TestPassword_aKnownBrowserIsSlowedDownByItsOwnGuesses(t *testing.T) {
	r := roomtest.New(t)
	r.NewUserWithPassword(t, "ann")
	home := known(t, r, "ann@example.com")
	for range r.Throttle.Free {
		if _, err := try(r, "ann@example.com", wrong, home); !errors.Is(err, auth.CodeInvalidCredentials) {
			t.Fatal(err)
		}
	}
	if _, err := try(r, "ann@example.com", roomtest.Password, home); wait(err) != time.Second {
		t.Errorf("after its free tries: %v, want a second to wait", err)
	}
	signsIn(t, r, "ann@example.com", roomtest.Password) // and holds nobody else up
}

func TestDevices_areKnownToTheirAccountsAlone(t *testing.T) {
	d, err := signin.NewDevices([]auth.Secret{"the first secret", "the older secret"})
	if err != nil {
		t.Fatal(err)
	}
	ann, bob := auth.UserID("usr_ann"), auth.UserID("usr_bob")
	text := d.Remember("", ann)
	if d.Known(text, ann) == "" || d.Known(text, bob) != "" || d.Known(text, "") != "" {
		t.Errorf("%q: known to ann %q, bob %q, nobody %q", text, d.Known(text, ann), d.Known(text, bob), d.Known(text, ""))
	}
	if again := d.Remember(text, ann); again != text {
		t.Error("a browser that is known is given another text")
	}
	both := d.Remember(text, bob)
	if d.Known(both, ann) != d.Known(text, ann) || d.Known(both, bob) == "" {
		t.Error("the second account displaces the first")
	}
	for _, name := range []auth.UserID{"c", "d", "e"} {
		both = d.Remember(both, name)
	}
	if d.Known(both, "e") == "" || d.Known(both, ann) != "" || len(both) > 160 {
		t.Errorf("after five accounts: %q", both)
	}
	rotated, err := signin.NewDevices([]auth.Secret{"a new secret", "the first secret"})
	if err != nil {
		t.Fatal(err)
	}
	if rotated.Known(text, ann) == "" {
		t.Error("a secret that moved back makes nothing known any more")
	}
	stranger, err := signin.NewDevices([]auth.Secret{"somebody else's secret"})
	if err != nil {
		t.Fatal(err)
	}
	if d.Known(stranger.Remember("", ann), ann) != "" {
		t.Error("a text under another key is known")
	}
	if strings.Contains(text, "ann") {
		t.Errorf("%q names the user", text)
	}
}

func FuzzDevices(f *testing.F) {
	d, err := signin.NewDevices([]auth.Secret{"the first secret"})
	if err != nil {
		f.Fatal(err)
	}
	one := d.Remember("", "usr_ann")
	f.Add(one)
	f.Add(d.Remember(one, "usr_bob"))
	f.Add("~~~." + one)
	f.Fuzz(func(t *testing.T, text string) {
		if d.Known(text, "usr_eve") != "" {
			t.Errorf("%q is known to somebody who never signed in", text)
		}
		if next := d.Remember(text, "usr_eve"); d.Known(next, "usr_eve") == "" || len(next) > 160 {
			t.Errorf("%q becomes %q", text, next)
		}
	})
}
