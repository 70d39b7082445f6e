package storetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Users tests store.Users.
func Users(t *testing.T, open func(t *testing.T) store.Store) {
	each(t, open, []test{
		{"a user comes back as it went in", userRoundTrip},
		{"empty members come back empty", userEmpty},
		{"who does not exist is not found", userAbsent},
		{"an ID is taken once", userSameID},
		{"an identifier is taken once, as address or as user name", userSameIdentifier},
		{"a refused user leaves nothing behind", userRefusedWhole},
		{"identifiers are compared byte by byte", userCollation},
		{"pages are stable while users come and go", userPages},
		{"an update changes what is given alone", userUpdate},
		{"an update can empty and set again", userUpdateEmpties},
		{"an update to a taken identifier changes nothing", userUpdateConflict},
		{"an update frees the old identifier", userUpdateFrees},
		{"an identifier can move from one kind to the other", userUpdateMoves},
		{"raising the epoch raises the version", userRaiseEpoch},
		{"fifty raises at once are fifty epochs", userRaiseEpochAtOnce},
		{"of fifty that want one identifier exactly one gets it", userCreateAtOnce},
		{"deleting a user takes all that hangs below", userDelete},
	})
}

func fullUser() auth.User {
	return auth.User{
		ID: auth.NewUserID(start), Email: "ann@example.com", Username: "ann",
		EmailVerifiedAt: start.Add(time.Second), Name: "Ann Ö. 安 \u200d\U0001F469", Image: "https://example.com/a.png?x=1&y='\"",
		Roles: []string{"admin", "user"}, Epoch: 7, Version: 9,
		CreatedAt: start, UpdatedAt: justAfter(start), DisabledAt: justBefore(start),
	}
}

func userRoundTrip(t *testing.T, s store.Store) {
	ctx, want := context.Background(), fullUser()
	ok(t, "create", s.CreateUser(ctx, want))
	same(t, "user by ID", must[auth.User](t)(s.User(ctx, want.ID)), want)
	same(t, "user by address", must[auth.User](t)(s.UserByIdentifier(ctx, "ann@example.com")), want)
	same(t, "user by name", must[auth.User](t)(s.UserByIdentifier(ctx, "ann")), want)
	got := must[auth.User](t)(s.User(ctx, want.ID))
	if got.CreatedAt.Location() != time.UTC {
		t.Errorf("CreatedAt is in %v, want UTC", got.CreatedAt.Location())
	}
}

func userEmpty(t *testing.T, s store.Store) {
	ctx := context.Background()
	want := auth.User{ID: auth.NewUserID(start), Username: "bob", CreatedAt: start, UpdatedAt: start}
	ok(t, "create", s.CreateUser(ctx, want))
	got := must[auth.User](t)(s.User(ctx, want.ID))
	same(t, "user", got, want)
	if !got.EmailVerifiedAt.IsZero() || !got.DisabledAt.IsZero() {
		t.Errorf("zero times came back as %v and %v", got.EmailVerifiedAt, got.DisabledAt)
	}
}

func userAbsent(t *testing.T, s store.Store) {
	ctx, id := context.Background(), auth.NewUserID(start)
	newUser(t, s, "somebody")
	_, err := s.User(ctx, id)
	refused(t, "User", err, store.ErrNotFound)
	_, err = s.UserByIdentifier(ctx, "nobody@example.com")
	refused(t, "UserByIdentifier", err, store.ErrNotFound)
	_, err = s.UserByIdentifier(ctx, "")
	refused(t, "UserByIdentifier of nothing", err, store.ErrNotFound)
	_, err = s.UpdateUser(ctx, id, store.UserUpdate{}, start)
	refused(t, "UpdateUser", err, store.ErrNotFound)
	_, err = s.RaiseEpoch(ctx, id, start)
	refused(t, "RaiseEpoch", err, store.ErrNotFound)
	refused(t, "DeleteUser", s.DeleteUser(ctx, id), store.ErrNotFound)
}

func userSameID(t *testing.T, s store.Store) {
	u := newUser(t, s, "ann")
	u.Email = "other@example.com"
	refused(t, "second user of one ID", s.CreateUser(context.Background(), u), store.ErrConflict)
}

func userSameIdentifier(t *testing.T, s store.Store) {
	ctx := context.Background()
	ok(t, "create", s.CreateUser(ctx, fullUser()))
	for _, u := range []auth.User{
		{Email: "ann@example.com"}, {Username: "ann"},
		{Username: "ann@example.com"}, {Email: "ann"}, // not the other kind either
		{Email: "new@example.com", Username: "ann"},
	} {
		u.ID = auth.NewUserID(start)
		refused(t, "user "+u.Email+" "+u.Username, s.CreateUser(ctx, u), store.ErrConflict)
	}
}

func userRefusedWhole(t *testing.T, s store.Store) {
	ctx := context.Background()
	newUser(t, s, "ann")
	second := auth.User{ID: auth.NewUserID(start), Email: "free@example.com", Username: "ann@example.com"}
	err := s.InTx(ctx, func(tx store.Tx) error {
		refused(t, "create", tx.CreateUser(ctx, second), store.ErrConflict)
		return nil // goes on after the refusal and commits
	})
	ok(t, "transaction", err)
	_, err = s.User(ctx, second.ID)
	refused(t, "User", err, store.ErrNotFound)
	_, err = s.UserByIdentifier(ctx, "free@example.com")
	refused(t, "UserByIdentifier", err, store.ErrNotFound)
}

func userCollation(t *testing.T, s store.Store) {
	ctx := context.Background()
	names := []string{"strasse", "straße", "Strasse", "\u00e9mile", "e\u0301mile", "ﬁ", "fi", "a_b", "a%b", "axb", "ı", "i"}
	ids := make(map[string]auth.UserID)
	for _, name := range names {
		u := auth.User{ID: auth.NewUserID(start), Username: name}
		ok(t, "create "+name, s.CreateUser(ctx, u))
		ids[name] = u.ID
	}
	for _, name := range names {
		if got := must[auth.User](t)(s.UserByIdentifier(ctx, name)); got.ID != ids[name] || got.Username != name {
			t.Errorf("%+q finds the user %+q", name, got.Username)
		}
	}
	_, err := s.UserByIdentifier(ctx, "strasse ")
	refused(t, "trailing blank", err, store.ErrNotFound)
}

func userPages(t *testing.T, s store.Store) {
	ctx := context.Background()
	var want []auth.UserID
	for i := range 9 {
		want = append(want, newUser(t, s, numbered(i)).ID)
	}
	slices.Sort(want)
	var got []auth.UserID
	var after auth.UserID
	for {
		page := must[[]auth.User](t)(s.ListUsers(ctx, after, 4))
		for _, u := range page {
			got = append(got, u.ID)
		}
		if len(page) < 4 {
			break
		}
		after = page[len(page)-1].ID
		if len(got) == 4 { // one seen, the last seen, and one to come go away
			for _, i := range []int{1, 3, 6} {
				ok(t, "delete", s.DeleteUser(ctx, want[i]))
			}
		}
	}
	same(t, "users", got, slices.Delete(slices.Clone(want), 6, 7))
	count(t, "users on a page of none", len(must[[]auth.User](t)(s.ListUsers(ctx, "", 0))), 0)
}

func userUpdate(t *testing.T, s store.Store) {
	ctx, want := context.Background(), fullUser()
	ok(t, "create", s.CreateUser(ctx, want))
	later := start.Add(time.Hour)
	name, roles := "Ann Two", []string{"user"}
	got := must[auth.User](t)(s.UpdateUser(ctx, want.ID, store.UserUpdate{Name: &name, Roles: &roles}, later))
	want.Name, want.Roles, want.Version, want.UpdatedAt = name, roles, 10, later
	same(t, "answer", got, want)
	same(t, "row", must[auth.User](t)(s.User(ctx, want.ID)), want)

	got = must[auth.User](t)(s.UpdateUser(ctx, want.ID, store.UserUpdate{}, justAfter(later)))
	want.Version, want.UpdatedAt = 11, justAfter(later)
	same(t, "answer to an empty update", got, want)
}

func userUpdateEmpties(t *testing.T, s store.Store) {
	ctx, want := context.Background(), fullUser()
	ok(t, "create", s.CreateUser(ctx, want))
	empty, none, zero := "", []string{}, time.Time{}
	got := must[auth.User](t)(s.UpdateUser(ctx, want.ID, store.UserUpdate{
		Name: &empty, Image: &empty, Email: &empty, Roles: &none, EmailVerifiedAt: &zero, DisabledAt: &zero,
	}, start))
	cleared := auth.User{ID: want.ID, Username: "ann", Epoch: 7, Version: 10, CreatedAt: start, UpdatedAt: start}
	same(t, "emptied", got, cleared)
	got = must[auth.User](t)(s.UpdateUser(ctx, want.ID, store.UserUpdate{
		Name: &want.Name, Image: &want.Image, Email: &want.Email, Roles: &want.Roles,
		EmailVerifiedAt: &want.EmailVerifiedAt, DisabledAt: &want.DisabledAt,
	}, want.UpdatedAt))
	want.Version = 11
	same(t, "set again", got, want)
}

func userUpdateConflict(t *testing.T, s store.Store) {
	ctx := context.Background()
	newUser(t, s, "ann")
	bob := newUser(t, s, "bob")
	name, taken, username := "changed", "ann@example.com", "bobby"
	for _, change := range []store.UserUpdate{
		{Name: &name, Email: &taken}, {Name: &name, Username: &taken, Email: &username},
	} {
		_, err := s.UpdateUser(ctx, bob.ID, change, justAfter(start))
		refused(t, "update", err, store.ErrConflict)
		err = s.InTx(ctx, func(tx store.Tx) error {
			_, err := tx.UpdateUser(ctx, bob.ID, change, justAfter(start))
			refused(t, "update in a transaction", err, store.ErrConflict)
			return nil
		})
		ok(t, "transaction", err)
		same(t, "row", must[auth.User](t)(s.User(ctx, bob.ID)), bob)
	}
}

func userUpdateFrees(t *testing.T, s store.Store) {
	ctx := context.Background()
	ann, email := newUser(t, s, "ann"), "new@example.com"
	must[auth.User](t)(s.UpdateUser(ctx, ann.ID, store.UserUpdate{Email: &email}, start))
	_, err := s.UserByIdentifier(ctx, "ann@example.com")
	refused(t, "old address", err, store.ErrNotFound)
	newUser(t, s, "ann")
	must[auth.User](t)(s.UpdateUser(ctx, ann.ID, store.UserUpdate{Email: &email}, start)) // its own is no conflict
}

func userUpdateMoves(t *testing.T, s store.Store) {
	ctx := context.Background()
	u := auth.User{ID: auth.NewUserID(start), Email: "one", Username: "two", CreatedAt: start, UpdatedAt: start}
	ok(t, "create", s.CreateUser(ctx, u))
	got := must[auth.User](t)(s.UpdateUser(ctx, u.ID, store.UserUpdate{Email: &u.Username, Username: &u.Email}, start))
	u.Email, u.Username, u.Version = "two", "one", 1
	same(t, "user", got, u)
}

func userRaiseEpoch(t *testing.T, s store.Store) {
	ctx, want := context.Background(), fullUser()
	ok(t, "create", s.CreateUser(ctx, want))
	later := start.Add(time.Minute)
	got := must[auth.User](t)(s.RaiseEpoch(ctx, want.ID, later))
	want.Epoch, want.Version, want.UpdatedAt = 8, 10, later
	same(t, "answer", got, want)
	same(t, "row", must[auth.User](t)(s.User(ctx, want.ID)), want)
}

func userRaiseEpochAtOnce(t *testing.T, s store.Store) {
	ctx, u := context.Background(), newUser(t, s, "ann")
	epochs := make([]int64, 50)
	atOnce(t, 50, nil, func(i int) error {
		got, err := s.RaiseEpoch(ctx, u.ID, start)
		epochs[i] = got.Epoch
		return err
	})
	slices.Sort(epochs)
	for i, e := range epochs {
		if e != int64(i)+2 {
			t.Fatalf("epochs are %v, want each of 2 to 51 once", epochs)
		}
	}
}

func userCreateAtOnce(t *testing.T, s store.Store) {
	ctx := context.Background()
	won := atOnce(t, 50, store.ErrConflict, func(int) error {
		return s.CreateUser(ctx, auth.User{ID: auth.NewUserID(start), Email: "ann@example.com"})
	})
	count(t, "users made", won, 1)
	count(t, "users kept", len(must[[]auth.User](t)(s.ListUsers(ctx, "", 100))), 1)
}

func userDelete(t *testing.T, s store.Store) {
	ctx := context.Background()
	ann, bob := newUser(t, s, "ann"), newUser(t, s, "bob")
	annSession, bobSession := newSession(t, s, ann), newSession(t, s, bob)
	challenge := challengeOf(ann)
	ok(t, "challenge", s.CreateChallenge(ctx, challenge))
	ok(t, "password", s.SetPassword(ctx, auth.Password{UserID: ann.ID, Hash: "h", UpdatedAt: start}))
	ok(t, "event", s.AppendEvent(ctx, auth.Event{ID: auth.NewEventID(start), At: start, UserID: ann.ID}))
	change := auth.Change{Kind: auth.ChangeUserEpoch, UserID: ann.ID, Value: 2, At: start, Until: start}
	must[int64](t)(s.AppendChange(ctx, change))

	ok(t, "delete", s.DeleteUser(ctx, ann.ID))
	_, err := s.User(ctx, ann.ID)
	refused(t, "user", err, store.ErrNotFound)
	_, err = s.UserByIdentifier(ctx, ann.Email)
	refused(t, "identifier", err, store.ErrNotFound)
	_, err = s.Password(ctx, ann.ID)
	refused(t, "password", err, store.ErrNotFound)
	_, err = s.Session(ctx, annSession.ID)
	refused(t, "session", err, store.ErrNotFound)
	_, err = s.ConsumeChallenge(ctx, challenge.ID, challenge.Kind, challenge.SecretHash, start)
	refused(t, "challenge", err, store.ErrNotFound)

	same(t, "somebody else's session", must[auth.Session](t)(s.Session(ctx, bobSession.ID)), bobSession)
	count(t, "events kept", len(must[[]auth.Event](t)(s.ListEvents(ctx, ann.ID, 9))), 1)
	count(t, "changes kept", len(loadFeed(t, s)), 1)
	refused(t, "second delete", s.DeleteUser(ctx, ann.ID), store.ErrNotFound)
	newUser(t, s, "ann") // the address is free again
}
