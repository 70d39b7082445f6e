package user_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/user/transfer"
)

// A hash of no password that anybody knows, and another one.
const (
	aHash       = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$nVxdMRVjW4LsHTbkPM5Tq2qRHkGZsPx2mhYNcYT1dU8"
	anotherHash = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$oVxdMRVjW4LsHTbkPM5Tq2qRHkGZsPx2mhYNcYT1dU8"
)

func importing(r *roomtest.Rooms) *user.Import {
	return r.Users.NewImport(user.ImportOptions{Actor: "cli", Mounts: []string{roomtest.BaseV4, roomtest.BaseV5}, Plain: []string{roomtest.BaseV4}})
}

// outcomes puts what became of each in a word: "new", "present", or the
// refusal.
func outcomes(t testing.TB, im *user.Import, list ...transfer.User) (words []string) {
	t.Helper()
	got, err := im.Users(context.Background(), list)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range got {
		switch {
		case o.Refused != nil:
			words = append(words, auth.AsError(o.Refused).Text())
		case o.Present:
			words = append(words, "present")
		default:
			words = append(words, "new")
		}
	}
	return words
}

func anAda() transfer.User {
	return transfer.User{
		Email: "Ada@example.org", Username: "ada", Name: "Ada", Roles: []string{"b", "a"}, Verified: true,
		VerifiedAt: roomtest.Start.Add(-time.Hour), CreatedAt: roomtest.Start.Add(-48 * time.Hour), PasswordHash: aHash, MustChange: true,
		OldIDs: []auth.OldID{{Value: "1", Main: true}, {Value: "gh-7"}, {Value: "1"}, {Mount: roomtest.BaseV5, Value: "x", Main: true}},
	}
}

func countUsers(t testing.TB, r *roomtest.Rooms) (n int) {
	t.Helper()
	r.Query(t, `SELECT count(*) FROM users`, &n)
	return n
}

func TestImportUsers_keepsWhatTheFileSays(t *testing.T) {
	r := roomtest.New(t)
	if got := outcomes(t, importing(r), anAda()); !slices.Equal(got, []string{"new"}) {
		t.Fatal(got)
	}
	u, err := r.DB.UserByIdentifier(t.Context(), "ada@example.org")
	if err != nil {
		t.Fatal(err)
	}
	want := auth.User{
		ID: u.ID, Email: "ada@example.org", Username: "ada", Name: "Ada", Roles: []string{"a", "b"}, Version: 1,
		EmailVerifiedAt: roomtest.Start.Add(-time.Hour), CreatedAt: roomtest.Start.Add(-48 * time.Hour), UpdatedAt: roomtest.Start,
	}
	if diff := cmp.Diff(want, u); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	p, err := r.DB.Password(t.Context(), u.ID)
	if diff := cmp.Diff(auth.Password{UserID: u.ID, Hash: aHash, MustChange: true, UpdatedAt: roomtest.Start}, p); err != nil || diff != "" {
		t.Errorf("password: %v %s", err, diff)
	}
	ids, err := r.DB.OldIDs(t.Context(), u.ID)
	wantIDs := []auth.OldID{{Mount: roomtest.BaseV4, Value: "1", Main: true}, {Mount: roomtest.BaseV4, Value: "gh-7"}, {Mount: roomtest.BaseV5, Value: "x", Main: true}}
	if diff := cmp.Diff(wantIDs, ids); err != nil || diff != "" {
		t.Errorf("old IDs: %v %s", err, diff)
	}
	if got := r.Events(t, u.ID); !slices.Equal(got, []auth.EventType{auth.EventUserImported}) {
		t.Errorf("events %v", got)
	}
}

func TestImportUsers_refuses(t *testing.T) {
	r := roomtest.New(t)
	several := r.Users.NewImport(user.ImportOptions{Actor: "cli", Mounts: []string{roomtest.BaseV4, roomtest.BaseV5}})
	if got := outcomes(t, several, transfer.User{Email: "a@b.example", OldIDs: []auth.OldID{{Value: "1"}}}); got[0] != "It is not said at which mount it counts." {
		t.Errorf("old IDs of no mount: %v", got)
	}
	many := make([]auth.OldID, 65)
	for i := range many {
		many[i].Value = fmt.Sprint(i)
	}
	for want, change := range map[string]func(u *transfer.User){
		"Give an e-mail address":                    func(u *transfer.User) { u.Email, u.Username = "", "" },
		"Give a name of at most":                    func(u *transfer.User) { u.Name = "a\x00b" },
		"A role is 1 to 64":                         func(u *transfer.User) { u.Roles = []string{"a b"} },
		"A picture is an http":                      func(u *transfer.User) { u.Image = "javascript:alert(1)" },
		"costs more than a sign-in may":             func(u *transfer.User) { u.PasswordHash = "$2y$20$" + strings.Repeat("a", 53) },
		"is of no form that is understood":          func(u *transfer.User) { u.PasswordHash = strings.Repeat("5f", 16) },
		"is cut off or changed":                     func(u *transfer.User) { u.PasswordHash = "$2y$10$" + strings.Repeat("a", 9) },
		"made with a pepper":                        func(u *transfer.User) { u.PasswordHash = "$hmac-sha256$keyid=000000000000" + aHash },
		"There is no password_hash":                 func(u *transfer.User) { u.PasswordHash = "" },
		"The time lies in the future":               func(u *transfer.User) { u.CreatedAt = roomtest.Start.Add(25 * time.Hour) },
		"An old ID has no control":                  func(u *transfer.User) { u.OldIDs[1].Value = "a\nb" },
		"An old ID has 1 to 255":                    func(u *transfer.User) { u.OldIDs[0].Value = strings.Repeat("x", 256) },
		"It names a mount that the settings do not": func(u *transfer.User) { u.OldIDs[3].Mount = "/other" },
		"A user has at most 64":                     func(u *transfer.User) { u.OldIDs = many },
	} {
		u := anAda()
		change(&u)
		if got := outcomes(t, importing(r), u); !strings.Contains(got[0], want) {
			t.Errorf("%q, want %q", got[0], want)
		}
	}
	if n := countUsers(t, r); n != 0 {
		t.Errorf("%d users were made", n)
	}
	if got := outcomes(t, importing(r), anAda()); got[0] != "new" {
		t.Errorf("without all that: %v", got)
	}
}

// Once roles are defined, a file gives no others; the line says which role it is.
func TestImportUsers_givesDefinedRolesAlone(t *testing.T) {
	r := roomtest.New(t)
	var err error
	if r.Users.Roles, err = rbac.New(rbac.Options{Store: r.Store, Changes: r.Index, Now: r.Clock.Now}); err != nil {
		t.Fatal(err)
	}
	bob, cid := anAda(), anAda()
	for _, u := range []*transfer.User{&bob, &cid} {
		u.Email, u.OldIDs = "", nil
	}
	bob.Username, cid.Username = "bob", "cid"
	if got := outcomes(t, importing(r), anAda()); got[0] != "new" {
		t.Errorf("while no role is defined: %v", got)
	}
	if _, err := r.Users.Roles.Create(t.Context(), "cli", auth.Role{Name: "a"}); err != nil {
		t.Fatal(err)
	}
	cid.Roles = []string{"a", auth.RoleSupport}
	if got := outcomes(t, importing(r), bob, cid); got[0] != `There is no role "b".` || got[1] != "new" {
		t.Errorf("got %v", got)
	}
	if n := countUsers(t, r); n != 2 {
		t.Errorf("%d users", n)
	}
	r.Faults.Away(true)
	if _, err := importing(r).Users(t.Context(), []transfer.User{bob}); !errors.Is(err, auth.CodeUnavailable) {
		t.Errorf("without the database: %v", err)
	}
}

const (
	otherData  = "this user is there already, with other data"
	someOnly   = "some of these names and IDs belong to a user who is there already, but not all of them"
	severalHad = "these names and IDs belong to different users who are there already"
	stranger   = "these names belong to a user who did not come by an import"
)

// A line that was imported already is told from one about somebody else, or
// about the same user with something else to say.
func TestImportUsers_tellsTheSameUserFromAnother(t *testing.T) {
	bob := transfer.User{Username: "bob", OldIDs: []auth.OldID{{Value: "2", Main: true}}}
	for name, c := range map[string]struct {
		change func(u *transfer.User)
		want   string
	}{
		"the same":              {func(u *transfer.User) {}, "present"},
		"written otherwise":     {func(u *transfer.User) { u.Email, u.Name, u.Roles = "ADA@EXAMPLE.ORG", " Ada ", []string{"a", "b", "a"} }, "present"},
		"no times":              {func(u *transfer.User) { u.CreatedAt, u.VerifiedAt = time.Time{}, time.Time{} }, "present"},
		"fewer old IDs":         {func(u *transfer.User) { u.OldIDs = u.OldIDs[:1] }, "present"},
		"another name":          {func(u *transfer.User) { u.Name = "Eve" }, otherData},
		"another picture":       {func(u *transfer.User) { u.Image = "https://img.example" }, otherData},
		"more roles":            {func(u *transfer.User) { u.Roles = []string{"a", "b", "root"} }, otherData},
		"not verified":          {func(u *transfer.User) { u.Verified = false }, otherData},
		"verified later":        {func(u *transfer.User) { u.VerifiedAt = roomtest.Start }, otherData},
		"disabled":              {func(u *transfer.User) { u.Disabled = true }, otherData},
		"created later":         {func(u *transfer.User) { u.CreatedAt = roomtest.Start }, otherData},
		"another hash":          {func(u *transfer.User) { u.PasswordHash = anotherHash }, otherData},
		"no hash":               {func(u *transfer.User) { u.PasswordHash, u.MustChange = "", false }, otherData},
		"need not change":       {func(u *transfer.User) { u.MustChange = false }, otherData},
		"without the address":   {func(u *transfer.User) { u.Email = "" }, someOnly},
		"another address":       {func(u *transfer.User) { u.Email = "eve@example.org" }, someOnly},
		"another user name":     {func(u *transfer.User) { u.Username = "eve" }, someOnly},
		"another main old ID":   {func(u *transfer.User) { u.OldIDs[0].Value = "3" }, someOnly},
		"main where it was not": {func(u *transfer.User) { u.OldIDs[1].Main, u.OldIDs[0].Main = true, false }, someOnly},
		"an old ID of bob's":    {func(u *transfer.User) { u.OldIDs[1].Value = "2" }, severalHad},
		"bob's old ID":          {func(u *transfer.User) { u.OldIDs[0].Value = "2" }, severalHad},
		"the old ID alone":      {func(u *transfer.User) { u.Email, u.Username = "eve@example.org", "eve" }, someOnly},
		"another old ID of a mount": {func(u *transfer.User) {
			u.Email, u.Username, u.OldIDs = "eve@example.org", "eve", []auth.OldID{{Mount: roomtest.BaseV5, Value: "1"}}
		}, "new"},
	} {
		t.Run(name, func(t *testing.T) {
			r := roomtest.New(t)
			im := importing(r)
			again := anAda()
			c.change(&again)
			// In one batch, in a batch behind, and in a later run.
			if got := outcomes(t, im, anAda(), bob, again); got[0] != "new" || got[1] != "new" || got[2] != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			if c.want == "new" {
				return
			}
			for _, later := range []*user.Import{im, importing(r)} {
				if got := outcomes(t, later, again, bob); got[0] != c.want || got[1] != "present" {
					t.Errorf("later %q, want %q", got, c.want)
				}
			}
			if n := countUsers(t, r); n != 2 {
				t.Errorf("%d users", n)
			}
		})
	}
}

// While an import is interrupted people sign in, choose other names and are
// given roles. The same file goes on to be the same.
func TestImportUsers_knowsUsersWhoHaveChangedSince(t *testing.T) {
	ctx := context.Background()
	plain := transfer.User{Email: "ada@example.org", Name: "Ada", PasswordHash: aHash}
	for name, change := range map[string]func(r *roomtest.Rooms, id auth.UserID) error{
		"a hash of today's cost": func(r *roomtest.Rooms, id auth.UserID) error {
			return r.DB.ReplaceHash(ctx, id, aHash, anotherHash, r.Clock.Now())
		},
		"roles": func(r *roomtest.Rooms, id auth.UserID) error {
			_, err := r.Users.SetRoles(ctx, "cli", id, []string{"x"})
			return err
		},
		"disabled": func(r *roomtest.Rooms, id auth.UserID) error { _, err := r.Users.Disable(ctx, "cli", id); return err },
		"a name": func(r *roomtest.Rooms, id auth.UserID) error {
			other := "Lovelace"
			_, err := r.Users.UpdateProfile(ctx, auth.Principal{UserID: id}, user.Profile{Name: &other})
			return err
		},
	} {
		for _, in := range []transfer.User{plain, anAda()} {
			r := roomtest.New(t)
			outcomes(t, importing(r), in)
			u, err := r.DB.UserByIdentifier(ctx, "ada@example.org")
			if err != nil {
				t.Fatal(err)
			}
			r.Advance(time.Minute)
			if err := change(r, u.ID); err != nil {
				t.Fatal(err)
			}
			if got := outcomes(t, importing(r), in); got[0] != "present" {
				t.Errorf("%s: %v", name, got)
			}
			in.Username = "somebody"
			if got := outcomes(t, importing(r), in); got[0] != someOnly {
				t.Errorf("%s, and another user name in the file: %v", name, got)
			}
		}
	}
}

// A replaced hash says nothing of the name, which nobody has touched.
func TestImportUsers_aNewHashExcusesNoOtherName(t *testing.T) {
	r := roomtest.New(t)
	outcomes(t, importing(r), anAda())
	u, err := r.DB.UserByIdentifier(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	r.Advance(time.Minute)
	if err := r.DB.ReplaceHash(t.Context(), u.ID, aHash, anotherHash, r.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	eve := anAda()
	eve.Name = "Eve"
	if got := outcomes(t, importing(r), eve); got[0] != otherData {
		t.Error(got)
	}
}

// Somebody registers an address before its owner is imported. However they
// make their row look, it must not pass for the owner's.
func TestImportUsers_aStrangerWhoWasThereFirstIsNotTheUser(t *testing.T) {
	r := roomtest.New(t)
	stranger_ := r.NewUserWithPassword(t, "ann")
	line := transfer.User{Email: "ann@example.com", Name: "ann"}
	if got := outcomes(t, importing(r), line); got[0] != otherData {
		t.Errorf("%v", got)
	}
	r.Advance(time.Minute)
	name := "Other"
	if _, err := r.Users.UpdateProfile(t.Context(), auth.Principal{UserID: stranger_.ID}, user.Profile{Name: &name}); err != nil {
		t.Fatal(err)
	}
	if got := outcomes(t, importing(r), line); got[0] != stranger {
		t.Errorf("%v", got)
	}
	line.OldIDs = []auth.OldID{{Value: "1", Main: true}}
	if got := outcomes(t, importing(r), line); got[0] != someOnly {
		t.Errorf("with an old ID: %v", got)
	}
}

func TestImportUsers_ofADryRunWritesNothing(t *testing.T) {
	r := roomtest.New(t)
	outcomes(t, importing(r), transfer.User{Username: "bob"})
	dry := r.Users.NewImport(user.ImportOptions{Actor: "cli", Mounts: []string{roomtest.BaseV4}, Plain: []string{roomtest.BaseV4}, DryRun: true})
	written := r.WatchWrites(t)
	eve := transfer.User{Username: "bob", Name: "Eve"}
	if got := outcomes(t, dry, transfer.User{Username: "ada"}, transfer.User{Username: "bob"}, eve, transfer.User{Name: "nobody"}); got[0] != "new" || got[1] != "present" || got[2] != otherData || !strings.Contains(got[3], "Give an") {
		t.Errorf("%v", got)
	}
	if written() {
		t.Error("something was written")
	}
	if outcomes(t, importing(r), transfer.User{Username: "ada"}); !written() {
		t.Error("an import that is none of a dry run writes nothing either")
	}
}

// Whatever fails, a user is there whole or not at all, and the same import
// again brings everybody once.
func TestImportUsers_leavesNoHalfUser(t *testing.T) {
	for _, method := range []string{"AddOldIDs", "SetPassword", "AppendEvent", "InTx"} {
		r := roomtest.New(t)
		mend := r.Faults.Break(method)
		list := []transfer.User{{Username: "bob"}, anAda(), {Username: "zoe", PasswordHash: aHash}}
		got, err := importing(r).Users(t.Context(), list)
		if !errors.Is(err, auth.CodeUnavailable) || !errors.Is(err, roomtest.ErrBroken) || got != nil {
			t.Fatalf("%s fails: %v, %v", method, got, err)
		}
		var rows int
		r.Query(t, `SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM identifiers) + (SELECT count(*) FROM passwords) + (SELECT count(*) FROM old_ids) + (SELECT count(*) FROM events)`, &rows)
		if rows != 0 {
			t.Errorf("%s fails: %d rows are left", method, rows)
		}
		mend()
		if got := outcomes(t, importing(r), list...); !slices.Equal(got, []string{"new", "new", "new"}) {
			t.Errorf("again: %v", got)
		}
	}
}

// An old ID that is taken takes the user with it that was just made.
func TestImportUsers_aTakenOldIDLeavesNothing(t *testing.T) {
	r := roomtest.New(t)
	eve := transfer.User{Username: "eve", PasswordHash: aHash, OldIDs: []auth.OldID{{Value: "9", Main: true}, {Value: "gh-7"}}}
	if got := outcomes(t, importing(r), anAda(), eve); got[0] != "new" || got[1] != someOnly {
		t.Error(got)
	}
	var rows int
	r.Query(t, `SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM passwords) + (SELECT count(*) FROM events)`, &rows)
	if rows != 3 {
		t.Errorf("%d rows, want a user, a password and an event", rows)
	}
	eve.OldIDs = eve.OldIDs[:1]
	if got := outcomes(t, importing(r), eve); got[0] != "new" {
		t.Errorf("mended: %v", got)
	}
}

func TestImportUsers_standInTheOrderOfTheirFile(t *testing.T) {
	r := roomtest.New(t)
	im := importing(r)
	var want, got []string
	for i := range 5000 / user.ImportBatch {
		var list []transfer.User
		for j := range user.ImportBatch {
			list = append(list, transfer.User{Username: fmt.Sprintf("u%d", i*user.ImportBatch+j)})
			want = append(want, list[j].Username)
		}
		outcomes(t, im, list...)
	}
	err := r.Users.Export(t.Context(), "cli", false, func(u transfer.User) error {
		got = append(got, u.Username)
		return nil
	})
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

// What is void for a deleted user stays void for whoever has the ID.
func TestImportUsers_aDeletedIDDoesNotComeBack(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUser(t, "ann")
	kept := r.NewUser(t, "bob")
	if err := r.Users.Delete(t.Context(), "cli", u.ID); err != nil {
		t.Fatal(err)
	}
	line := transfer.User{ID: u.ID, Email: "ann@example.com"}
	if got := outcomes(t, importing(r), line); !strings.Contains(got[0], "was deleted here") {
		t.Error(got)
	}
	line.ID = auth.NewUserID(roomtest.Start)
	if got := outcomes(t, importing(r), line); got[0] != "new" {
		t.Errorf("another ID: %v", got)
	}
	if got, err := r.DB.UserByIdentifier(t.Context(), "ann@example.com"); err != nil || got.ID != line.ID {
		t.Errorf("the ID of the file was not kept: %s, %v", got.ID, err)
	}
	if got := outcomes(t, importing(r), transfer.User{ID: kept.ID, Email: "eve@example.com"}); got[0] != someOnly {
		t.Errorf("bob's ID: %v", got)
	}
}
