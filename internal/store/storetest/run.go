package storetest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Sharer is a store whose rows a second handle can reach, as another process
// would.
type Sharer interface {
	store.Store
	// Another opens one more handle on the same rows; the test ends it.
	Another(t *testing.T) store.Store
}

// Run exercises everything. open returns an empty store and sees to its end.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	nouns := []struct {
		name string
		run  func(*testing.T, func(*testing.T) store.Store)
	}{
		{"Users", Users}, {"OldIDs", OldIDs}, {"Passwords", Passwords}, {"Sessions", Sessions}, {"Families", Families}, {"Keys", Keys}, {"Roles", Roles}, {"APIKeys", APIKeys},
		{"Challenges", Challenges}, {"Invitations", Invitations}, {"Counters", Counters},
		{"Events", Events}, {"Chain", Chain}, {"Changes", Changes}, {"Creations", Creations}, {"Held", Held}, {"Transactions", Transactions},
	}
	for _, n := range nouns {
		t.Run(n.name, func(t *testing.T) { n.run(t, open) })
	}
}

// test is one case: a sentence and what it does to an empty store.
type test struct {
	name string
	run  func(t *testing.T, s store.Store)
}

func each(t *testing.T, open func(*testing.T) store.Store, tests []test) {
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

// start is where every test's clock stands, exact to the microsecond and with
// no round part.
var start = time.Date(2026, 3, 9, 13, 37, 59, 123457000, time.UTC)

// justBefore and justAfter are the smallest steps a store must tell apart.
func justBefore(t time.Time) time.Time { return t.Add(-time.Microsecond) }
func justAfter(t time.Time) time.Time  { return t.Add(time.Microsecond) }

// same compares two nouns; nil and empty lists are one.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	opts := cmp.Options{cmpopts.EquateEmpty(), cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })}
	if diff := cmp.Diff(want, got, opts); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, diff)
	}
}

func ok(t *testing.T, doing string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", doing, err)
	}
}

// refused demands one of the sentinels.
func refused(t *testing.T, doing string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("%s: got error %v, want %v", doing, err, want)
	}
}

func count(t *testing.T, what string, got, want int) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %d, want %d", what, got, want)
	}
}

// must returns a method's value and ends the test on its error.
func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// atOnce runs fn in n goroutines that begin together, and returns how many
// succeeded. Every error but the refusal allowed fails the test.
func atOnce(t *testing.T, n int, allowed error, fn func(i int) error) (won int) {
	t.Helper()
	errs := make([]error, n)
	gate := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-gate
			errs[i] = fn(i)
		})
	}
	close(gate)
	all.Wait()
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, allowed):
			t.Errorf("got error %v, want %v or none", err, allowed)
		}
	}
	return won
}

// newUser creates a user with an address made from name.
func newUser(t *testing.T, s store.Users, name string) auth.User {
	t.Helper()
	u := auth.User{
		ID: auth.NewUserID(start), Email: name + "@example.com", Name: name,
		Epoch: 1, Version: 1, CreatedAt: start, UpdatedAt: start,
	}
	ok(t, "create user "+name, s.CreateUser(context.Background(), u))
	return u
}

// sessionOf returns a session of the user that lasts an hour. It is not stored.
func sessionOf(u auth.User) auth.Session {
	return auth.Session{
		ID: auth.NewSessionID(start), UserID: u.ID, Mount: "/api/auth", Epoch: u.Epoch,
		CreatedAt: start, LastSeenAt: start, AbsoluteEnd: start.Add(time.Hour), Methods: []string{"pwd"}, Version: 1,
	}
}

func newSession(t *testing.T, s store.Sessions, u auth.User) auth.Session {
	t.Helper()
	n := sessionOf(u)
	ok(t, "insert session", s.InsertSession(context.Background(), n))
	return n
}

// challengeOf returns a challenge of the user that lasts ten minutes.
func challengeOf(u auth.User) auth.Challenge {
	return auth.Challenge{
		ID: auth.NewChallengeID(start), UserID: u.ID, Kind: auth.ChallengeNewPassword, Epoch: u.Epoch,
		SecretHash: "hash-of-the-secret", TriesLeft: 3, CreatedAt: start, ExpiresAt: start.Add(10 * time.Minute),
	}
}

func numbered(i int) string { return fmt.Sprintf("user%03d", i) }
