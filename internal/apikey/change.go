package apikey

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Change names the members of a key to change; nil leaves one as it is.
type Change struct {
	Name          *string
	Roles, Scopes *[]string
	Networks      *[]netip.Prefix
	RateLimit     *auth.RateLimit
}

// rights says whether it changes what the key may do.
func (c Change) rights() bool {
	return c.Roles != nil || c.Scopes != nil || c.Networks != nil || c.RateLimit != nil
}

// Changed is a key after a change, and where that is in force.
type Changed struct {
	Key auth.APIKey
	revocation.Effect
}

// Update changes a key that has the Version, which is zero when any will do.
// Codes: not_found; changed_meanwhile (it has another Version, or has ended);
// invalid_request, invalid_name and forbidden as Create; signed_out,
// invalid_api_key, unavailable.
func (r *Room) Update(ctx context.Context, by By, id auth.APIKeyID, version int64, c Change) (Changed, error) {
	now := r.now()
	var after auth.APIKey
	policy, err := r.Policy(ctx)
	if err != nil {
		return Changed{}, err
	}
	noting, noted := revocation.Note(ctx)
	err = r.Store.InTx(noting, func(tx store.Tx) error {
		on, before, err := r.subject(ctx, tx, by, id, version, now)
		if err != nil {
			return err
		}
		k := before
		set(&k.Name, c.Name)
		set(&k.Roles, c.Roles)
		set(&k.Scopes, c.Scopes)
		set(&k.Networks, c.Networks)
		set(&k.RateLimit, c.RateLimit)
		if err := clean(policy, &k); err != nil {
			return err
		}
		if c.rights() {
			if err := r.mayBecome(ctx, tx, policy, by, on, k, c); err != nil {
				return err
			}
		}
		after, err = tx.UpdateAPIKey(ctx, id, before.Version, store.APIKeyUpdate{
			Name: &k.Name, Roles: &k.Roles, Scopes: &k.Scopes, Networks: &k.Networks, RateLimit: &k.RateLimit,
		})
		if err != nil {
			return changedMeanwhile(err)
		}
		if err := announce(ctx, tx, before, after, now); err != nil {
			return err
		}
		return tx.AppendEvent(ctx, by.record(auth.EventAPIKeyChanged, after, now))
	})
	if err != nil {
		return Changed{}, refusal("change an API key", err)
	}
	r.used.bringUpToDate(&after)
	return Changed{after, r.effect(ctx, noted)}, nil
}

// mayBecome says whether the key may be as k is.
func (r *Room) mayBecome(ctx context.Context, tx store.Tx, policy *rbac.Policy, by By, on standsOn, k auth.APIKey, c Change) (err error) {
	var owner auth.User
	if k.UserID != "" {
		if owner, err = tx.User(ctx, k.UserID); err != nil {
			return err
		}
		if c.Roles != nil && len(effective(owner.Roles, k.Roles)) < len(k.Roles) {
			return wrong("roles", "The user does not have all of these roles.")
		}
	} else if len(k.Roles) == 0 {
		return wrong("roles", "The API key of a service needs a role.")
	}
	return r.mayGive(policy, by, on, k, owner)
}

// subject reads the key that is to be changed, and whoever asks.
func (r *Room) subject(ctx context.Context, tx store.Tx, by By, id auth.APIKeyID, version int64, now time.Time) (on standsOn, k auth.APIKey, err error) {
	if on, err = r.alive(ctx, tx, by, now); err != nil {
		return on, k, err
	}
	if k, err = tx.APIKey(ctx, id); err != nil {
		return on, k, notFound(err)
	}
	switch {
	case version != 0 && k.Version != version:
		return on, k, changedMeanwhile(store.ErrConflict)
	case k.Ended(now):
		return on, k, &auth.Error{Code: auth.CodeChanged, Message: "This API key has ended."}
	}
	return on, k, nil
}

func changedMeanwhile(err error) error {
	if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
		return &auth.Error{Code: auth.CodeChanged, Message: "The API key was changed meanwhile. Read it again.", Cause: err}
	}
	return err
}

// announce tells every node, in tx, that copies of the key as it was before are
// out of date.
func announce(ctx context.Context, tx store.Tx, before, after auth.APIKey, now time.Time) error {
	_, err := tx.AppendChange(ctx, auth.Change{
		Kind: auth.ChangeAPIKeyChanged, KeyID: string(after.ID), Value: after.Version, At: now, Until: before.ExpiresAt.Add(tolerance),
	})
	return err
}

func set[T any](into, value *T) {
	if value != nil {
		*into = *value
	}
}

// effect is that of what was noted, which has just been committed.
func (r *Room) effect(ctx context.Context, noted *revocation.Noted) revocation.Effect {
	if r.Effect != nil {
		return r.Effect(ctx, noted)
	}
	return revocation.EffectSince(r.Now(), r.Now(), r.MaxStaleness)
}
