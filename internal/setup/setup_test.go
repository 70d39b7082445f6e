package setup_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/setup"
)

// newRoom returns a room on an installation without users.
func newRoom(t testing.TB) (*setup.Room, *roomtest.Rooms) {
	r := roomtest.New(t)
	return &setup.Room{Store: r.Store, Passwords: r.Passwords, Policy: r.Policy, Now: r.Clock.Now}, r
}

func newToken(t testing.TB, s *setup.Room) auth.Secret {
	t.Helper()
	token, err := s.NewToken(context.Background(), "cli", 0)
	if err != nil {
		t.Fatal(err)
	}
	return token.Text
}

func redeem(s *setup.Room, token auth.Secret, identifier string) (auth.User, error) {
	return s.Redeem(context.Background(), setup.Request{Token: token, Identifier: identifier, Name: " Ann ", Password: roomtest.Password}, auth.Device{})
}

// left counts what a refusal must not leave behind.
func left(t *testing.T, r *roomtest.Rooms) (users int) {
	t.Helper()
	r.Query(t, `SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM identifiers) + (SELECT count(*) FROM passwords) + (SELECT count(*) FROM events WHERE type = 'setup.completed')`, &users)
	return users
}

func TestRedeem_makesTheFirstAdministratorWhoCanSignIn(t *testing.T) {
	s, r := newRoom(t)
	u, err := redeem(s, " "+newToken(t, s)+"\n", "Ann@Example.com")
	if err != nil {
		t.Fatal(err)
	}
	want := auth.User{ID: u.ID, Email: "ann@example.com", Name: "Ann", Roles: []string{auth.RoleAdmin}, Version: 1, CreatedAt: roomtest.Start, UpdatedAt: roomtest.Start}
	if diff := cmp.Diff(want, u); diff != "" {
		t.Errorf("user (-want +got):\n%s", diff)
	}
	stored, err := r.DB.User(context.Background(), u.ID)
	if diff := cmp.Diff(want, stored); err != nil || diff != "" {
		t.Errorf("row, %v (-want +got):\n%s", err, diff)
	}
	if p, err := r.DB.Password(context.Background(), u.ID); err != nil || p.MustChange || !strings.HasPrefix(p.Hash, "$argon2id$") {
		t.Errorf("password %+v, %v", p, err)
	}
	if got := r.Events(t, u.ID); !slices.Equal(got, []auth.EventType{auth.EventSetupCompleted}) {
		t.Errorf("events %v", got)
	}
}

func TestRedeem_worksOnceAndNeverBesideAnAdministrator(t *testing.T) {
	s, r := newRoom(t)
	first, second := newToken(t, s), newToken(t, s)
	ann, err := redeem(s, first, "ann")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := redeem(s, first, "bob"); !errors.Is(err, auth.CodeSetupTokenInvalid) {
		t.Errorf("the token again: %v", err)
	}
	if _, err := redeem(s, second, "bob"); !errors.Is(err, auth.CodeSetupDone) {
		t.Errorf("another token: %v", err)
	}
	if _, err := s.NewToken(context.Background(), "cli", 0); !errors.Is(err, auth.CodeSetupDone) {
		t.Errorf("a new token: %v", err)
	}
	if needed, err := s.Needed(context.Background()); needed || err != nil {
		t.Errorf("needed %v, %v", needed, err)
	}
	// An administrator who is barred can do nothing, so there is none.
	if _, err := r.Users.Disable(context.Background(), "cli", ann.ID); err != nil {
		t.Fatal(err)
	}
	if needed, err := s.Needed(context.Background()); !needed || err != nil {
		t.Errorf("after disabling: needed %v, %v", needed, err)
	}
	if _, err := redeem(s, second, "bob"); err != nil {
		t.Errorf("the other token then: %v", err)
	}
}

// Who may do everything is an administrator, whatever the role is called and
// wherever it is defined; who may do much is none.
func TestNeeded_asksWhatRolesAllow(t *testing.T) {
	s, r := newRoom(t)
	s.Configured = []auth.Role{
		{Name: "boss", Origin: auth.RoleConfigured, Permissions: []string{"gatehouse.*:*"}},
		{Name: "heir", Origin: auth.RoleConfigured, Inherits: []string{"boss"}},
		{Name: "much", Origin: auth.RoleConfigured, Permissions: []string{"*:*", "gatehouse.users:*", "gatehouse.*:read"}},
	}
	stored := auth.Role{Name: "keeper", Origin: auth.RoleStored, Permissions: []string{"gatehouse.*:*"}, Version: 1, CreatedAt: roomtest.Start, UpdatedAt: roomtest.Start}
	if err := r.Store.CreateRole(context.Background(), stored); err != nil {
		t.Fatal(err)
	}
	for role, needed := range map[string]bool{"much": true, auth.RoleSupport: true, "nothing": true, "boss": false, "heir": false, "keeper": false, auth.RoleAdmin: false} {
		u := r.NewUser(t, "user-of-"+strings.ReplaceAll(role, ".", "-"), role)
		if got, err := s.Needed(context.Background()); got != needed || err != nil {
			t.Errorf("%s: needed %v, %v", role, got, err)
		}
		if err := r.Users.Delete(context.Background(), "cli", u.ID); err != nil {
			t.Fatal(err)
		}
	}
}

// A user who is no administrator stands in nobody's way, but for the name.
func TestRedeem_isNotHinderedByOtherUsers(t *testing.T) {
	s, r := newRoom(t)
	r.NewUser(t, "ann")
	token := newToken(t, s)
	_, err := redeem(s, token, "ann@example.com")
	if refused := auth.AsError(err); refused.Code != auth.CodeIdentifierTaken {
		t.Errorf("a taken name: %v", err)
	}
	if _, err := redeem(s, token, "root.user"); err != nil {
		t.Errorf("another name, the same token: %v", err)
	}
}

func TestRedeem_refusesWhatIsNoToken(t *testing.T) {
	s, r := newRoom(t)
	token := newToken(t, s)
	id, secret, _ := strings.Cut(token.Reveal(), ".")
	other := newToken(t, s)
	_, otherSecret, _ := strings.Cut(other.Reveal(), ".")
	var hash string
	r.Query(t, `SELECT secret_hash FROM challenges WHERE id = '`+id+`'`, &hash)
	if hash == "" || strings.Contains(hash, secret) {
		t.Errorf("stored %q", hash)
	}
	for name, bad := range map[string]string{
		"none": "", "the ID": id, "the ID and a dot": id + ".", "the secret": secret, "another's secret": id + "." + otherSecret, "the hash": id + "." + hash,
		"capitals": strings.ToUpper(token.Reveal()), "injection": "' OR 1=1 --.x", "a megabyte": strings.Repeat("x", 1<<20), "twice": token.Reveal() + token.Reveal(),
	} {
		_, err := redeem(s, auth.Secret(bad), "ann")
		if refused := auth.AsError(err); refused.Code != auth.CodeSetupTokenInvalid || refused.Field != "setupToken" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := left(t, r); n != 0 {
		t.Errorf("%d rows were left behind", n)
	}
	if _, err := redeem(s, token, "ann"); err != nil {
		t.Errorf("the right one: %v", err)
	}
}

// A token of another step opens nothing here, and this one nothing there.
func TestRedeem_takesNoOtherChallenge(t *testing.T) {
	s, r := newRoom(t)
	token := newToken(t, s)
	if _, err := r.SignIn.Waiting(context.Background(), token); !errors.Is(err, auth.CodeChallengeExpired) {
		t.Errorf("as a new password's: %v", err)
	}
	id, _, _ := strings.Cut(token.Reveal(), ".")
	r.Exec(t, `UPDATE challenges SET kind = 'new_password' WHERE id = '`+id+`'`)
	if _, err := redeem(s, token, "ann"); !errors.Is(err, auth.CodeSetupTokenInvalid) {
		t.Errorf("a new password's as this: %v", err)
	}
}

func TestRedeem_endsWithItsTime(t *testing.T) {
	s, r := newRoom(t)
	token, late := newToken(t, s), newToken(t, s)
	r.Advance(setup.DefaultTTL - time.Microsecond)
	if _, err := redeem(s, token, "a b"); !errors.Is(err, auth.CodeInvalidIdentifier) {
		t.Errorf("just before its end: %v", err)
	}
	r.Advance(time.Microsecond)
	if _, err := redeem(s, late, "ann"); !errors.Is(err, auth.CodeSetupTokenInvalid) {
		t.Errorf("at its end: %v", err)
	}
	for ttl, good := range map[time.Duration]bool{setup.MaxTTL: true, setup.MaxTTL + 1: false, -1: false, time.Second: true} {
		if _, err := s.NewToken(context.Background(), "cli", ttl); (err == nil) != good {
			t.Errorf("%s: %v", ttl, err)
		}
	}
}

// Somebody who learned the ID alone uses it up at the most, and never gets to
// guess on.
func TestRedeem_tiesTheTokenToSomeTries(t *testing.T) {
	s, r := newRoom(t)
	token := newToken(t, s)
	id, _, _ := strings.Cut(token.Reveal(), ".")
	for range 19 {
		if _, err := redeem(s, auth.Secret(id+".wrong"), "ann"); !errors.Is(err, auth.CodeSetupTokenInvalid) {
			t.Fatal(err)
		}
	}
	if _, err := redeem(s, token, ""); !errors.Is(err, auth.CodeInvalidIdentifier) {
		t.Errorf("the twentieth: %v", err)
	}
	if _, err := redeem(s, token, "ann"); !errors.Is(err, auth.CodeSetupTokenInvalid) {
		t.Errorf("the next one: %v", err)
	}
	var refused int
	if r.Query(t, `SELECT count(*) FROM events WHERE type = 'setup.refused'`, &refused); refused != 19 {
		t.Errorf("%d records of wrong tries, want 19", refused)
	}
}

// Nothing is told, and nothing hashed, before the token was judged.
func TestRedeem_judgesTheTokenFirst(t *testing.T) {
	s, r := newRoom(t)
	r.NewUser(t, "ann")
	token := newToken(t, s)
	for _, q := range []setup.Request{
		{Identifier: "ann@example.com", Password: roomtest.Password}, {Identifier: "a b", Password: "x"}, {Identifier: "ann", Password: "password"}, {},
	} {
		q.Token = "x.y"
		if _, err := s.Redeem(context.Background(), q, auth.Device{}); !errors.Is(err, auth.CodeSetupTokenInvalid) {
			t.Errorf("%+v without a token: %v", q, err)
		}
	}
	for want, q := range map[auth.Code]setup.Request{
		auth.CodeInvalidIdentifier: {Identifier: "a b", Password: roomtest.Password}, auth.CodePasswordTooShort: {Identifier: "bob", Password: "short"},
		auth.CodeInvalidName: {Identifier: "bob", Name: "a\nb", Password: roomtest.Password}, auth.CodePasswordContainsName: {Identifier: "annabel.lanternfish", Password: "annabel.lanternfish"},
	} {
		q.Token = token
		if _, err := s.Redeem(context.Background(), q, auth.Device{}); !errors.Is(err, want) {
			t.Errorf("%+v with a token: %v, want %s", q, err, want)
		}
	}
}

// However many there are at once, with however many tokens, there is one
// administrator.
//
// proves: ASVS 2.3.4
func TestRedeem_ofManyAtOnceExactlyOneWins(t *testing.T) {
	for tokens, redeemers := range map[int]int{1: 8, 2: 50, 8: 8} { // a hash each
		t.Run(fmt.Sprintf("%d tokens", tokens), func(t *testing.T) {
			s, r := newRoom(t)
			texts := make([]auth.Secret, tokens)
			for i := range texts {
				texts[i] = newToken(t, s)
			}
			r.Exec(t, `UPDATE challenges SET tries_left = 1000`)
			errs := make([]error, redeemers)
			var all sync.WaitGroup
			for i := range redeemers {
				all.Go(func() {
					for { // the hashing gate takes some at a time
						_, errs[i] = redeem(s, texts[i%tokens], fmt.Sprintf("user%02d", i))
						if !errors.Is(errs[i], auth.CodeBusy) {
							return
						}
					}
				})
			}
			all.Wait()
			won := 0
			for _, err := range errs {
				switch {
				case err == nil:
					won++
				case !errors.Is(err, auth.CodeSetupTokenInvalid) && !errors.Is(err, auth.CodeSetupDone):
					t.Errorf("got %v", err)
				}
			}
			if rows := left(t, r); won != 1 || rows != 4 {
				t.Errorf("%d won, %d rows, want 1 and 4", won, rows)
			}
		})
	}
}

func TestRedeem_whatCannotBeSaidIsUnavailable(t *testing.T) {
	s, r := newRoom(t)
	token := newToken(t, s)
	r.Faults.Away(true)
	if _, err := redeem(s, token, "ann"); !errors.Is(err, auth.CodeUnavailable) {
		t.Errorf("away: %v", err)
	}
	if _, err := s.NewToken(context.Background(), "cli", 0); !errors.Is(err, auth.CodeUnavailable) {
		t.Errorf("a token: %v", err)
	}
	if _, err := s.Needed(context.Background()); !errors.Is(err, auth.CodeUnavailable) {
		t.Errorf("needed: %v", err)
	}
	r.Faults.Away(false)
	mend := r.Faults.Break("AppendEvent")
	if _, err := redeem(s, token, "ann"); !errors.Is(err, auth.CodeUnavailable) {
		t.Errorf("half way: %v", err)
	}
	mend()
	if n := left(t, r); n != 0 {
		t.Errorf("%d rows were left behind", n)
	}
	if _, err := redeem(s, token, "ann"); err != nil {
		t.Errorf("then: %v", err)
	}
}
