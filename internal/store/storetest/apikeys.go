package storetest

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// APIKeys says what store.APIKeys means.
func APIKeys(t *testing.T, open func(*testing.T) store.Store) {
	each(t, open, []test{
		{"an API key keeps every member", apiKeyRoundTrip},
		{"a user's API key begins only for an enabled user of the same epoch", apiKeyConditions},
		{"an API key comes with what counts of its owner", apiKeyOwner},
		{"lists of API keys are in order and of whom was asked", apiKeyLists},
		{"of API keys those are counted that name a role and have not ended", apiKeysNaming},
		{"of many changes of one version of an API key one wins", apiKeyChangesOnce},
		{"a change of an API key alters what is given", apiKeyChange},
		{"a revoked API key stays so and is not changed", apiKeyRevoked},
		{"a user's API keys end together, and go with the user", apiKeysOfUser},
		{"the use of API keys moves forward alone", apiKeyTouch},
		{"a purge takes API keys that ended before the time", apiKeyPurge},
	})
}

// apiKeyOf returns a key of the user that lasts a day. It is not stored.
func apiKeyOf(u auth.User) auth.APIKey {
	return auth.APIKey{
		ID: auth.NewAPIKeyID(start), Environment: "live", Name: "nightly report", UserID: u.ID, Epoch: u.Epoch, CreatedBy: string(u.ID),
		Roles: []string{"editor", "user"}, Scopes: []string{"billing.*:read", "orders:read"},
		Networks:  []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("2001:db8::/48")},
		RateLimit: auth.RateLimit{Requests: 600, Period: time.Minute}, SecretHash: "hash-of-the-secret", Version: 1,
		CreatedAt: justBefore(start), ExpiresAt: start.Add(24 * time.Hour),
	}
}

func newAPIKey(t *testing.T, s store.APIKeys, u auth.User) auth.APIKey {
	t.Helper()
	k := apiKeyOf(u)
	ok(t, "insert API key", s.InsertAPIKey(context.Background(), k))
	return k
}

func apiKeyRoundTrip(t *testing.T, s store.Store) {
	ctx := context.Background()
	want := newAPIKey(t, s, newUser(t, s, "ann"))
	same(t, "API key", must[auth.APIKey](t)(s.APIKey(ctx, want.ID)), want)
	bare := auth.APIKey{ID: auth.NewAPIKeyID(start), CreatedAt: start, ExpiresAt: justAfter(start)}
	ok(t, "insert", s.InsertAPIKey(ctx, bare))
	same(t, "bare key of a service", must[auth.APIKey](t)(s.APIKey(ctx, bare.ID)), bare)
	full := apiKeyOf(auth.User{})
	full.ReplacedBy, full.Version, full.LastUsedAt, full.RevokedAt = bare.ID, 7, start, justAfter(start)
	ok(t, "insert", s.InsertAPIKey(ctx, full))
	same(t, "full key of a service", must[auth.APIKey](t)(s.APIKey(ctx, full.ID)), full)
	_, err := s.APIKey(ctx, auth.NewAPIKeyID(start))
	refused(t, "another ID", err, store.ErrNotFound)
}

func apiKeyConditions(t *testing.T, s store.Store) {
	ctx := context.Background()
	ann := newUser(t, s, "ann")
	k := apiKeyOf(ann)
	k.Epoch++
	refused(t, "another epoch", s.InsertAPIKey(ctx, k), store.ErrConflict)
	k = apiKeyOf(ann)
	k.UserID = auth.NewUserID(start)
	refused(t, "no such user", s.InsertAPIKey(ctx, k), store.ErrConflict)
	disabled := start
	must[auth.User](t)(s.UpdateUser(ctx, ann.ID, store.UserUpdate{DisabledAt: &disabled}, start))
	refused(t, "disabled user", s.InsertAPIKey(ctx, apiKeyOf(ann)), store.ErrConflict)
	keys := must[[]auth.APIKey](t)(s.ListAPIKeys(ctx, store.APIKeyFilter{}, "", 10))
	count(t, "keys", len(keys), 0)
}

func apiKeyOwner(t *testing.T, s store.Store) {
	ctx := context.Background()
	ann := newUser(t, s, "ann")
	k := newAPIKey(t, s, ann)
	roles, disabled := []string{"editor", "user"}, start
	must[auth.User](t)(s.UpdateUser(ctx, ann.ID, store.UserUpdate{Roles: &roles}, start))
	ann = must[auth.User](t)(s.RaiseEpoch(ctx, ann.ID, start))
	got, owner, err := s.APIKeyAndOwner(ctx, k.ID)
	ok(t, "read", err)
	same(t, "key", got, k)
	same(t, "owner", owner, store.Owner{Roles: roles, Epoch: ann.Epoch, Version: ann.Version})
	ann = must[auth.User](t)(s.UpdateUser(ctx, ann.ID, store.UserUpdate{DisabledAt: &disabled}, start))
	_, owner, err = s.APIKeyAndOwner(ctx, k.ID)
	ok(t, "read", err)
	same(t, "disabled owner", owner, store.Owner{Roles: roles, Epoch: ann.Epoch, Version: ann.Version, Disabled: true})
	service := newAPIKey(t, s, auth.User{})
	got, owner, err = s.APIKeyAndOwner(ctx, service.ID)
	ok(t, "read", err)
	same(t, "key of a service", got, service)
	same(t, "no owner", owner, store.Owner{})
	_, _, err = s.APIKeyAndOwner(ctx, auth.NewAPIKeyID(start))
	refused(t, "another ID", err, store.ErrNotFound)
}

func apiKeyLists(t *testing.T, s store.Store) {
	ctx := context.Background()
	ann, bob := newUser(t, s, "ann"), newUser(t, s, "bob")
	var all []auth.APIKey
	for i, u := range []auth.User{ann, {}, bob, ann, {}} {
		k := apiKeyOf(u)
		k.ID = auth.NewAPIKeyID(start.Add(time.Duration(i) * time.Second))
		ok(t, "insert", s.InsertAPIKey(ctx, k))
		all = append(all, k)
	}
	ok(t, "revoke", s.RevokeAPIKey(ctx, all[3].ID, start))
	all[3].RevokedAt = start
	for _, c := range []struct {
		what  string
		of    store.APIKeyFilter
		after auth.APIKeyID
		limit int
		want  []auth.APIKey
	}{
		{"all", store.APIKeyFilter{}, "", 10, all},
		{"two", store.APIKeyFilter{}, "", 2, all[:2]},
		{"the page behind", store.APIKeyFilter{}, all[1].ID, 2, all[2:4]},
		{"ann's", store.APIKeyFilter{User: ann.ID}, "", 10, []auth.APIKey{all[0], all[3]}},
		{"ann's second", store.APIKeyFilter{User: ann.ID}, all[0].ID, 10, []auth.APIKey{all[3]}},
		{"those of services", store.APIKeyFilter{Services: true}, "", 10, []auth.APIKey{all[1], all[4]}},
		{"the last of services", store.APIKeyFilter{Services: true}, all[1].ID, 1, []auth.APIKey{all[4]}},
		{"nobody's", store.APIKeyFilter{User: auth.NewUserID(start)}, "", 10, nil},
		{"none", store.APIKeyFilter{}, "", 0, nil},
	} {
		same(t, c.what, must[[]auth.APIKey](t)(s.ListAPIKeys(ctx, c.of, c.after, c.limit)), c.want)
	}
	count(t, "ann's live keys", must[int](t)(s.CountAPIKeys(ctx, ann.ID, start)), 1)
	count(t, "ann's live keys at their end", must[int](t)(s.CountAPIKeys(ctx, ann.ID, all[0].ExpiresAt)), 0)
}

func apiKeysNaming(t *testing.T, s store.Store) {
	ctx := context.Background()
	ann := newUser(t, s, "ann")
	of := func(u auth.User, roles ...string) auth.APIKey {
		k := apiKeyOf(u)
		k.Roles = roles
		ok(t, "insert", s.InsertAPIKey(ctx, k))
		return k
	}
	of(ann, "editor")
	last := of(auth.User{}, "user", "editor", "a.b:c_d-e")
	of(auth.User{}, "editors", "chief-editor", "Editor")
	of(ann)
	ok(t, "revoke", s.RevokeAPIKey(ctx, of(auth.User{}, "editor").ID, start))
	for role, want := range map[string]int{"editor": 2, "user": 1, "editors": 1, "a.b:c_d-e": 1, "a_b:c_d-e": 0, "edito": 0, "": 0, "%": 0} {
		count(t, "keys that name "+role, must[int](t)(s.CountAPIKeysNaming(ctx, role, start, 10)), want)
	}
	count(t, "no further than one", must[int](t)(s.CountAPIKeysNaming(ctx, "editor", start, 1)), 1)
	count(t, "at their end", must[int](t)(s.CountAPIKeysNaming(ctx, "editor", last.ExpiresAt, 10)), 0)
	ok(t, "in a transaction", s.InTx(ctx, func(tx store.Tx) error {
		n, err := tx.CountAPIKeysNaming(ctx, "editor", start, 10)
		count(t, "the same in a transaction", n, 2)
		return err
	}))
}

func apiKeyChangesOnce(t *testing.T, s store.Store) {
	ctx := context.Background()
	k := newAPIKey(t, s, newUser(t, s, "ann"))
	won := atOnce(t, 12, store.ErrConflict, func(i int) error {
		name := numbered(i)
		_, err := s.UpdateAPIKey(ctx, k.ID, 1, store.APIKeyUpdate{Name: &name})
		return err
	})
	count(t, "changes that won", won, 1)
	count(t, "version", int(must[auth.APIKey](t)(s.APIKey(ctx, k.ID)).Version), 2)
}

func apiKeyChange(t *testing.T, s store.Store) {
	ctx := context.Background()
	k := newAPIKey(t, s, newUser(t, s, "ann"))
	got := must[auth.APIKey](t)(s.UpdateAPIKey(ctx, k.ID, 1, store.APIKeyUpdate{}))
	k.Version = 2
	same(t, "nothing changed but the version", got, k)
	name, roles, scopes, next := "other", []string{"user"}, []string(nil), auth.NewAPIKeyID(start)
	nets, rate, sooner := []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32")}, auth.RateLimit{}, start.Add(time.Hour)
	got = must[auth.APIKey](t)(s.UpdateAPIKey(ctx, k.ID, 2, store.APIKeyUpdate{
		Name: &name, Roles: &roles, Scopes: &scopes, Networks: &nets, RateLimit: &rate, ReplacedBy: &next, ExpiresAt: &sooner,
	}))
	k.Version, k.Name, k.Roles, k.Scopes, k.Networks, k.RateLimit, k.ReplacedBy, k.ExpiresAt = 3, name, roles, scopes, nets, rate, next, sooner
	same(t, "everything changed", got, k)
	later := sooner.Add(time.Minute)
	got = must[auth.APIKey](t)(s.UpdateAPIKey(ctx, k.ID, 3, store.APIKeyUpdate{ExpiresAt: &later}))
	k.Version = 4
	same(t, "the end is not put off", got, k)
	same(t, "as stored", must[auth.APIKey](t)(s.APIKey(ctx, k.ID)), k)
	_, err := s.UpdateAPIKey(ctx, k.ID, 3, store.APIKeyUpdate{Name: &name})
	refused(t, "an old version", err, store.ErrConflict)
	_, err = s.UpdateAPIKey(ctx, auth.NewAPIKeyID(start), 1, store.APIKeyUpdate{Name: &name})
	refused(t, "another ID", err, store.ErrNotFound)
}

func apiKeyRevoked(t *testing.T, s store.Store) {
	ctx := context.Background()
	k := newAPIKey(t, s, auth.User{})
	won := atOnce(t, 12, store.ErrNotFound, func(int) error { return s.RevokeAPIKey(ctx, k.ID, start) })
	count(t, "revocations that won", won, 1)
	refused(t, "once more", s.RevokeAPIKey(ctx, k.ID, justAfter(start)), store.ErrNotFound)
	name := "other"
	_, err := s.UpdateAPIKey(ctx, k.ID, 1, store.APIKeyUpdate{Name: &name})
	refused(t, "a change", err, store.ErrNotFound)
	k.RevokedAt = start
	same(t, "revoked key", must[auth.APIKey](t)(s.APIKey(ctx, k.ID)), k)
}

func apiKeysOfUser(t *testing.T, s store.Store) {
	ctx := context.Background()
	ann, bob := newUser(t, s, "ann"), newUser(t, s, "bob")
	first, second, other, service := newAPIKey(t, s, ann), newAPIKey(t, s, ann), newAPIKey(t, s, bob), newAPIKey(t, s, auth.User{})
	ok(t, "revoke", s.RevokeAPIKey(ctx, first.ID, start))
	count(t, "ended", must[int](t)(s.RevokeUserAPIKeys(ctx, ann.ID, justAfter(start))), 1)
	first.RevokedAt, second.RevokedAt = start, justAfter(start)
	for _, k := range []auth.APIKey{first, second, other, service} {
		same(t, "key", must[auth.APIKey](t)(s.APIKey(ctx, k.ID)), k)
	}
	ok(t, "delete user", s.DeleteUser(ctx, ann.ID))
	for _, k := range []auth.APIKey{first, second} {
		_, err := s.APIKey(ctx, k.ID)
		refused(t, "a key of a deleted user", err, store.ErrNotFound)
	}
	must[auth.APIKey](t)(s.APIKey(ctx, other.ID))
	must[auth.APIKey](t)(s.APIKey(ctx, service.ID))
}

func apiKeyTouch(t *testing.T, s store.Store) {
	ctx := context.Background()
	first, second := newAPIKey(t, s, auth.User{}), newAPIKey(t, s, auth.User{})
	touch := func(used map[auth.APIKeyID]time.Time, want ...time.Time) {
		t.Helper()
		ok(t, "touch", s.TouchAPIKeys(ctx, used))
		first.LastUsedAt, second.LastUsedAt = want[0], want[1]
		same(t, "first", must[auth.APIKey](t)(s.APIKey(ctx, first.ID)), first)
		same(t, "second", must[auth.APIKey](t)(s.APIKey(ctx, second.ID)), second)
	}
	touch(map[auth.APIKeyID]time.Time{first.ID: start, auth.NewAPIKeyID(start): start}, start, time.Time{})
	touch(map[auth.APIKeyID]time.Time{first.ID: justBefore(start), second.ID: start}, start, start)
	touch(map[auth.APIKeyID]time.Time{first.ID: justAfter(start), second.ID: justBefore(start)}, justAfter(start), start)
	touch(nil, justAfter(start), start)
}

func apiKeyPurge(t *testing.T, s store.Store) {
	ctx := context.Background()
	live := newAPIKey(t, s, auth.User{})
	revoked := newAPIKey(t, s, auth.User{})
	ok(t, "revoke", s.RevokeAPIKey(ctx, revoked.ID, start))
	expired := apiKeyOf(auth.User{})
	expired.ExpiresAt = start
	ok(t, "insert", s.InsertAPIKey(ctx, expired))
	count(t, "purged at the moment itself", must[int](t)(s.PurgeAPIKeys(ctx, start, 10)), 0)
	count(t, "purged none", must[int](t)(s.PurgeAPIKeys(ctx, justAfter(start), 0)), 0)
	count(t, "purged one", must[int](t)(s.PurgeAPIKeys(ctx, justAfter(start), 1)), 1)
	count(t, "purged the other", must[int](t)(s.PurgeAPIKeys(ctx, justAfter(start), 10)), 1)
	left := must[[]auth.APIKey](t)(s.ListAPIKeys(ctx, store.APIKeyFilter{}, "", 10))
	same(t, "left", left, []auth.APIKey{live})
}
