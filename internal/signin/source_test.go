package signin_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

// An address that goes on failing waits twice as long each time, whichever
// accounts it tries.
//
// proves: CS-6, NEXT-7
func TestPassword_theAddressWaitsTwiceAsLongWithEachFailure(t *testing.T) {
	r := roomtest.New(t)
	next := 0
	guess := func() error { // at another account each time
		next++
		_, err := try(r, fmt.Sprintf("nobody%d", next), wrong, from(r, "192.0.2.7"))
		return err
	}
	for range r.Throttle.Address.Burst {
		if err := guess(); !errors.Is(err, auth.CodeInvalidCredentials) {
			t.Fatal(err)
		}
	}
	var waits []time.Duration
	for range 5 {
		err := guess()
		waits = append(waits, wait(err))
		r.Advance(wait(err))
		if err := guess(); !errors.Is(err, auth.CodeInvalidCredentials) {
			t.Fatalf("after the wait: %v", err)
		}
	}
	want := []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second}
	if diff := cmp.Diff(want, waits); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
	r.Advance(24 * time.Hour)
	for range r.Throttle.Address.Burst {
		if err := guess(); !errors.Is(err, auth.CodeInvalidCredentials) {
			t.Errorf("a day later: %v", err)
		}
	}
}

// R16: a restart forgets nothing.
func TestPassword_theCountOfAnAddressSurvivesARestart(t *testing.T) {
	r := roomtest.New(t)
	r.NewUserWithPassword(t, "ann")
	for i := range r.Throttle.Address.Burst {
		if _, err := try(r, fmt.Sprintf("nobody%d", i), wrong, from(r, "192.0.2.7")); !errors.Is(err, auth.CodeInvalidCredentials) {
			t.Fatal(err)
		}
	}
	if err := r.DB.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := sqlstore.Open(context.Background(), sqlstore.Options{Path: r.Path})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	r.Faults.Store = again
	if _, err := try(r, "ann@example.com", roomtest.Password, from(r, "192.0.2.7")); wait(err) != time.Second {
		t.Errorf("after a restart: %v, want a second to wait", err)
	}
}

// Where no address is known, one password tried at every account is slowed down
// all the same, and never for long: the door is everybody's.
//
// proves: ASVS 6.3.1
func TestPassword_unknownAddressesShareAPace(t *testing.T) {
	r := roomtest.New(t)
	r.NewUserWithPassword(t, "ann")
	home := known(t, r, "ann@example.com")
	burst := 4
	r.SignIn.Throttle.Unknown.Burst = burst
	for i := range burst {
		if _, err := try(r, fmt.Sprintf("nobody%d", i), wrong, from(r, "")); !errors.Is(err, auth.CodeInvalidCredentials) {
			t.Fatal(err)
		}
	}
	for i := range 8 {
		_, err := try(r, fmt.Sprintf("other%d", i), wrong, from(r, ""))
		if w := wait(err); w <= 0 || w > 5*time.Second {
			t.Fatalf("guess %d: %v, want a wait of five seconds at most", i, err)
		}
		if _, err := try(r, "ann@example.com", roomtest.Password, home); err != nil {
			t.Fatalf("the owner's browser: %v", err)
		}
		if _, err := try(r, "ann@example.com", roomtest.Password, from(r, "192.0.2.7")); err != nil {
			t.Fatalf("an address that is known: %v", err)
		}
		r.Advance(wait(err))
		if _, err := try(r, fmt.Sprintf("third%d", i), wrong, from(r, "")); !errors.Is(err, auth.CodeInvalidCredentials) {
			t.Fatalf("after the wait: %v", err)
		}
	}
}

// A hundred failures in a row, however slowly and from wherever, and the
// password opens nothing any more but in a browser that knows the account, until
// it is set anew.
//
// proves: NIST-5
func TestPassword_neverMoreThanAHundredFailuresInARow(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUserWithPassword(t, "ann")
	home := known(t, r, "ann@example.com")
	device := r.SignIn.Devices.Known(home.KnownBy, u.ID)
	judged := 0
	guess := func(device string) error {
		r.Advance(60 * time.Hour) // no delay is left, and what is old is purged
		if _, err := r.DB.PurgeCounters(t.Context(), r.Clock.Now().Add(-48*time.Hour), 100); err != nil {
			t.Fatal(err)
		}
		elsewhere := from(r, fmt.Sprintf("192.0.2.%d", judged)).Device
		err := r.Throttle.Count(t.Context(), r.DB, r.Throttle.Try(auth.Identifier{}, u, device, elsewhere), r.Clock.Now())
		if err == nil {
			judged++
		}
		return err
	}
	for range 130 {
		if err := guess(""); err != nil && wait(err) != r.Throttle.MaxDelay {
			t.Fatalf("after %d: %v", judged, err)
		}
	}
	if judged != 80 {
		t.Errorf("%d guesses were judged, want 80 of unknown browsers", judged)
	}
	if _, err := try(r, "ann@example.com", roomtest.Password, from(r, "198.51.100.1")); wait(err) != r.Throttle.MaxDelay {
		t.Errorf("the right password from elsewhere: %v, want it shut", err)
	}
	for range 40 {
		_ = guess(device)
	}
	if judged != 100 {
		t.Errorf("%d guesses were judged in all, want 100", judged)
	}
	if err := r.Users.SetPassword(t.Context(), "cli", u.ID, roomtest.OtherPassword, false); err != nil {
		t.Fatal(err)
	}
	signsIn(t, r, "ann@example.com", roomtest.OtherPassword)
}

// A made-up cookie is no way past the check of the source, which costs no write.
func TestPassword_onlyABrowserThatTheAccountKnowsIsNotHeldUpByItsSource(t *testing.T) {
	r := roomtest.New(t)
	r.NewUserWithPassword(t, "ann")
	r.NewUserWithPassword(t, "bob")
	home := known(t, r, "ann@example.com")
	for i := range 4 {
		_, _ = try(r, fmt.Sprintf("nobody%d", i), wrong, from(r, "192.0.2.7"))
	}
	home.Device = from(r, "192.0.2.7").Device
	written := r.WatchWrites(t)
	for what, text := range map[string]string{"none": "", "rubbish": "x.y", "a form that is ours": strings.Repeat("A", 12) + "." + strings.Repeat("B", 24), "another account's": home.KnownBy} {
		b := from(r, "192.0.2.7")
		b.KnownBy = text
		if _, err := try(r, "bob@example.com", wrong, b); wait(err) == 0 || written() {
			t.Errorf("%s: %v, want too_many_attempts without a write", what, err)
		}
	}
	if _, err := try(r, "ann@example.com", roomtest.Password, home); err != nil {
		t.Errorf("the browser that ann knows: %v", err)
	}
}

// The owner, at home, opens it for every browser.
func TestPassword_aRightOneFromAKnownBrowserEndsTheRun(t *testing.T) {
	r := roomtest.New(t)
	r.NewUserWithPassword(t, "ann")
	home := known(t, r, "ann@example.com")
	shut(t, r, "ann@example.com")
	if _, err := try(r, "ann@example.com", roomtest.Password, home); err != nil {
		t.Fatal(err)
	}
	signsIn(t, r, "ann@example.com", roomtest.Password)
}

// Who reads the database does not learn who came from where.
func TestPassword_countersDoNotNameAddresses(t *testing.T) {
	r := roomtest.New(t)
	if _, err := try(r, "nobody", wrong, from(r, "192.0.2.7")); err == nil {
		t.Fatal("signed in")
	}
	var keys string
	r.Query(t, `SELECT group_concat(key) FROM counters WHERE key LIKE 'source:%'`, &keys)
	if keys == "" || strings.Contains(keys, "192.0.2") {
		t.Errorf("keys %q", keys)
	}
}
