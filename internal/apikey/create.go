package apikey

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Draft says what key is to be made.
type Draft struct {
	Name string
	// UserID is whose it is; empty is a service's.
	UserID auth.UserID
	// Roles are those of a service's key; it needs one. Of a user's key they are
	// those of the user's that it has, and none is all of them.
	Roles []string
	// Scopes are patterns of permissions that narrow what the roles allow.
	Scopes    []string
	Networks  []netip.Prefix
	RateLimit auth.RateLimit
	// Lifetime is how long it lives; zero is what the settings say, or as long as
	// the key that makes it.
	Lifetime time.Duration
}

// Created is a key with its text, which is not to be had a second time.
type Created struct {
	Key  auth.APIKey
	Text auth.Secret
}

// Create makes a key. Codes: invalid_request and invalid_name, with the Field
// that is wrong; forbidden (it could do more than whoever asks); not_found (there
// is no such user, or the user is disabled); invalid_request with the Field
// "user_id" (the user has too many); signed_out and invalid_api_key (whoever asks
// is not good any more); unavailable.
func (r *Room) Create(ctx context.Context, by By, n Draft) (Created, error) {
	now := r.now()
	lifetime := n.Lifetime
	if lifetime == 0 {
		lifetime = r.Lifetime
	}
	if lifetime < MinLifetime || lifetime > r.MostLifetime {
		return Created{}, wrong("lifetime", "An API key lives from %v to %v.", MinLifetime, r.MostLifetime)
	}
	k := auth.APIKey{
		Environment: r.Environment, Name: n.Name, UserID: n.UserID, CreatedBy: by.actor(), Roles: n.Roles, Scopes: n.Scopes,
		Networks: n.Networks, RateLimit: n.RateLimit, Version: 1, CreatedAt: now, ExpiresAt: now.Add(lifetime),
	}
	policy, err := r.Policy(ctx)
	if err != nil {
		return Created{}, err
	}
	if err := clean(policy, &k); err != nil {
		return Created{}, err
	}
	if k.UserID == "" && len(k.Roles) == 0 {
		return Created{}, wrong("roles", "The API key of a service needs a role.")
	}
	var text auth.Secret
	k.ID, text, k.SecretHash = newText(k.Environment, now)
	err = r.Store.InTx(ctx, func(tx store.Tx) error {
		on, err := r.alive(ctx, tx, by, now)
		if err != nil {
			return err
		}
		if err := on.bound(&k, n.Lifetime != 0); err != nil {
			return err
		}
		if err := r.insert(ctx, tx, policy, by, on, &k, now); err != nil {
			return err
		}
		return tx.AppendEvent(ctx, by.record(auth.EventAPIKeyCreated, k, now))
	})
	if err != nil {
		return Created{}, refusal("make an API key", err)
	}
	return Created{k, text}, nil
}

// insert writes the row of a new key, on all conditions. It sets the epoch.
func (r *Room) insert(ctx context.Context, tx store.Tx, policy *rbac.Policy, by By, on standsOn, k *auth.APIKey, now time.Time) error {
	var owner auth.User
	if k.UserID != "" {
		var err error
		if owner, err = r.owner(ctx, tx, k, now); err != nil {
			return err
		}
		k.Epoch = owner.Epoch
		if by.Principal.UserID == k.UserID {
			k.Epoch = on.epoch // of the proof that it rests on (guarantees R3)
		}
	}
	if err := r.mayGive(policy, by, on, *k, owner); err != nil {
		return err
	}
	switch err := tx.InsertAPIKey(ctx, *k); {
	case errors.Is(err, store.ErrConflict):
		return auth.NewError(auth.CodeSignedOut, errors.New("the user was signed out everywhere or disabled meanwhile"))
	default:
		return err
	}
}

// owner is whose key it is to be.
func (r *Room) owner(ctx context.Context, tx store.Tx, k *auth.APIKey, now time.Time) (auth.User, error) {
	owner, err := tx.User(ctx, k.UserID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return owner, &auth.Error{Code: auth.CodeNotFound, Field: "user_id", Message: "There is no such user.", Cause: err}
	case err != nil:
		return owner, err
	case owner.Disabled():
		return owner, &auth.Error{Code: auth.CodeNotFound, Field: "user_id", Message: "The user is disabled."}
	}
	for _, role := range k.Roles {
		if !slices.Contains(owner.Roles, role) {
			return owner, wrong("roles", "The user does not have the role %q.", role)
		}
	}
	have, err := tx.CountAPIKeys(ctx, owner.ID, now)
	if err == nil && have >= r.MaxPerUser {
		err = wrong("user_id", "The user has %d API keys, which is as many as there may be. Revoke one first.", have)
	}
	return owner, err
}

// Find returns a key, ended or not. Codes: not_found, unavailable.
func (r *Room) Find(ctx context.Context, id auth.APIKeyID) (auth.APIKey, error) {
	k, err := r.Store.APIKey(ctx, id)
	if err != nil {
		return k, notFound(err)
	}
	r.used.bringUpToDate(&k)
	return k, nil
}

// List returns up to limit keys, ended or not, the oldest first, beginning after
// the given one. Code: unavailable.
func (r *Room) List(ctx context.Context, of store.APIKeyFilter, after auth.APIKeyID, limit int) ([]auth.APIKey, error) {
	list, err := r.Store.ListAPIKeys(ctx, of, after, limit)
	if err != nil {
		return nil, refusal("list API keys", err)
	}
	for i := range list {
		r.used.bringUpToDate(&list[i])
	}
	return list, nil
}

func notFound(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return &auth.Error{Code: auth.CodeNotFound, Message: "There is no such API key.", Cause: err}
	}
	return refusal("read an API key", fmt.Errorf("store: %w", err))
}
