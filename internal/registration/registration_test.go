package registration_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/password"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
	"github.com/gatehouse-auth/gatehouse/internal/registration"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
)

func register(r *roomtest.Rooms, q registration.Request) (auth.User, error) {
	if q.Password == "" {
		q.Password = roomtest.Password
	}
	return r.Registration.Register(context.Background(), q, auth.Device{})
}

// wantNobody fails the test if anything at all was left behind.
func wantNobody(t *testing.T, r *roomtest.Rooms) {
	t.Helper()
	var rows int
	r.Query(t, `SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM identifiers) + (SELECT count(*) FROM passwords) + (SELECT count(*) FROM events WHERE type LIKE 'user.%')`, &rows)
	if rows != 0 {
		t.Errorf("%d rows were left behind", rows)
	}
}

// proves: NEXT-26
func TestRegister_makesAUserWhoCanSignIn(t *testing.T) {
	r := roomtest.New(t)
	u, err := register(r, registration.Request{Email: "Ann@Example.com", Username: "Ann_A", Name: "  Ann  "})
	if err != nil {
		t.Fatal(err)
	}
	want := auth.User{
		ID: u.ID, Email: "ann@example.com", Username: "ann_a", Name: "Ann", Roles: []string{"user"}, Version: 1,
		CreatedAt: roomtest.Start, UpdatedAt: roomtest.Start,
	}
	if diff := cmp.Diff(want, u); diff != "" {
		t.Errorf("user (-want +got):\n%s", diff)
	}
	stored, err := r.DB.User(context.Background(), u.ID)
	if diff := cmp.Diff(want, stored); err != nil || diff != "" {
		t.Errorf("row, %v (-want +got):\n%s", err, diff)
	}
	if got := r.Events(t, u.ID); !slices.Equal(got, []auth.EventType{auth.EventUserRegistered}) {
		t.Errorf("events %v", got)
	}
	b := signinBrowser(r)
	if _, err := r.SignIn.Password(context.Background(), "ann_a", roomtest.Password, b); err != nil {
		t.Errorf("sign in: %v", err)
	}
}

// proves: ASVS 11.4.2
func TestRegister_storesASlowHash(t *testing.T) {
	r := roomtest.New(t)
	u, err := register(r, registration.Request{Username: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.DB.Password(context.Background(), u.ID)
	if err != nil || !strings.HasPrefix(p.Hash, "$argon2id$v=19$m=19456,t=2,p=1$") || p.MustChange {
		t.Errorf("stored %+v, %v", p, err)
	}
}

func TestRegister_takesAnIdentifierByItsForm(t *testing.T) {
	for name, c := range map[string]struct {
		q               registration.Request
		email, username string
	}{
		"an address":             {registration.Request{Identifier: "ann@example.com"}, "ann@example.com", ""},
		"a user name":            {registration.Request{Identifier: "ann"}, "", "ann"},
		"a fullwidth at sign":    {registration.Request{Identifier: "ann＠example.com"}, "ann@example.com", ""},
		"a name beside address":  {registration.Request{Identifier: "ann", Email: "a@example.com"}, "a@example.com", "ann"},
		"an address beside name": {registration.Request{Identifier: "a@example.com", Username: "ann"}, "a@example.com", "ann"},
	} {
		r := roomtest.New(t)
		u, err := register(r, c.q)
		if err != nil || u.Email != c.email || u.Username != c.username {
			t.Errorf("%s: %q and %q, %v", name, u.Email, u.Username, err)
		}
	}
}

func TestRegister_refusesIdentifiers(t *testing.T) {
	r := roomtest.New(t)
	for name, c := range map[string]struct {
		q     registration.Request
		field string
	}{
		"none":                          {registration.Request{}, "identifier"},
		"a name as address":             {registration.Request{Email: "ann"}, "email"},
		"an address as name":            {registration.Request{Username: "ann@example.com"}, "username"},
		"two addresses":                 {registration.Request{Email: "ann@example.com", Identifier: "bob@example.com"}, "username"},
		"header injection":              {registration.Request{Email: "ann@example.com\r\nBcc: x@example.com"}, "email"},
		"no identifier":                 {registration.Request{Identifier: "a b"}, "identifier"},
		"a blank name":                  {registration.Request{Username: "   "}, "username"},
		"a good address and a bad name": {registration.Request{Email: "ann@example.com", Username: "a/b"}, "username"},
	} {
		_, err := register(r, c.q)
		if refused := auth.AsError(err); refused.Code != auth.CodeInvalidIdentifier || refused.Field != c.field {
			t.Errorf("%s: %v in %q, want invalid_identifier in %q", name, err, refused.Field, c.field)
		}
	}
	if _, err := register(r, registration.Request{Username: "ann", Name: "a\nb"}); !errors.Is(err, auth.CodeInvalidName) {
		t.Errorf("a name of two lines: %v", err)
	}
	wantNobody(t, r)
}

// One person is one account, however the name is typed, and a user name never
// shadows an address (CB-15).
//
// proves: CB-15
func TestRegister_identifierIsTakenOnce(t *testing.T) {
	r := roomtest.New(t)
	if _, err := register(r, registration.Request{Email: "a@x.test", Username: "finn"}); err != nil {
		t.Fatal(err)
	}
	var before int
	r.Query(t, `SELECT count(*) FROM users`, &before)
	for name, q := range map[string]registration.Request{
		"capitals":                           {Email: "A@X.Test"},
		"blanks":                             {Email: " a@x.test "},
		"fullwidth letters":                  {Email: "ａ@x.test"},
		"the user name":                      {Username: "FINN"},
		"a ligature":                         {Username: "ﬁnn"},
		"the user name beside a new address": {Email: "b@x.test", Username: "finn"},
		"the address beside a new name":      {Email: "a@x.test", Username: "bob"},
	} {
		if _, err := register(r, q); !errors.Is(err, auth.CodeIdentifierTaken) {
			t.Errorf("%s: %v, want identifier_taken", name, err)
		}
	}
	var after int
	r.Query(t, `SELECT count(*) FROM users`, &after)
	if after != before {
		t.Errorf("%d users, %d before the refusals", after, before)
	}
	if _, err := register(r, registration.Request{Email: "a+t@x.test", Username: "bob"}); err != nil {
		t.Errorf("a plus tag is another address: %v", err)
	}
}

// proves: ASVS 2.3.4
func TestRegister_ofManyAtOnceOneGetsTheIdentifier(t *testing.T) {
	r := roomtest.New(t)
	errs := make([]error, 6)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { _, errs[i] = register(r, registration.Request{Email: "ann@example.com"}) })
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, auth.CodeIdentifierTaken) {
			t.Errorf("got %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d registered one address", won, len(errs))
	}
}

// proves: ASVS 6.2.1, ASVS 6.2.4, ASVS 6.2.11, NIST-1
func TestRegister_judgesThePassword(t *testing.T) {
	r := roomtest.New(t)
	for pw, code := range map[auth.Secret]auth.Code{
		"fourteen chars":                         auth.CodePasswordTooShort,
		"passwordpassword":                       auth.CodePasswordCommon,
		"ann.other@example.com":                  auth.CodePasswordContainsName,
		"gatehouse-gatehouse":                    auth.CodePasswordContainsName,
		auth.Secret(strings.Repeat("xyz ", 100)): auth.CodePasswordTooLong,
		auth.Secret("seven quiet \xff lanterns"): auth.CodePasswordInvalid,
	} {
		_, err := register(r, registration.Request{Email: "ann.other@example.com", Password: pw})
		if refused := auth.AsError(err); refused.Code != code || refused.Field != "password" || strings.Contains(refused.Error()+refused.Text(), pw.Reveal()) {
			t.Errorf("%q: %v, want %s in the field password, without quoting it", pw.Reveal(), err, code)
		}
	}
	wantNobody(t, r)
	// The least is met, without capitals, digits or signs (6.2.5).
	if _, err := register(r, registration.Request{Email: "ann.other@example.com", Password: "fifteen letters"}); err != nil {
		t.Errorf("fifteen characters: %v", err)
	}
}

func TestRegister_closedRefusesAll(t *testing.T) {
	r := roomtest.New(t)
	r.Registration.Mode = registration.Closed
	_, code := invite(t, r, registration.NewInvitation{})
	if _, err := register(r, registration.Request{Username: "ann", Invitation: code}); !errors.Is(err, auth.CodeRegistrationClosed) {
		t.Errorf("got %v, want registration_closed", err)
	}
	wantNobody(t, r)
}

// Roles come from the configuration and the invitation; a request has no field
// for them (15.3.3), and none for whatever else decides.
//
// proves: ASVS 15.3.3, ASVS 8.2.3, NEXT-21
func TestRequest_hasNoFieldForPrivileges(t *testing.T) {
	want := []string{"Identifier", "Email", "Username", "Name", "Password", "Invitation"}
	if diff := cmp.Diff(want, fieldsOf(registration.Request{})); diff != "" {
		t.Errorf("fields of a request (-want +got): a new one must not be able to grant anything\n%s", diff)
	}
}

func TestRegister_mailedInvitationIsIgnoredWhileOpen(t *testing.T) {
	r := roomtest.New(t)
	i, code := invite(t, r, registration.NewInvitation{Roles: []string{"admin"}})
	u, err := register(r, registration.Request{Username: "ann", Invitation: code})
	if err != nil || !slices.Equal(u.Roles, []string{"user"}) {
		t.Errorf("roles %v, %v; want those of the configuration", u.Roles, err)
	}
	if left := usesLeft(t, r, i.ID); left != 1 {
		t.Errorf("%d uses left, want the one: it was ignored", left)
	}
}

// All of it or nothing: whatever statement fails.
//
// proves: ASVS 2.3.3
func TestRegister_leavesNothingHalfDone(t *testing.T) {
	r := roomtest.New(t)
	r.Registration.Mode = registration.ByInvitation
	i, code := invite(t, r, registration.NewInvitation{})
	for _, method := range []string{"SetPassword", "AppendEvent"} {
		mend := r.Faults.Break(method)
		if _, err := register(r, registration.Request{Username: "ann", Invitation: code}); !errors.Is(err, auth.CodeUnavailable) {
			t.Errorf("%s fails: %v, want unavailable", method, err)
		}
		mend()
		wantNobody(t, r)
	}
	r.Faults.Away(true)
	if _, err := register(r, registration.Request{Username: "ann", Invitation: code}); !errors.Is(err, auth.CodeUnavailable) {
		t.Errorf("store away: %v, want unavailable", err)
	}
	r.Faults.Away(false)
	if left := usesLeft(t, r, i.ID); left != 1 {
		t.Errorf("%d uses left after failures", left)
	}
}

// proves: ASVS 2.4.1, NEXT-26
func TestRegister_isLimitedForEachAddress(t *testing.T) {
	r := roomtest.New(t)
	d := auth.Device{Address: netip.MustParseAddr("2001:db8::1")}
	from := func(d auth.Device, name string) error {
		_, err := r.Registration.Register(context.Background(), registration.Request{Username: name, Password: roomtest.Password}, d)
		return err
	}
	for i := range r.Registration.AddressLimits.Burst {
		if err := from(d, "user"+string(rune('a'+i))); err != nil {
			t.Fatal(err)
		}
	}
	d.Address = netip.MustParseAddr("2001:db8::2") // the same /64
	err := from(d, "onemore")
	if refused := auth.AsError(err); refused.Code != auth.CodeTooManyAttempts || refused.RetryAfter <= 0 {
		t.Errorf("one more: %v, want too_many_attempts with a time to wait", err)
	}
	if err := from(auth.Device{}, "elsewhere"); err != nil {
		t.Errorf("from an unknown address: %v", err)
	}
	r.Advance(time.Hour)
	if err := from(d, "onemore"); err != nil {
		t.Errorf("an hour later: %v", err)
	}
}

// Where nobody's address is known all share one allowance, or a script could fill
// the disk with accounts.
//
// proves: ASVS 2.4.1
func TestRegister_isLimitedForAllUnknownAddressesTogether(t *testing.T) {
	r := roomtest.New(t)
	r.Registration.Mode = registration.ByInvitation // refused before the hash counts all the same
	r.Registration.AddressLimits.Burst = 1
	try := func(d auth.Device) error {
		_, err := r.Registration.Register(t.Context(), registration.Request{Username: "ann", Password: roomtest.Password, Invitation: "inv_x.y"}, d)
		return err
	}
	// All but one of them, taken without the work of a hash each.
	all := ratelimit.Limit{Name: "registration-unknown", Burst: 50, Period: time.Hour}
	if d, err := r.Addresses.Take(t.Context(), "unknown", all, 49, r.Clock.Now()); err != nil || !d.Allowed {
		t.Fatal(d, err)
	}
	if err := try(auth.Device{}); !errors.Is(err, auth.CodeInvitationInvalid) {
		t.Errorf("the fiftieth: %v, want invitation_invalid", err)
	}
	if err := try(auth.Device{}); !errors.Is(err, auth.CodeTooManyAttempts) {
		t.Errorf("the fifty-first: %v, want too_many_attempts", err)
	}
	if err := try(auth.Device{Address: netip.MustParseAddr("192.0.2.7")}); !errors.Is(err, auth.CodeInvitationInvalid) {
		t.Errorf("from a known address: %v", err)
	}
}

func TestRegister_busyIsSaidWithATimeToWait(t *testing.T) {
	r := roomtest.New(t)
	narrow, err := password.New(password.Options{Gate: password.NewGate(1, -1)})
	if err != nil {
		t.Fatal(err)
	}
	r.Registration.Passwords = narrow
	ticket, err := narrow.Admit()
	if err != nil {
		t.Fatal(err)
	}
	defer ticket.Release()
	_, err = register(r, registration.Request{Username: "ann"})
	if refused := auth.AsError(err); refused.Code != auth.CodeBusy || refused.RetryAfter < time.Second {
		t.Errorf("got %v, want busy with a second to wait at least", err)
	}
	wantNobody(t, r)
}
