package apikey

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Rotation says how a key is replaced.
type Rotation struct {
	// Overlap is how long the old key goes on; nil is [DefaultOverlap], zero ends
	// it at once.
	Overlap *time.Duration
	// Lifetime is that of the new key; zero is what the settings say.
	Lifetime time.Duration
}

// Rotated is the new key, the old one as it is now, and where its earlier end is
// in force.
type Rotated struct {
	Created
	Old auth.APIKey
	revocation.Effect
}

// Rotate puts a new key in the place of one that has the Version, which is zero
// when any will do. The new one has the same name and rights; the old one ends
// after the overlap, or when it would have ended anyway. Codes: as Update, and
// changed_meanwhile when it was rotated before.
func (r *Room) Rotate(ctx context.Context, by By, id auth.APIKeyID, version int64, o Rotation) (Rotated, error) {
	overlap, lifetime := DefaultOverlap, r.Lifetime
	set(&overlap, o.Overlap)
	if o.Lifetime != 0 {
		lifetime = o.Lifetime
	}
	switch {
	case overlap < 0 || overlap > MaxOverlap:
		return Rotated{}, wrong("overlap", "The old API key goes on for at most %v.", MaxOverlap)
	case lifetime < MinLifetime || lifetime > r.MostLifetime:
		return Rotated{}, wrong("lifetime", "An API key lives from %v to %v.", MinLifetime, r.MostLifetime)
	}
	now := r.now()
	policy, err := r.Policy(ctx)
	if err != nil {
		return Rotated{}, err
	}
	next, text, hash := newText(r.Environment, now)
	var done Rotated
	noting, noted := revocation.Note(ctx)
	err = r.Store.InTx(noting, func(tx store.Tx) error {
		done = Rotated{}
		on, old, err := r.subject(ctx, tx, by, id, version, now)
		if err != nil {
			return err
		}
		if old.ReplacedBy != "" {
			return &auth.Error{Code: auth.CodeChanged, Message: "This API key was rotated already. Rotate the one that took its place."}
		}
		k := old
		k.ID, k.SecretHash, k.Environment, k.CreatedBy, k.Version = next, hash, r.Environment, by.actor(), 1
		k.CreatedAt, k.ExpiresAt, k.LastUsedAt = now, now.Add(lifetime), time.Time{}
		if by.Principal.APIKeyID != old.ID { // a key renews itself
			if err := on.bound(&k, o.Lifetime != 0); err != nil {
				return err
			}
		}
		if done.Old, err = r.leave(ctx, tx, old, next, overlap, now); err != nil {
			return err
		}
		if err := r.insertNext(ctx, tx, policy, by, on, old, k, now); err != nil {
			return err
		}
		done.Created = Created{k, text}
		if err := tx.AppendEvent(ctx, by.record(auth.EventAPIKeyRotated, old, now)); err != nil {
			return err
		}
		return tx.AppendEvent(ctx, by.record(auth.EventAPIKeyCreated, k, now))
	})
	if err != nil {
		return Rotated{}, refusal("rotate an API key", err)
	}
	done.Effect = r.effect(ctx, noted)
	return done, nil
}

// insertNext writes the row of the key that takes the place of old. It rests on
// the same proof as that. A key renews itself, whatever it may give to others.
func (r *Room) insertNext(ctx context.Context, tx store.Tx, policy *rbac.Policy, by By, on standsOn, old, k auth.APIKey, now time.Time) error {
	var owner auth.User
	if k.UserID != "" {
		var err error
		if owner, err = tx.User(ctx, k.UserID); err != nil {
			return notFound(err)
		}
		// Those that go on for a while count half.
		have, err := tx.CountAPIKeys(ctx, k.UserID, now)
		if err != nil {
			return err
		}
		if have >= 2*r.MaxPerUser {
			return wrong("user_id", "The user has %d API keys. Revoke one first.", have)
		}
	}
	if by.Principal.APIKeyID != old.ID {
		if err := r.mayGive(policy, by, on, k, owner); err != nil {
			return err
		}
	}
	err := tx.InsertAPIKey(ctx, k)
	if errors.Is(err, store.ErrConflict) {
		return &auth.Error{Code: auth.CodeChanged, Message: "This API key has ended.", Cause: errUser}
	}
	return err
}

// leave gives the old key its end.
func (r *Room) leave(ctx context.Context, tx store.Tx, old auth.APIKey, next auth.APIKeyID, overlap time.Duration, now time.Time) (auth.APIKey, error) {
	end := now.Add(overlap)
	left, err := tx.UpdateAPIKey(ctx, old.ID, old.Version, store.APIKeyUpdate{ReplacedBy: &next, ExpiresAt: &end})
	if err != nil {
		return left, changedMeanwhile(err)
	}
	if err := announce(ctx, tx, old, left, now); err != nil || overlap > 0 {
		return left, err
	}
	left.RevokedAt = now
	return left, r.end(ctx, tx, old, now)
}
