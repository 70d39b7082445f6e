package signin

import (
	"context"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Registered goes on from a registration that has just been committed: choosing
// the password was the proof of knowing it, so it is not hashed a second time.
// u is the row that registration returned; a session begins only while the user
// still has the epoch in it and is not disabled. Codes: invalid_credentials,
// unavailable.
func (r *Room) Registered(ctx context.Context, u auth.User, b Browser) (Outcome, error) {
	a := Attempt{User: u, Proven: []string{methodPassword}}
	a.next(auth.Password{})
	return r.watched(ctx, ProofRegistration, func(ctx context.Context) (Outcome, error) {
		return r.proceed(ctx, a, b, r.Throttle.runs(string(u.ID)), nil)
	})
}
