package signin_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/session"
)

func TestRegistered_beginsASessionOfTheNewUser(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUserWithPassword(t, "ann", "user")
	got, err := r.SignIn.Registered(t.Context(), u, from(r, ""))
	if err != nil || !got.Done() {
		t.Fatalf("missing %q, error %v", got.Missing, err)
	}
	if s := roomtest.Check(t, r.V4, got.Token.Text); s.Verdict != session.Live || s.UserID() != u.ID {
		t.Errorf("verdict %d, user %s", s.Verdict, s.UserID())
	}
	if got := r.Events(t, u.ID); !slices.Contains(got, auth.EventSignInSucceeded) {
		t.Errorf("events %v", got)
	}
}

// proves: ASVS 7.4.2
func TestRegistered_givesNothingToSomebodyWhoWasVoidedMeanwhile(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUserWithPassword(t, "ann")
	if _, err := r.Users.Disable(t.Context(), "cli", u.ID); err != nil {
		t.Fatal(err)
	}
	if got, err := r.SignIn.Registered(t.Context(), u, from(r, "")); !errors.Is(err, auth.CodeInvalidCredentials) || got.Token.Text != "" {
		t.Errorf("token %q, error %v", got.Token.Text, err)
	}
}
