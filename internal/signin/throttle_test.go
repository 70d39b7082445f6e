package signin_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
	"github.com/gatehouse-auth/gatehouse/internal/user"
)

// wait is what a refusal says of when to come back; zero for any other answer.
func wait(err error) time.Duration {
	var refused *auth.Error
	if errors.As(err, &refused) && refused.Code == auth.CodeTooManyAttempts {
		return refused.RetryAfter
	}
	return 0
}

// After the free ones each wrong password doubles the wait, up to the most.
// Nobody is locked out for good.
//
// proves: ASVS 6.3.1, CS-6, ASVS 2.3.2
func TestPassword_waitDoublesWithEachFailure(t *testing.T) {
	r := roomtest.New(t)
	r.SignIn.Throttle.MaxDelay = 8 * time.Second
	u := r.NewUserWithPassword(t, "ann")
	fail := func() {
		t.Helper()
		if _, err := try(r, "ann@example.com", wrong, from(r, "")); !errors.Is(err, auth.CodeInvalidCredentials) {
			t.Fatalf("got %v, want invalid_credentials", err)
		}
	}
	for range r.SignIn.Throttle.Free {
		fail()
	}
	var waits []time.Duration
	for range 6 {
		// The right password must wait as well, or the wait would tell it.
		_, err := try(r, "ann@example.com", roomtest.Password, from(r, ""))
		waits = append(waits, wait(err))
		r.Advance(wait(err) - time.Microsecond)
		if _, err := try(r, "ann@example.com", wrong, from(r, "")); wait(err) != time.Microsecond {
			t.Fatalf("a microsecond early: %v, want one more to wait", err)
		}
		r.Advance(time.Microsecond)
		fail()
	}
	want := []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 8 * time.Second, 8 * time.Second}
	if diff := cmp.Diff(want, waits); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
	if n := failures(t, r, u.ID); n != r.SignIn.Throttle.Free+6 {
		t.Errorf("%d failures, want %d: refused tries are not counted, or the wait would never end", n, r.SignIn.Throttle.Free+6)
	}
	if got := r.Events(t, u.ID); !slices.Contains(got, auth.EventSignInFailed) || !slices.Contains(got, auth.EventSignInThrottled) {
		t.Errorf("events %v, want failures and throttling recorded", got)
	}
	r.Advance(8 * time.Second)
	signsIn(t, r, "ann@example.com", roomtest.Password)
	if n := failures(t, r, u.ID); n != 0 {
		t.Errorf("%d failures after a right password, want none", n)
	}
}

// A day's guesses at one account, as fast as the delays allow, are about a
// hundred.
func TestThrottle_allowsFewGuessesADay(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUser(t, "ann")
	try, guesses := r.Throttle.Try(auth.Identifier{}, u, "", auth.Device{}), 0
	for end := r.Clock.Now().Add(24 * time.Hour); r.Clock.Now().Before(end); {
		err := r.Throttle.Count(context.Background(), r.DB, try, r.Clock.Now())
		if err == nil {
			guesses++
			continue
		}
		r.Advance(wait(err))
	}
	if guesses < r.Throttle.Free || guesses > 110 {
		t.Errorf("%d guesses a day, want about a hundred at most", guesses)
	}
}

// Raised before the proof is judged: a hundred at once get no more guesses than
// a hundred in a row.
//
// proves: ASVS 15.4.2, ASVS 2.3.4
func TestPassword_guessesAtOnceGetNoMoreThanGuessesInARow(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUserWithPassword(t, "ann")
	var mu sync.Mutex
	codes := map[auth.Code]int{}
	var all sync.WaitGroup
	begin := make(chan struct{})
	for range 16 {
		all.Go(func() {
			<-begin
			_, err := try(r, "ann@example.com", wrong, from(r, ""))
			mu.Lock()
			defer mu.Unlock()
			codes[auth.AsError(err).Code]++
		})
	}
	close(begin)
	all.Wait()
	want := map[auth.Code]int{auth.CodeInvalidCredentials: r.Throttle.Free, auth.CodeTooManyAttempts: 16 - r.Throttle.Free}
	if diff := cmp.Diff(want, codes); diff != "" {
		t.Errorf("answers to 16 guesses at once (-want +got):\n%s", diff)
	}
	if n := failures(t, r, u.ID); n != r.Throttle.Free {
		t.Errorf("%d failures counted, want %d", n, r.Throttle.Free)
	}
}

// R16: a restart forgets nothing.
func TestPassword_countsSurviveARestart(t *testing.T) {
	r := roomtest.New(t)
	r.NewUserWithPassword(t, "ann")
	for _, who := range []string{"ann@example.com", "nobody@example.com"} {
		for range r.Throttle.Free {
			if _, err := try(r, who, wrong, from(r, "")); !errors.Is(err, auth.CodeInvalidCredentials) {
				t.Fatalf("%s: %v", who, err)
			}
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
	for _, who := range []string{"ann@example.com", "nobody@example.com"} {
		if _, err := try(r, who, wrong, from(r, "")); wait(err) != time.Second {
			t.Errorf("%s after a restart: %v, want a second to wait", who, err)
		}
	}
}

func TestPassword_aRunIsForgottenADayAfterItsLastFailure(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUserWithPassword(t, "ann")
	for range r.Throttle.Free {
		if _, err := try(r, "ann@example.com", wrong, from(r, "")); err == nil {
			t.Fatal("signed in")
		}
	}
	r.Advance(24*time.Hour + time.Second)
	if _, err := try(r, "ann@example.com", wrong, from(r, "")); !errors.Is(err, auth.CodeInvalidCredentials) {
		t.Fatalf("got %v", err)
	}
	if n := failures(t, r, u.ID); n != 1 {
		t.Errorf("%d failures, want a new run of one", n)
	}
}

// An attacker who fails at one account does not slow down another one.
func TestPassword_countsForEachAccountAlone(t *testing.T) {
	r := roomtest.New(t)
	r.NewUserWithPassword(t, "ann")
	r.NewUserWithPassword(t, "bob")
	for range r.Throttle.Free + 1 {
		if _, err := try(r, "ann@example.com", wrong, from(r, "")); err == nil {
			t.Fatal("signed in")
		}
	}
	signsIn(t, r, "bob@example.com", roomtest.Password)
}

// All identifiers of one user share one counter.
func TestPassword_otherNamesOfTheUserGiveNoFurtherGuesses(t *testing.T) {
	r := roomtest.New(t)
	mustCreate(t, r, "ann@example.com", "ann")
	for i := range r.Throttle.Free {
		if _, err := try(r, []string{"ann", "ann@example.com", " ANN"}[i%3], wrong, from(r, "")); !errors.Is(err, auth.CodeInvalidCredentials) {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"ann", "ann@example.com", "ANN@EXAMPLE.COM"} {
		if _, err := try(r, name, roomtest.Password, from(r, "")); wait(err) == 0 {
			t.Errorf("%q: %v, want a wait", name, err)
		}
	}
}

// The address pays for failures, and gets back what a right password took: an
// office of people who sign in rightly is never locked out.
//
// proves: CS-6
func TestPassword_addressPaysForFailuresAlone(t *testing.T) {
	r := roomtest.New(t)
	for _, name := range []string{"ann", "bob", "eve"} {
		r.NewUserWithPassword(t, name)
	}
	const office = "192.0.2.7"
	for range 2 * r.SignIn.Throttle.Address.Burst {
		if _, err := try(r, "ann@example.com", roomtest.Password, from(r, office)); err != nil {
			t.Fatalf("a right password: %v", err)
		}
	}
	// One wrong password for each account: stuffing, of which no account's
	// counter knows.
	for _, who := range []string{"ann@example.com", "bob@example.com", "nobody@example.com"} {
		if _, err := try(r, who, wrong, from(r, office)); !errors.Is(err, auth.CodeInvalidCredentials) {
			t.Fatalf("%s: %v", who, err)
		}
	}
	if _, err := try(r, "eve@example.com", roomtest.Password, from(r, office)); wait(err) <= 0 {
		t.Errorf("the address is used up: %v, want a wait", err)
	}
	for _, elsewhere := range []string{"192.0.2.8", ""} {
		if _, err := try(r, "eve@example.com", roomtest.Password, from(r, elsewhere)); err != nil {
			t.Errorf("from %q: %v", elsewhere, err)
		}
	}
	r.Advance(r.SignIn.Throttle.Address.Period)
	if _, err := try(r, "eve@example.com", roomtest.Password, from(r, office)); err != nil {
		t.Errorf("after the period: %v", err)
	}
}

// A refused address reaches neither the account's counter nor the hashing.
//
// proves: NEXT-9, ASVS 6.3.1
func TestPassword_addressIsRefusedBeforeHashing(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUserWithPassword(t, "ann")
	for _, who := range []string{"a1", "a2", "a3"} {
		if _, err := try(r, who, wrong, from(r, "2001:db8::1")); err == nil {
			t.Fatal("signed in")
		}
	}
	hashes := 0
	r.Passwords.Gate().Watch = func(context.Context, time.Time, time.Duration, time.Duration) { hashes++ }
	// The same /64 is the same subscriber.
	if _, err := try(r, "ann@example.com", wrong, from(r, "2001:db8::ffff")); wait(err) <= 0 {
		t.Errorf("got %v, want too_many_attempts", err)
	}
	if hashes != 0 {
		t.Errorf("%d hashes were computed for it", hashes)
	}
	if taken, queued := r.Passwords.Gate().Load(); taken+queued != 0 {
		t.Errorf("it keeps %d places and %d in the queue", taken, queued)
	}
	if n := failures(t, r, u.ID); n != 0 {
		t.Errorf("%d failures counted against the account", n)
	}
}

// The counter of an unknown identifier does not show it to who reads the
// database.
func TestPassword_countersDoNotNameUnknownIdentifiers(t *testing.T) {
	r := roomtest.New(t)
	if _, err := try(r, "somebody.else@example.com", wrong, from(r, "")); err == nil {
		t.Fatal("signed in")
	}
	var keys string
	r.Query(t, `SELECT group_concat(key) FROM counters WHERE key NOT LIKE '%somebody%'`, &keys)
	if keys == "" {
		t.Error("no counter without the typed identifier")
	}
	other := r.Throttle
	other.Key = []byte("another key")
	if diff := cmp.Diff(r.Throttle.UserKey("usr_x"), other.UserKey("usr_x")); diff != "" {
		t.Errorf("a known user's counter depends on the key: %s", diff)
	}
}

func mustCreate(t *testing.T, r *roomtest.Rooms, email, username string) auth.User {
	t.Helper()
	u, err := r.Users.Create(context.Background(), "test", newUser(email, username))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func newUser(email, username string) user.New {
	return user.New{Email: email, Username: username, Password: roomtest.Password}
}
