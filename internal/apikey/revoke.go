package apikey

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Revoke ends a key for good and everywhere, and says how far that has come. One
// that had ended before is no error. It asks for no rights but to be alive:
// whoever may manage the key may end it. Codes: not_found, signed_out,
// invalid_api_key, unavailable.
func (r *Room) Revoke(ctx context.Context, by By, id auth.APIKeyID) (Changed, error) {
	now := r.now()
	var k auth.APIKey
	var before time.Time // when it had ended already
	noting, noted := revocation.Note(ctx)
	err := r.Store.InTx(noting, func(tx store.Tx) (err error) {
		if _, err = r.alive(ctx, tx, by, now); err != nil {
			return err
		}
		if k, err = tx.APIKey(ctx, id); err != nil {
			return notFound(err)
		}
		if before = k.RevokedAt; !before.IsZero() {
			return nil
		}
		if err := r.end(ctx, tx, k, now); err != nil {
			return err
		}
		k.RevokedAt = now
		return tx.AppendEvent(ctx, by.record(auth.EventAPIKeyRevoked, k, now))
	})
	if err != nil {
		return Changed{}, refusal("revoke an API key", err)
	}
	r.used.bringUpToDate(&k)
	if !before.IsZero() {
		return Changed{k, revocation.EffectSince(before, now, r.MaxStaleness)}, nil
	}
	return Changed{k, r.effect(ctx, noted)}, nil
}

// end marks the row and writes the feed, also when somebody else was first.
func (r *Room) end(ctx context.Context, tx store.Tx, k auth.APIKey, now time.Time) error {
	if err := tx.RevokeAPIKey(ctx, k.ID, now); err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	_, err := tx.AppendChange(ctx, auth.Change{
		Kind: auth.ChangeAPIKeyEnded, KeyID: string(k.ID), At: now, Until: k.ExpiresAt.Add(tolerance),
	})
	return err
}
