package signin

import (
	"context"
	"errors"
	"fmt"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/password"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// NewPassword is the step after a password that must be replaced: it stores
// the new one, voids whatever the old one had opened, and goes on. Codes:
// challenge_expired, those of the password policy, password_unchanged, busy,
// unavailable.
func (r *Room) NewPassword(ctx context.Context, token auth.Secret, pw auth.Secret, b Browser) (Outcome, error) {
	return r.watched(ctx, ProofNewPassword, func(ctx context.Context) (Outcome, error) { return r.newPassword(ctx, token, pw, b) })
}

func (r *Room) newPassword(ctx context.Context, token auth.Secret, pw auth.Secret, b Browser) (Outcome, error) {
	c, kept, err := r.resume(ctx, token, StepNewPassword, b)
	if err != nil {
		return Outcome{}, err
	}
	u, err := r.Store.User(ctx, c.UserID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Outcome{}, auth.NewError(auth.CodeChallengeExpired, err)
	case err != nil:
		return Outcome{}, auth.Unavailable(fmt.Errorf("replace password: %w", err))
	}
	hash, err := r.hashNew(ctx, u, pw)
	if err != nil {
		// Of several at once the first may have changed the password meanwhile,
		// to this very one.
		if u, e := r.Store.User(ctx, c.UserID); e == nil && u.Epoch != c.Epoch {
			return Outcome{}, auth.NewError(auth.CodeChallengeExpired, err)
		}
		return Outcome{}, err
	}
	a := Attempt{User: u, Proven: kept.Proven}
	a.next(auth.Password{})
	return r.proceed(ctx, a, b, r.Throttle.runs(string(u.ID)), func(tx store.Tx) (auth.User, error) {
		u, err := r.replace(ctx, tx, c, hash, b)
		if errors.Is(err, store.ErrNotFound) {
			err = auth.NewError(auth.CodeChallengeExpired, err)
		}
		return u, err
	})
}

// replace uses the challenge up and stores the new password. A user who was
// disabled or voided since the first step gets nothing.
func (r *Room) replace(ctx context.Context, tx store.Tx, c auth.Challenge, hash string, b Browser) (auth.User, error) {
	now := r.now()
	if _, err := tx.ConsumeChallenge(ctx, c.ID, c.Kind, c.SecretHash, now); err != nil {
		return auth.User{}, err
	}
	u, err := tx.User(ctx, c.UserID)
	if err != nil {
		return u, err
	}
	if u.Disabled() || u.Epoch != c.Epoch {
		return u, store.ErrNotFound
	}
	if err := tx.SetPassword(ctx, auth.Password{UserID: u.ID, Hash: hash, UpdatedAt: now}); err != nil {
		return u, err
	}
	if u, err = r.Sessions.EndAll(ctx, tx, u.ID, now); err != nil {
		return u, err
	}
	return u, tx.AppendEvent(ctx, event(auth.EventPasswordChanged, u, "", b, now))
}

// hashNew judges a new password and hashes it.
func (r *Room) hashNew(ctx context.Context, u auth.User, pw auth.Secret) (string, error) {
	ticket, err := r.Passwords.Admit()
	if err != nil {
		return "", password.Refusal(err)
	}
	defer ticket.Release()
	if err := r.Policy.Judge(pw, u); err != nil {
		return "", auth.WithField(err, "newPassword")
	}
	if err := r.differs(ctx, ticket, u, pw); err != nil {
		return "", err
	}
	hash, err := ticket.Hash(ctx, pw.Reveal())
	if err != nil {
		return "", auth.Unavailable(fmt.Errorf("hash password: %w", err))
	}
	return hash, nil
}

// differs refuses the password that is to be replaced: somebody else knows it.
func (r *Room) differs(ctx context.Context, ticket *password.Ticket, u auth.User, pw auth.Secret) error {
	old, err := r.Store.Password(ctx, u.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return auth.Unavailable(fmt.Errorf("read password: %w", err))
	}
	match, err := verify(ctx, ticket, account{user: u, credential: old}, pw)
	if err == nil && match.OK {
		err = &auth.Error{Code: auth.CodePasswordUnchanged, Field: "newPassword"}
	}
	return err
}
