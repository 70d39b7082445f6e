package registration_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/registration"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/signin"
)

func signinBrowser(r *roomtest.Rooms) signin.Browser { return signin.Browser{Mount: r.V4.Sessions} }

func fieldsOf(v any) (names []string) {
	for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
		names = append(names, f.Name)
	}
	return names
}

func invite(t *testing.T, r *roomtest.Rooms, in registration.NewInvitation) (auth.Invitation, auth.Secret) {
	t.Helper()
	i, code, err := r.Invitations.Create(context.Background(), "cli", in)
	if err != nil {
		t.Fatalf("invite: %v", err)
	}
	return i, code
}

func usesLeft(t *testing.T, r *roomtest.Rooms, id auth.InvitationID) int {
	t.Helper()
	list, err := r.Invitations.List(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range list {
		if i.ID == id {
			return i.UsesLeft
		}
	}
	return 0
}

func TestInvitation_givesItsRolesBesideTheConfigured(t *testing.T) {
	r := roomtest.New(t)
	r.Registration.Mode = registration.ByInvitation
	i, code := invite(t, r, registration.NewInvitation{Roles: []string{"editor", "user"}})
	u, err := register(r, registration.Request{Username: "ann", Invitation: "  " + code + "\n"})
	if err != nil || !slices.Equal(u.Roles, []string{"editor", "user"}) {
		t.Fatalf("roles %v, %v", u.Roles, err)
	}
	if left := usesLeft(t, r, i.ID); left != 0 {
		t.Errorf("%d uses left", left)
	}
	if !slices.Equal(r.Registration.Roles, []string{"user"}) {
		t.Errorf("the configured roles became %v", r.Registration.Roles)
	}
	bob, err := register(r, registration.Request{Username: "bob", Invitation: code})
	if !errors.Is(err, auth.CodeInvitationInvalid) {
		t.Errorf("used again: %v, %v", bob.Roles, err)
	}
}

// proves: ASVS 6.4.1, CB-3, ASVS 14.2.4
func TestInvitation_codeIsStoredNowhere(t *testing.T) {
	r := roomtest.New(t)
	i, code := invite(t, r, registration.NewInvitation{})
	id, secret, found := strings.Cut(code.Reveal(), ".")
	if !found || id != string(i.ID) || len(secret) < 43 {
		t.Errorf("a code of %d characters", len(code.Reveal()))
	}
	var hash string
	r.Query(t, `SELECT secret_hash FROM invitations`, &hash)
	if hash == "" || strings.Contains(hash, secret) {
		t.Errorf("stored %q", hash)
	}
}

func TestInvitation_refusesWhatIsNoCode(t *testing.T) {
	r := roomtest.New(t)
	r.Registration.Mode = registration.ByInvitation
	i, code := invite(t, r, registration.NewInvitation{TTL: time.Hour})
	_, gone := invite(t, r, registration.NewInvitation{})
	withdrawn, _, _ := strings.Cut(gone.Reveal(), ".")
	if err := r.Invitations.Delete(context.Background(), "cli", auth.InvitationID(withdrawn)); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]auth.Secret{
		"none": "", "the ID alone": auth.Secret(i.ID), "another secret": auth.Secret(string(i.ID) + "." + strings.Repeat("A", 43)), "the hash": auth.Secret(string(i.ID) + "." + i.SecretHash),
		"the secret alone": "." + code[41:], "withdrawn": gone, "injection": "' OR 1=1 --.x", "a megabyte": auth.Secret(strings.Repeat("x", 1<<20)), "capitals": auth.Secret(strings.ToUpper(code.Reveal())),
	} {
		_, err := register(r, registration.Request{Username: "ann", Invitation: bad})
		if refused := auth.AsError(err); refused.Code != auth.CodeInvitationInvalid || refused.Field != "invitationCode" {
			t.Errorf("%s: %v, want invitation_invalid", name, err)
		}
	}
	r.Advance(time.Hour)
	if _, err := register(r, registration.Request{Username: "ann", Invitation: code}); !errors.Is(err, auth.CodeInvitationInvalid) {
		t.Errorf("at its end: %v", err)
	}
	wantNobody(t, r)
}

// proves: ASVS 2.3.4, CB-2
func TestInvitation_isUsedAsOftenAsItSaysAmongManyAtOnce(t *testing.T) {
	r := roomtest.New(t)
	r.Registration.Mode = registration.ByInvitation
	i, code := invite(t, r, registration.NewInvitation{Uses: 3})
	errs := make([]error, 8)
	var all sync.WaitGroup
	for n := range errs {
		all.Go(func() {
			_, errs[n] = register(r, registration.Request{Username: "user" + string(rune('a'+n)), Invitation: code})
		})
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, auth.CodeInvitationInvalid) {
			t.Errorf("got %v", err)
		}
	}
	var users int
	r.Query(t, `SELECT count(*) FROM users`, &users)
	if won != 3 || users != 3 || usesLeft(t, r, i.ID) != 0 {
		t.Errorf("%d registered, %d users, %d uses left; want 3, 3, 0", won, users, usesLeft(t, r, i.ID))
	}
}

// A registration that fails for another reason uses nothing up.
func TestInvitation_survivesATakenIdentifier(t *testing.T) {
	r := roomtest.New(t)
	r.NewUser(t, "ann")
	r.Registration.Mode = registration.ByInvitation
	i, code := invite(t, r, registration.NewInvitation{})
	if _, err := register(r, registration.Request{Email: "ann@example.com", Invitation: code}); !errors.Is(err, auth.CodeIdentifierTaken) {
		t.Fatalf("got %v", err)
	}
	if left := usesLeft(t, r, i.ID); left != 1 {
		t.Errorf("%d uses left", left)
	}
	if _, err := register(r, registration.Request{Username: "ann", Invitation: code}); err != nil {
		t.Errorf("the next one: %v", err)
	}
}

// Without a good code nobody learns whether an identifier is taken.
func TestInvitation_isAskedForBeforeAnythingIsTold(t *testing.T) {
	r := roomtest.New(t)
	r.NewUser(t, "ann")
	r.Registration.Mode = registration.ByInvitation
	if _, err := register(r, registration.Request{Email: "ann@example.com"}); !errors.Is(err, auth.CodeInvitationInvalid) {
		t.Errorf("got %v, want invitation_invalid", err)
	}
}

func TestInvitations_refusesWhatIsOutOfBounds(t *testing.T) {
	r := roomtest.New(t)
	for name, c := range map[string]struct {
		in   registration.NewInvitation
		code auth.Code
	}{
		"negative uses": {registration.NewInvitation{Uses: -1}, auth.CodeInvalidRequest}, "endless uses": {registration.NewInvitation{Uses: 1 << 31}, auth.CodeInvalidRequest},
		"negative life": {registration.NewInvitation{TTL: -time.Hour}, auth.CodeInvalidRequest}, "endless life": {registration.NewInvitation{TTL: 1 << 62}, auth.CodeInvalidRequest},
		"no role": {registration.NewInvitation{Roles: []string{"a b"}}, auth.CodeInvalidRequest}, "a note of two lines": {registration.NewInvitation{Note: "a\nb"}, auth.CodeInvalidName},
	} {
		if _, code, err := r.Invitations.Create(context.Background(), "cli", c.in); !errors.Is(err, c.code) || code != "" {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	if list, err := r.Invitations.List(context.Background()); err != nil || len(list) != 0 {
		t.Errorf("%d invitations, %v", len(list), err)
	}
	if err := r.Invitations.Delete(context.Background(), "cli", auth.NewInvitationID(roomtest.Start)); !errors.Is(err, auth.CodeNotFound) {
		t.Errorf("withdrawing nothing: %v", err)
	}
}
