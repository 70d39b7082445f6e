package signin_test

import (
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
)

// Somebody with a stolen session guesses at the current password, as long as they
// like and with friends who guess at sign-in: the owner's own browser still opens
// the account, which ends their run.
//
// proves: NIST-5, CB-26
func TestPassword_aStolenSessionDoesNotKeepTheOwnerOut(t *testing.T) {
	for name, friends := range map[string]int{"alone": 0, "with friends": 200} {
		t.Run(name, func(t *testing.T) {
			r := roomtest.New(t)
			u := r.NewUserWithPassword(t, "ann")
			home := known(t, r, "ann@example.com")
			judged := map[bool]int{}
			guess := func(signedIn bool) {
				r.Advance(25 * time.Hour) // no delay is left
				guess := r.Throttle.TryOf(u.ID)
				if !signedIn {
					guess = r.Throttle.Try(auth.Identifier{}, u, "", from(r, "192.0.2.1").Device)
				}
				if r.Throttle.Count(t.Context(), r.DB, guess, r.Clock.Now()) == nil {
					judged[signedIn]++
				}
			}
			for range friends {
				guess(false)
			}
			for range 200 {
				guess(true)
			}
			if want := min(friends, 80); judged[false] != want || judged[true] != 90-want {
				t.Errorf("judged %v, want %d from outside and %d of the thief", judged, want, 90-want)
			}
			if _, err := try(r, "ann@example.com", roomtest.Password, home); err != nil {
				t.Errorf("the owner at home: %v", err)
			}
			guess(true)
			guess(false)
			if judged[false]+judged[true] != 92 {
				t.Errorf("after the owner signed in %v were judged, want two more", judged)
			}
		})
	}
}
