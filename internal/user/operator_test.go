package user_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/user"
)

// until is how long a feed row about a whole user is kept: as long as any
// session may live, and some minutes (R4).
var until = roomtest.Start.Add(session.MaxAbsoluteLifetime + 5*time.Minute)

func epochRow(id auth.UserID, least int64) auth.Change {
	return auth.Change{Kind: auth.ChangeUserEpoch, UserID: id, Value: least, At: roomtest.Start, Until: until}
}

func versionRow(id auth.UserID, least int64) auth.Change {
	return auth.Change{Kind: auth.ChangeUserVersion, UserID: id, Value: least, At: roomtest.Start, Until: until}
}

// operation is one thing that may be done to a user, and what it must leave
// behind: an audit event and rows for every node to know.
type operation struct {
	name  string
	do    func(r *roomtest.Rooms, id auth.UserID) error
	event auth.EventType
	feed  func(id auth.UserID) []auth.Change
}

func operations() []operation {
	ctx := context.Background()
	return []operation{
		{
			"disable", func(r *roomtest.Rooms, id auth.UserID) error { _, err := r.Users.Disable(ctx, "cli", id); return err }, auth.EventUserDisabled,
			func(id auth.UserID) []auth.Change { return []auth.Change{epochRow(id, 1), versionRow(id, 3)} },
		},
		{
			"enable", func(r *roomtest.Rooms, id auth.UserID) error { _, err := r.Users.Enable(ctx, "cli", id); return err }, auth.EventUserEnabled,
			func(id auth.UserID) []auth.Change { return []auth.Change{versionRow(id, 2)} },
		},
		{
			"set roles", func(r *roomtest.Rooms, id auth.UserID) error {
				_, err := r.Users.SetRoles(ctx, "cli", id, []string{"root"})
				return err
			}, auth.EventRolesChanged,
			func(id auth.UserID) []auth.Change { return []auth.Change{versionRow(id, 2)} },
		},
		{
			"set password", func(r *roomtest.Rooms, id auth.UserID) error {
				return r.Users.SetPassword(ctx, "cli", id, roomtest.OtherPassword, true)
			}, auth.EventPasswordChanged,
			func(id auth.UserID) []auth.Change { return []auth.Change{epochRow(id, 1), versionRow(id, 2)} },
		},
		{
			"update profile", func(r *roomtest.Rooms, id auth.UserID) error {
				name := "Other"
				_, err := r.Users.UpdateProfile(ctx, auth.Principal{UserID: id}, user.Profile{Name: &name})
				return err
			}, auth.EventUserUpdated,
			func(id auth.UserID) []auth.Change { return []auth.Change{versionRow(id, 2)} },
		},
		{
			"delete", func(r *roomtest.Rooms, id auth.UserID) error { return r.Users.Delete(ctx, "cli", id) }, auth.EventUserDeleted,
			func(id auth.UserID) []auth.Change { return []auth.Change{epochRow(id, 1<<63-1)} },
		},
	}
}

// Each writes its event and its feed rows with the change, or nothing at all.
//
// proves: ASVS 2.3.3, ASVS 16.3.3
func TestRoom_changesEventAndFeedAreOneThing(t *testing.T) {
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			r := roomtest.New(t)
			u := r.NewUser(t, "ann", "user")
			before := r.Events(t, u.ID)
			for _, method := range []string{"AppendEvent", "AppendChange"} {
				mend := r.Faults.Break(method)
				if err := op.do(r, u.ID); !errors.Is(err, auth.CodeUnavailable) || !errors.Is(err, roomtest.ErrBroken) {
					t.Fatalf("%s fails: %v, want unavailable", method, err)
				}
				mend()
				now, err := r.DB.User(context.Background(), u.ID)
				if diff := cmp.Diff(u, now); err != nil || diff != "" {
					t.Errorf("%s fails, and the row changed (%v):\n%s", method, err, diff)
				}
			}
			if feed := r.Feed(t); len(feed) != 0 {
				t.Errorf("feed of what failed: %v", feed)
			}
			if got := r.Events(t, u.ID); !slices.Equal(got, before) {
				t.Errorf("events of what failed: %v", got)
			}
			if err := op.do(r, u.ID); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(op.feed(u.ID), r.Feed(t)); diff != "" {
				t.Errorf("feed (-want +got):\n%s", diff)
			}
			if got := r.Events(t, u.ID); len(got) != len(before)+1 || !slices.Contains(got, op.event) {
				t.Errorf("events %v, want %s beside %v", got, op.event, before)
			}
		})
	}
}

func TestRoom_saysWhatIsNotThere(t *testing.T) {
	r := roomtest.New(t)
	nobody := auth.NewUserID(roomtest.Start)
	for _, op := range operations() {
		want := auth.CodeNotFound
		if op.name == "update profile" {
			want = auth.CodeSignedOut // it is the asker who is gone
		}
		if err := op.do(r, nobody); !errors.Is(err, want) || auth.AsError(err).Code != want {
			t.Errorf("%s of nobody: %v, want %s", op.name, err, want)
		}
	}
	if feed := r.Feed(t); len(feed) != 0 {
		t.Errorf("feed about nobody: %v", feed)
	}
	r.Faults.Away(true)
	for _, op := range operations() {
		err := op.do(r, nobody)
		if refused := auth.AsError(err); refused.Code != auth.CodeUnavailable || refused.RetryAfter <= 0 {
			t.Errorf("%s while the store is away: %v, want unavailable", op.name, err)
		}
	}
}

func TestCreate_keepsWhatItIsGiven(t *testing.T) {
	r := roomtest.New(t)
	in := user.New{
		Email: "Ann@Example.com", Username: "ANN", Name: " Ann ", Image: "https://img.example/a.png", Roles: []string{"b", "a", "b"},
		Password: roomtest.Password, PasswordHash: "$ignored", MustChange: true, Verified: true,
	}
	u, err := r.Users.Create(context.Background(), "cli", in)
	if err != nil {
		t.Fatal(err)
	}
	want := auth.User{
		ID: u.ID, Email: "ann@example.com", Username: "ann", Name: "Ann", Image: in.Image, Roles: []string{"a", "b"},
		EmailVerifiedAt: roomtest.Start, Version: 1, CreatedAt: roomtest.Start, UpdatedAt: roomtest.Start,
	}
	stored, err := r.DB.User(context.Background(), u.ID)
	if diff := cmp.Diff(want, stored); err != nil || diff != "" {
		t.Errorf("row, %v (-want +got):\n%s", err, diff)
	}
	p, err := r.DB.Password(context.Background(), u.ID)
	if err != nil || !p.MustChange || !strings.HasPrefix(p.Hash, "$argon2id$") {
		t.Errorf("password %+v, %v", p, err)
	}
	if _, err := r.Users.Create(context.Background(), "cli", user.New{Username: "Ann"}); !errors.Is(err, auth.CodeIdentifierTaken) {
		t.Errorf("the same again: %v", err)
	}
	if got := r.Events(t, u.ID); !slices.Equal(got, []auth.EventType{auth.EventUserCreated}) {
		t.Errorf("events %v", got)
	}
}

func TestCreate_refuses(t *testing.T) {
	r := roomtest.New(t)
	for name, c := range map[string]struct {
		in   user.New
		code auth.Code
	}{
		"no identifier":          {user.New{Name: "Ann"}, auth.CodeInvalidIdentifier},
		"an address as name":     {user.New{Username: "ann@example.com"}, auth.CodeInvalidIdentifier},
		"a name as address":      {user.New{Email: "ann"}, auth.CodeInvalidIdentifier},
		"a role with a blank":    {user.New{Username: "ann", Roles: []string{"a b"}}, auth.CodeInvalidRequest},
		"a script for a picture": {user.New{Username: "ann", Image: "javascript:alert(1)"}, auth.CodeInvalidRequest},
		"a short password":       {user.New{Username: "ann", Password: "short"}, auth.CodePasswordTooShort},
		"their name as password": {user.New{Username: "ann", Name: "Annabelle Otherperson", Password: "annabelle otherperson"}, auth.CodePasswordContainsName},
		"a name of two lines":    {user.New{Username: "ann", Name: "a\nb"}, auth.CodeInvalidName},
	} {
		if _, err := r.Users.Create(context.Background(), "cli", c.in); !errors.Is(err, c.code) {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	var users int
	r.Query(t, `SELECT count(*) FROM users`, &users)
	if users != 0 {
		t.Errorf("%d users were made", users)
	}
}

func TestImport_takesHashesItCanVerifyAlone(t *testing.T) {
	r := roomtest.New(t)
	for _, hash := range []string{"plain text", "$2y$10$abcdefghijklmnopqrstuv", "$2y$20$" + strings.Repeat("a", 53), "$argon2id$v=19$m=9999999,t=99,p=1$c2FsdHNhbHQ$aGFzaGhhc2g", strings.Repeat("x", 5000)} {
		_, err := r.Users.Import(context.Background(), "cli", user.New{Username: "ann", PasswordHash: hash})
		if refused := auth.AsError(err); refused.Code != auth.CodeInvalidRequest || strings.Contains(err.Error()+refused.Text(), hash) {
			t.Errorf("%.30q: %v, want invalid_request without quoting it", hash, err)
		}
	}
	u, err := r.Users.Import(context.Background(), "cli", user.New{Username: "ann"})
	if err != nil {
		t.Errorf("without a password: %v", err)
	}
	if got := r.Events(t, u.ID); !slices.Equal(got, []auth.EventType{auth.EventUserImported}) {
		t.Errorf("events %v", got)
	}
}

func TestFind_byIDAddressOrName(t *testing.T) {
	r := roomtest.New(t)
	u, err := r.Users.Create(context.Background(), "cli", user.New{Email: "ann@example.com", Username: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{string(u.ID), "ANN@example.com", "Ann"} {
		if got, err := r.Users.Find(context.Background(), ref); err != nil || got.ID != u.ID {
			t.Errorf("%q: %s, %v", ref, got.ID, err)
		}
	}
	for _, ref := range []string{"", "nobody", "nobody@example.com", string(auth.NewUserID(roomtest.Start)), "usr_", "usr_" + strings.Repeat("-", 36), "' OR 1=1 --", "\xff", strings.Repeat("x", 1<<20)} {
		if _, err := r.Users.Find(context.Background(), ref); !errors.Is(err, auth.CodeNotFound) {
			t.Errorf("%.30q: %v, want not_found", ref, err)
		}
	}
	r.Faults.Away(true)
	if _, err := r.Users.Find(context.Background(), "ann@example.com"); !errors.Is(err, auth.CodeUnavailable) {
		t.Errorf("store away: %v, want unavailable", err)
	}
}

// Whoever takes an ID for a user name finds the owner of the ID, or nobody:
// operators type both.
func TestFind_aUserNameNeverShadowsAnID(t *testing.T) {
	r := roomtest.New(t)
	ann := r.NewUser(t, "ann")
	if _, err := r.Users.Create(context.Background(), "cli", user.New{Username: string(ann.ID)}); err != nil {
		t.Skipf("such a name is refused: %v", err)
	}
	if got, err := r.Users.Find(context.Background(), string(ann.ID)); err != nil || got.ID != ann.ID {
		t.Errorf("found %s, %v; want %s", got.ID, err, ann.ID)
	}
}

// proves: ASVS 7.4.2
func TestDelete_takesAllThatHangsBelow(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUserWithPassword(t, "ann")
	r.Begin(t, r.V4, u, nil)
	if err := r.Users.Delete(context.Background(), "cli", u.ID); err != nil {
		t.Fatal(err)
	}
	var rows int
	r.Query(t, `SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM identifiers) + (SELECT count(*) FROM passwords) + (SELECT count(*) FROM sessions)`, &rows)
	if rows != 0 {
		t.Errorf("%d rows are left", rows)
	}
	if got := r.Events(t, u.ID); !slices.Contains(got, auth.EventUserCreated) || !slices.Contains(got, auth.EventUserDeleted) {
		t.Errorf("the audit record is %v, want it whole", got)
	}
	if _, err := r.Users.Create(context.Background(), "cli", user.New{Email: "ann@example.com"}); err != nil {
		t.Errorf("the address is not free again: %v", err)
	}
}
