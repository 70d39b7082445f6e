package management

import (
	"context"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/apikey"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// by is the Actor as the room of API keys knows him. That no key can do more than
// who makes or changes it, that room decides.
func (a Actor) by() apikey.By {
	if a.CommandLine {
		return apikey.By{Operator: a.name(), From: a.From}
	}
	return apikey.By{Principal: a.Principal, From: a.From}
}

// APIKeyPage is a part of a list of keys.
type APIKeyPage struct {
	Keys []auth.APIKey
	// Next is where the next page begins: after this one. Empty is the end.
	Next auth.APIKeyID
}

// ListAPIKeys returns up to limit keys, ended or not, in order of their making,
// beginning after the given one. Codes: forbidden, unavailable.
func (r *Room) ListAPIKeys(ctx context.Context, a Actor, of store.APIKeyFilter, after auth.APIKeyID, limit int) (page APIKeyPage, err error) {
	if err := r.Permit(ctx, a, APIKeysRead); err != nil {
		return page, err
	}
	list, err := r.Keys.List(ctx, of, after, limit+1)
	if len(list) > limit {
		list = list[:limit]
		page.Next = list[limit-1].ID
	}
	page.Keys = list
	return page, err
}

// APIKey returns one key, ended or not. Codes: forbidden, not_found, unavailable.
func (r *Room) APIKey(ctx context.Context, a Actor, id auth.APIKeyID) (auth.APIKey, error) {
	if err := r.Permit(ctx, a, APIKeysRead); err != nil {
		return auth.APIKey{}, err
	}
	return r.Keys.Find(ctx, id)
}

// CreateAPIKey makes a key; its text is not to be had again. Codes: forbidden, and
// those of [apikey.Room.Create].
func (r *Room) CreateAPIKey(ctx context.Context, a Actor, d apikey.Draft) (apikey.Created, error) {
	if err := r.Permit(ctx, a, APIKeysWrite); err != nil {
		return apikey.Created{}, err
	}
	return r.Keys.Create(ctx, a.by(), d)
}

// UpdateAPIKey changes a key that still has the version that the Actor saw. Codes:
// forbidden, version_changed, and those of [apikey.Room.Update].
func (r *Room) UpdateAPIKey(ctx context.Context, a Actor, id auth.APIKeyID, seen int64, c apikey.Change) (apikey.Changed, error) {
	if err := r.overKey(ctx, a, id, seen); err != nil {
		return apikey.Changed{}, err
	}
	return r.Keys.Update(ctx, a.by(), id, seen, c)
}

// RotateAPIKey puts a new key in the place of one that still has the version that
// the Actor saw. Codes: forbidden, version_changed, and those of
// [apikey.Room.Rotate].
func (r *Room) RotateAPIKey(ctx context.Context, a Actor, id auth.APIKeyID, seen int64, o apikey.Rotation) (apikey.Rotated, error) {
	if err := r.overKey(ctx, a, id, seen); err != nil {
		return apikey.Rotated{}, err
	}
	return r.Keys.Rotate(ctx, a.by(), id, seen, o)
}

// RevokeAPIKey ends a key for good. One that had ended is no error. Codes:
// forbidden, not_found, unavailable.
func (r *Room) RevokeAPIKey(ctx context.Context, a Actor, id auth.APIKeyID) (apikey.Changed, error) {
	if err := r.overKey(ctx, a, id, 0); err != nil {
		return apikey.Changed{}, err
	}
	return r.Keys.Revoke(ctx, a.by(), id)
}

// overKey says whether the Actor may act on the key: one that may do more than he
// does is not his to change or to end. The key that asks may end itself.
func (r *Room) overKey(ctx context.Context, a Actor, id auth.APIKeyID, seen int64) error {
	rules, err := r.permitted(ctx, a, APIKeysWrite)
	if err != nil {
		return err
	}
	k, err := r.Keys.Find(ctx, id)
	if err != nil {
		return err
	}
	if seen != 0 && seen != k.Version {
		return auth.NewError(auth.CodeVersionChanged, nil)
	}
	if k.ID == a.Principal.APIKeyID {
		return nil
	}
	roles := k.Roles
	if k.UserID != "" {
		owner, err := r.Store.User(ctx, k.UserID)
		if err != nil {
			return translate("read the key's user", err)
		}
		roles = owner.Roles
	}
	if !rules.covers(roles, nil) && !(k.UserID == "" && len(k.Scopes) > 0 && rules.covers(nil, k.Scopes)) {
		return forbidden("This API key may do more than you.")
	}
	return nil
}
