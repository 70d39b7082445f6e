package signin_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/password"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
)

// One hash is computed for each guess, whoever is asked for: not one more or
// less for somebody who is not there, is barred, or has no password.
//
// proves: CS-4
func TestPassword_computesOneHashForEachGuess(t *testing.T) {
	r := roomtest.New(t)
	r.NewUserWithPassword(t, "ann")
	r.NewUser(t, "none")
	disable(t, r, r.NewUserWithPassword(t, "disabled"))
	gate, hashes := password.NewGate(2, 10), 0
	gate.Watch = func(context.Context, time.Time, time.Duration, time.Duration) { hashes++ }
	counting, err := password.New(password.Options{Gate: gate})
	if err != nil {
		t.Fatal(err)
	}
	r.SignIn.Passwords = counting
	for _, name := range []string{"ann", "none", "disabled", "nobody"} {
		hashes = 0
		if _, err := try(r, name+"@example.com", wrong, from(r, "")); !errors.Is(err, auth.CodeInvalidCredentials) {
			t.Fatalf("%s: %v, want invalid_credentials", name, err)
		}
		if hashes != 1 {
			t.Errorf("%s: %d hashes, want 1", name, hashes)
		}
	}
}
