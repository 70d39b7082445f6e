package revocation_test

import (
	"context"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
)

// What is written back is true of the rows as well: the session has ended, and a
// sign-in of the user begins with an epoch that is not void.
func TestFollower_bringsTheRowsToWhereTheIndexIs(t *testing.T) {
	ctx, db, now := context.Background(), freshStore(t), time.Now()
	until := now.Add(time.Hour)
	u := auth.User{ID: auth.NewUserID(now), Email: "ann@example.com", Epoch: 1, Version: 1, CreatedAt: now, UpdatedAt: now}
	if err := db.CreateUser(ctx, u); err != nil {
		t.Fatal(err)
	}
	s := auth.Session{
		ID: auth.NewSessionID(now), UserID: u.ID, Mount: "/api/auth", Epoch: 1, CreatedAt: now, LastSeenAt: now, AbsoluteEnd: until, Version: 1,
	}
	if err := db.InsertSession(ctx, s); err != nil {
		t.Fatal(err)
	}
	deleted := auth.User{ID: auth.NewUserID(now), Email: "bob@example.com", Epoch: 1, Version: 1, CreatedAt: now, UpdatedAt: now}
	if err := db.CreateUser(ctx, deleted); err != nil {
		t.Fatal(err)
	}
	// The database is a backup: of all this the index alone knows.
	x := revocation.NewIndex()
	x.Apply(epoch(u.ID, 4, now, until))
	x.Apply(version(u.ID, 9, now, until))
	x.Apply(ended(s.ID, 0, now, until))
	x.Apply(epoch(deleted.ID, 1<<40, now, until))
	f := &revocation.Follower{Store: db, Index: x}
	follow(t, f, func() bool { return f.Stats().Restored == 3 })

	got, err := db.User(ctx, u.ID)
	if err != nil || got.Epoch != 4 || got.Version != 9 {
		t.Errorf("the user's row has epoch %d and version %d, want 4 and 9; %v", got.Epoch, got.Version, err)
	}
	if row, err := db.Session(ctx, s.ID); err != nil || row.EndedAt.IsZero() || row.EndReason != auth.EndRevoked {
		t.Errorf("the session's row: ended %v, %q, %v", row.EndedAt, row.EndReason, err)
	}
	if got, err := db.User(ctx, deleted.ID); err != nil || got.Epoch != 1 {
		t.Errorf("a user who was deleted and is there again is let in at epoch %d, %v", got.Epoch, err)
	}
	// Another server reads it all in the feed.
	other := revocation.NewIndex()
	feed, err := db.OpenFeed(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	if err := feed.Load(ctx, other.Apply); err != nil {
		t.Fatal(err)
	}
	if least, _ := other.User(key(t, u.ID)); least.Epoch != 4 || least.Version != 9 || !isVoid(t, other, s.ID) || other.Len() != 4 {
		t.Errorf("another server knows %+v of the user, and %d entries", least, other.Len())
	}
	events, err := db.ListEvents(ctx, "", 10)
	if err != nil || len(events) != 3 || events[0].Type != auth.EventRevocationRestored {
		t.Errorf("audited: %+v, %v", events, err)
	}
}

// An API key that was revoked is again, and one of which a change was lost ends:
// what the change had taken from it is not known.
func TestFollower_endsAPIKeysOfWhichTheDatabaseLost(t *testing.T) {
	ctx, db, now := context.Background(), freshStore(t), time.Now()
	until := now.Add(time.Hour)
	key := func() auth.APIKey {
		k := auth.APIKey{ID: auth.NewAPIKeyID(now), Environment: "live", Name: "a key", Roles: []string{"clerk"}, Version: 1, CreatedAt: now, ExpiresAt: until}
		if err := db.InsertAPIKey(ctx, k); err != nil {
			t.Fatal(err)
		}
		return k
	}
	revoked, changed, kept := key(), key(), key()
	x := revocation.NewIndex()
	x.Apply(auth.Change{Kind: auth.ChangeAPIKeyEnded, KeyID: string(revoked.ID), At: now, Until: until})
	x.Apply(auth.Change{Kind: auth.ChangeAPIKeyChanged, KeyID: string(changed.ID), Value: 2, At: now, Until: until})
	f := &revocation.Follower{Store: db, Index: x}
	follow(t, f, func() bool { return f.Stats().Restored == 2 })
	for name, c := range map[string]struct {
		id    auth.APIKeyID
		ended bool
	}{"revoked": {revoked.ID, true}, "changed": {changed.ID, true}, "kept": {kept.ID, false}} {
		row, err := db.APIKey(ctx, c.id)
		if err != nil || row.RevokedAt.IsZero() == c.ended {
			t.Errorf("%s: the row ended %v, %v", name, row.RevokedAt, err)
		}
	}
	other := revocation.NewIndex()
	feed, err := db.OpenFeed(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	if err := feed.Load(ctx, other.Apply); err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]auth.APIKey{"revoked": revoked, "changed": changed} {
		id, err := k.ID.UUID()
		if err != nil {
			t.Fatal(err)
		}
		if _, ended := other.APIKey(id); !ended {
			t.Errorf("another server does not know that the key is %s", name)
		}
	}
}
