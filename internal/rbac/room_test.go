package rbac_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
	"github.com/gatehouse-auth/gatehouse/internal/registration"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
	"github.com/gatehouse-auth/gatehouse/internal/user"
)

const cli = "cli"

// desk is a room of roles among the others, on a real store.
type desk struct {
	*roomtest.Rooms
	roles *rbac.Room
	log   bytes.Buffer
}

func newDesk(t *testing.T, change func(*rbac.Options)) *desk {
	t.Helper()
	d := &desk{Rooms: roomtest.New(t)}
	o := rbac.Options{Store: d.Store, Changes: d.Index, Logger: slog.New(slog.NewTextHandler(&d.log, nil)), Now: d.Clock.Now}
	if change != nil {
		change(&o)
	}
	var err error
	if d.roles, err = rbac.New(o); err != nil {
		t.Fatal(err)
	}
	d.Users.Roles, d.Invitations.Roles = d.roles, d.roles
	return d
}

func (d *desk) create(t *testing.T, name string, permissions []string, inherits ...string) auth.Role {
	t.Helper()
	r, err := d.roles.Create(t.Context(), cli, role(name, permissions, inherits...))
	if err != nil {
		t.Fatalf("create %s: %v", name, err)
	}
	return r
}

// allows asks the room's policy.
func allows(t *testing.T, room *rbac.Room, name, asked string) bool {
	t.Helper()
	p, err := room.Policy(t.Context())
	if err != nil {
		t.Fatalf("policy: %v", err)
	}
	return p.Allows(list(name), permission(t, asked))
}

func TestRoom_definesRolesAtRunTime(t *testing.T) {
	d := newDesk(t, func(o *rbac.Options) {
		o.Configured = []auth.Role{{Name: "customer", Permissions: list("orders:place")}}
	})
	made := d.create(t, "clerk", list("orders:read", "billing.*:read", "orders:read"), "customer")
	want := auth.Role{
		Name: "clerk", Permissions: list("billing.*:read", "orders:read"), Inherits: list("customer"), Origin: auth.RoleStored,
		Version: made.Version, CreatedAt: roomtest.Start, UpdatedAt: roomtest.Start,
	}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("made: %s", diff)
	}
	got, err := d.roles.Role(t.Context(), "clerk")
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("read: %v %s", err, diff)
	}
	for _, asked := range list("orders:read", "orders:place", "billing.a:read") {
		if !allows(t, d.roles, "clerk", asked) {
			t.Errorf("a clerk has not %s", asked)
		}
	}
	d.Advance(time.Minute)
	fewer := list("orders:read")
	changed, err := d.roles.Update(t.Context(), cli, "clerk", made.Version, rbac.Definition{Permissions: &fewer, Inherits: new([]string)})
	want.Permissions, want.Inherits, want.Version, want.UpdatedAt = fewer, nil, made.Version+1, d.Clock.Now()
	if diff := cmp.Diff(want, changed); diff != "" && len(changed.Inherits) > 0 || err != nil {
		t.Errorf("changed: %v %s", err, diff)
	}
	if allows(t, d.roles, "clerk", "orders:place") || allows(t, d.roles, "clerk", "billing.a:read") || !allows(t, d.roles, "clerk", "orders:read") {
		t.Error("the change is not in force")
	}
	d.Advance(time.Minute)
	if err := d.roles.Delete(t.Context(), cli, "clerk", changed.Version, false); err != nil {
		t.Fatal(err)
	}
	if allows(t, d.roles, "clerk", "orders:read") {
		t.Error("a deleted role allows something")
	}
	if _, err := d.roles.Role(t.Context(), "clerk"); !errors.Is(err, auth.CodeNotFound) {
		t.Errorf("a deleted role: %v", err)
	}
	events, err := d.Store.ListEvents(t.Context(), "", 10)
	var told []string
	for _, e := range events {
		told = append(told, fmt.Sprintf("%s %s %s", e.Type, e.Actor, e.Subject))
	}
	if diff := cmp.Diff(list("role.deleted cli role:clerk", "role.updated cli role:clerk", "role.created cli role:clerk"), told); diff != "" || err != nil {
		t.Errorf("audit: %v %s", err, diff)
	}
	all, err := d.roles.List(t.Context())
	var names []string
	for _, r := range all {
		names = append(names, r.Name+" "+string(r.Origin))
	}
	if diff := cmp.Diff(list("customer config", "gatehouse.admin built_in", "gatehouse.auditor built_in", "gatehouse.support built_in"), names); diff != "" || err != nil {
		t.Errorf("all: %v %s", err, diff)
	}
}

// Refusals name what is wrong, and leave everything as it was: also the feed and
// the audit record.
func TestRoom_refusesWhatIsWrong(t *testing.T) {
	d := newDesk(t, func(o *rbac.Options) {
		o.Configured = []auth.Role{{Name: "customer"}}
		o.Given = list("customer")
	})
	base := d.create(t, "base", list("a:b"))
	d.create(t, "heir", nil, "base")
	ctx, rounds := t.Context(), list("heir")
	before := d.Index.RoleChanges()
	for name, c := range map[string]struct {
		do   func() error
		code auth.Code
		says string
	}{
		"a name twice":           {func() error { _, err := d.roles.Create(ctx, cli, role("base", nil)); return err }, auth.CodeRoleTaken, "already"},
		"a name of the settings": {func() error { _, err := d.roles.Create(ctx, cli, role("customer", nil)); return err }, auth.CodeRoleTaken, "settings"},
		"a reserved name":        {func() error { _, err := d.roles.Create(ctx, cli, role(auth.RoleAdmin, nil)); return err }, auth.CodeInvalidRequest, auth.RoleAdmin},
		"a bad pattern":          {func() error { _, err := d.roles.Create(ctx, cli, role("x", list("**:a"))); return err }, auth.CodeInvalidRequest, `"**:a"`},
		"an unknown role":        {func() error { _, err := d.roles.Create(ctx, cli, role("x", nil, "gone")); return err }, auth.CodeInvalidRequest, `"gone"`},
		"a circle": {func() error {
			_, err := d.roles.Update(ctx, cli, "base", 0, rbac.Definition{Inherits: &rounds})
			return err
		}, auth.CodeInvalidRequest, "base → heir → base"},
		"a version that is gone": {func() error {
			_, err := d.roles.Update(ctx, cli, "base", base.Version-1, rbac.Definition{})
			return err
		}, auth.CodeVersionChanged, ""},
		"to delete that":           {func() error { return d.roles.Delete(ctx, cli, "base", base.Version+1, true) }, auth.CodeVersionChanged, ""},
		"a role that is not there": {func() error { _, err := d.roles.Update(ctx, cli, "Base", 0, rbac.Definition{}); return err }, auth.CodeNotFound, ""},
		"to delete that one":       {func() error { return d.roles.Delete(ctx, cli, "", 0, true) }, auth.CodeNotFound, ""},
		"one of the settings":      {func() error { _, err := d.roles.Update(ctx, cli, "customer", 0, rbac.Definition{}); return err }, auth.CodeForbidden, "settings"},
		"to delete one of those":   {func() error { return d.roles.Delete(ctx, cli, "customer", 0, true) }, auth.CodeForbidden, "settings"},
		"a built-in one":           {func() error { return d.roles.Delete(ctx, cli, auth.RoleAdmin, 0, true) }, auth.CodeForbidden, "Gatehouse"},
		"one that is inherited":    {func() error { return d.roles.Delete(ctx, cli, "base", 0, false) }, auth.CodeRoleInUse, `"heir"`},
		"what a condition forbids": {func() error {
			return d.roles.Delete(ctx, cli, "heir", 0, false, func(_ context.Context, _ store.Tx, before, after auth.Role) error {
				if before.Name != "heir" || after.Name != "" {
					t.Errorf("judged %v, %v", before, after)
				}
				return auth.NewError(auth.CodeLastAdmin, nil)
			})
		}, auth.CodeLastAdmin, ""},
	} {
		err := c.do()
		if !errors.Is(err, c.code) || !strings.Contains(auth.AsError(err).Text(), c.says) {
			t.Errorf("%s: got %v, want %s that says %q", name, err, c.code, c.says)
		}
	}
	if d.Index.RoleChanges() != before {
		t.Error("a refusal was told to the other servers")
	}
	if names, err := d.Store.RoleNames(ctx); !cmp.Equal(names, list("base", "heir")) || err != nil {
		t.Errorf("left: %v %v", names, err)
	}
	if events, err := d.Store.ListEvents(ctx, "", 10); len(events) != 2 || err != nil {
		t.Errorf("%d events, %v", len(events), err)
	}
}

// A role in use is not deleted by accident; who says so deletes it, and the name
// that is left in users' rows allows nothing.
func TestRoom_deletesWhatIsInUseOnlyWhenThatIsSaid(t *testing.T) {
	d := newDesk(t, nil)
	d.create(t, "clerk", list("orders:read"))
	ann := d.NewUser(t, "ann", "clerk")
	d.NewUser(t, "bob", "clerk")
	if _, _, err := d.Invitations.Create(t.Context(), cli, registration.NewInvitation{Roles: list("clerk")}); err != nil {
		t.Fatal(err)
	}
	if err := d.Store.InsertAPIKey(t.Context(), auth.APIKey{
		ID: auth.NewAPIKeyID(d.Clock.Now()), Roles: list("clerk"), CreatedAt: d.Clock.Now(), ExpiresAt: d.Clock.Now().Add(time.Hour),
	}); err != nil {
		t.Fatal(err)
	}
	err := d.roles.Delete(t.Context(), cli, "clerk", 0, false)
	if !errors.Is(err, auth.CodeRoleInUse) || !strings.Contains(auth.AsError(err).Text(), "2 users, 1 API key, 1 invitation.") {
		t.Errorf("got %v", err)
	}
	if !allows(t, d.roles, "clerk", "orders:read") {
		t.Error("the role is gone all the same")
	}
	if err := d.roles.Delete(t.Context(), cli, "clerk", 0, true); err != nil {
		t.Fatal(err)
	}
	if allows(t, d.roles, "clerk", "orders:read") {
		t.Error("a deleted role allows something")
	}
	u, err := d.Users.Find(t.Context(), string(ann.ID))
	if err != nil || !u.HasRole("clerk") {
		t.Errorf("the name is gone from the user: %v %v", u.Roles, err)
	}
}

// As long as no role is defined, any name can be given, but for Gatehouse's own
// that do not exist; with the first definition only those that are defined.
//
// proves: ASVS 8.2.3
func TestRoom_letsOnlyDefinedRolesBeGiven(t *testing.T) {
	d := newDesk(t, nil)
	ctx := t.Context()
	give := func(names ...string) map[string]error {
		errs := map[string]error{}
		_, errs["create"] = d.Users.Create(ctx, cli, user.New{Username: "u" + strings.ToLower(fmt.Sprint(d.Clock.Now().UnixNano())), Roles: names})
		d.Advance(time.Millisecond)
		_, _, errs["invite"] = d.Invitations.Create(ctx, cli, registration.NewInvitation{Roles: names})
		return errs
	}
	wantAll := func(doing string, errs map[string]error, code auth.Code) {
		t.Helper()
		for way, err := range errs {
			if code == "" && err != nil || code != "" && !errors.Is(err, code) {
				t.Errorf("%s by %s: got %v, want %q", doing, way, err, code)
			}
		}
	}
	wantAll("any name", give("whatever", auth.RoleSupport), "")
	wantAll("a reserved name that is no role", give("gatehouse.root"), auth.CodeInvalidRequest)
	old, err := d.Users.Create(ctx, cli, user.New{Username: "old", Roles: list("legacy")})
	if err != nil {
		t.Fatal(err)
	}
	d.create(t, "clerk", nil)
	wantAll("a defined name", give("clerk", auth.RoleAdmin), "")
	wantAll("an undefined name", give("clerk", "whatever"), auth.CodeInvalidRequest)
	wantAll("another case", give("Clerk"), auth.CodeInvalidRequest)
	if _, err := d.Users.SetRoles(ctx, cli, old.ID, list("clerk", "legacy")); err != nil {
		t.Errorf("a name that the user has already: %v", err)
	}
	if _, err := d.Users.SetRoles(ctx, cli, old.ID, list("clerk", "boss")); !errors.Is(err, auth.CodeInvalidRequest) || !strings.Contains(err.Error(), `"boss"`) {
		t.Errorf("an undefined name: %v", err)
	}
	if _, err := d.Users.SetRoles(ctx, cli, old.ID, list("clerk")); err != nil {
		t.Errorf("fewer roles: %v", err)
	}
	if _, err := d.Users.SetRoles(ctx, cli, old.ID, list("clerk", "legacy")); !errors.Is(err, auth.CodeInvalidRequest) {
		t.Errorf("the name that was taken away: %v", err)
	}
}

// The first definition of all must not make it impossible to register.
func TestRoom_wantsTheRolesFirstThatEverybodyIsGiven(t *testing.T) {
	d := newDesk(t, func(o *rbac.Options) { o.Given = list("user", "member", auth.RoleSupport) })
	if _, err := d.roles.Create(t.Context(), cli, role("clerk", nil)); !errors.Is(err, auth.CodeInvalidRequest) || !strings.Contains(err.Error(), `"user"`) {
		t.Errorf("got %v", err)
	}
	d.create(t, "member", nil)
	d.create(t, "user", nil)
	d.create(t, "clerk", nil)
	if err := d.roles.Delete(t.Context(), cli, "user", 0, false); !errors.Is(err, auth.CodeRoleInUse) || !strings.Contains(err.Error(), "registers") {
		t.Errorf("deleted: %v", err)
	}
}

// What other releases wrote, or a hand, or what the settings have taken from
// under stored roles, grants nothing, is said once, and stops no other change.
func TestRoom_saysWhatIsWrongWithStoredRoles(t *testing.T) {
	d := newDesk(t, func(o *rbac.Options) { o.Configured = []auth.Role{{Name: "clerk", Permissions: list("a:b")}} })
	for _, r := range []auth.Role{role("clerk", list("*:*")), role("heir", list("orders"), "lost", "clerk")} {
		if err := d.DB.CreateRole(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if !allows(t, d.roles, "clerk", "a:b") || allows(t, d.roles, "clerk", "c:d") || !allows(t, d.roles, "heir", "a:b") || allows(t, d.roles, "heir", "c:d") {
		t.Error("a stored role has taken the place of the settings'")
	}
	d.create(t, "other", nil)
	allows(t, d.roles, "clerk", "a:b")
	for _, want := range list("lost", "orders", "theirs is in force") {
		if n := strings.Count(d.log.String(), want); n != 1 {
			t.Errorf("%q is said %d times in %s", want, n, d.log.String())
		}
	}
}

// When the roles cannot be read after a change, nothing is decided by those of
// before; and as soon as they can be, it goes on.
//
// proves: ASVS 8.3.2
func TestRoom_neverGoesOnWithTheRolesOfBefore(t *testing.T) {
	d := newDesk(t, nil)
	d.create(t, "clerk", list("orders:read"))
	if !allows(t, d.roles, "clerk", "orders:read") {
		t.Fatal("the control")
	}
	d.Faults.Away(true)
	if !allows(t, d.roles, "clerk", "orders:read") {
		t.Error("nothing has changed, and still the database was asked")
	}
	d.Index.Apply(auth.Change{Kind: auth.ChangeRoles, At: d.Clock.Now(), Until: d.Clock.Now().Add(time.Hour)})
	for range 2 {
		if p, err := d.roles.Policy(t.Context()); p != nil || !errors.Is(err, auth.CodeUnavailable) || auth.AsError(err).RetryAfter == 0 {
			t.Errorf("got %v, %v; want unavailable", p, err)
		}
	}
	if _, err := d.roles.List(t.Context()); !errors.Is(err, auth.CodeUnavailable) {
		t.Errorf("list: %v", err)
	}
	d.Faults.Away(false)
	if !allows(t, d.roles, "clerk", "orders:read") {
		t.Error("it does not recover")
	}
}

// slowStore lets a test act between the reading of the rows and its use.
type slowStore struct {
	store.Store
	reads atomic.Int64
	read  func()
}

func (s *slowStore) ListRoles(ctx context.Context) ([]auth.Role, error) {
	rows, err := s.Store.ListRoles(ctx)
	s.reads.Add(1)
	if s.read != nil {
		s.read()
	}
	return rows, err
}

// A change that commits while the roles are being read, after the rows were
// fetched, is not lost: what was read is known to be older than it (guarantees
// R8).
func TestRoom_knowsWhatWasReadTooEarly(t *testing.T) {
	var slow *slowStore
	d := newDesk(t, func(o *rbac.Options) { slow = &slowStore{Store: o.Store}; o.Store = slow })
	d.create(t, "clerk", list("orders:read", "orders:burn"))
	var once sync.Once
	slow.read = func() {
		once.Do(func() { // another node narrows the role, and this one hears of it at once
			ctx := context.Background()
			row, err := d.DB.Role(ctx, "clerk")
			if err != nil {
				t.Error(err)
			}
			row.Permissions = list("orders:read")
			row.Version++
			if err := d.DB.UpdateRole(ctx, row, row.Version-1); err != nil {
				t.Error(err)
			}
			d.Index.Apply(auth.Change{Kind: auth.ChangeRoles})
		})
	}
	if _, err := d.roles.Policy(t.Context()); err != nil { // may be either
		t.Fatal(err)
	}
	if allows(t, d.roles, "clerk", "orders:burn") {
		t.Error("what was read before the change is in force after it")
	}
	if n := slow.reads.Load(); n != 2 {
		t.Errorf("%d readings, want 2", n)
	}
	allows(t, d.roles, "clerk", "orders:read")
	if n := slow.reads.Load(); n != 2 {
		t.Errorf("%d readings when nothing has changed", n)
	}
}

// Many who ask at once share a reading; one that began before a change that they
// know of is of no use to them.
func TestRoom_sharesAReading(t *testing.T) {
	var slow *slowStore
	d := newDesk(t, func(o *rbac.Options) { slow = &slowStore{Store: o.Store}; o.Store = slow })
	d.create(t, "clerk", list("orders:read"))
	hold, held := make(chan struct{}), make(chan struct{}, 8)
	slow.read = func() { held <- struct{}{}; <-hold }
	var all sync.WaitGroup
	ask := func() {
		all.Go(func() {
			if p, err := d.roles.Policy(t.Context()); err != nil || !p.Allows(list("clerk"), permission(t, "orders:read")) {
				t.Errorf("got %v", err)
			}
		})
	}
	for range 10 {
		ask()
	}
	<-held // the first reading is under way
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.roles.Policy(gone); !errors.Is(err, auth.CodeUnavailable) {
		t.Errorf("who leaves gets %v", err)
	}
	d.Index.Apply(auth.Change{Kind: auth.ChangeRoles})
	for range 10 {
		ask()
	}
	close(hold)
	all.Wait()
	if n := slow.reads.Load(); n < 1 || n > 3 {
		t.Errorf("%d readings for twenty questions and one change", n)
	}
}

// Two servers share a database. What one of them has narrowed and acknowledged,
// the other does not allow once its follower has heard of it; and meanwhile both
// decide.
//
// proves: ASVS 8.3.2
func TestRoom_narrowedOnOneServerIsNarrowOnTheOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "roles.db")
	isNarrowOnTheOther(t, 10, func() store.Store {
		db, err := sqlstore.Open(t.Context(), sqlstore.Options{Path: path, Migrate: true})
		if err != nil {
			t.Fatal(err)
		}
		return db
	})
}

// proves: ASVS 8.3.2
func TestRoom_narrowedOnOneServerIsNarrowOnTheOtherOfPostgres(t *testing.T) {
	url := auth.Secret(pgtest.Shared(t).NewDatabase(t))
	isNarrowOnTheOther(t, 4, func() store.Store {
		db, err := sqlstore.OpenPostgres(t.Context(), sqlstore.PostgresOptions{URL: url, Migrate: true})
		if err != nil {
			t.Fatal(err)
		}
		return db
	})
}

func isNarrowOnTheOther(t *testing.T, rounds int, open func() store.Store) {
	t.Helper()
	one, other := newNode(t, open()), newNode(t, open())
	ctx := t.Context()
	made, err := one.roles.Create(ctx, cli, role("clerk", list("orders:read", "orders:burn")))
	if err != nil {
		t.Fatal(err)
	}
	other.hear(t)
	if !allows(t, other.roles, "clerk", "orders:burn") {
		t.Fatal("the other server does not know the role")
	}
	var stop atomic.Bool
	var deciding sync.WaitGroup
	for _, n := range []*node{one, other} {
		deciding.Go(func() {
			for !stop.Load() {
				if !allows(t, n.roles, "clerk", "orders:read") {
					t.Error("what stayed was refused")
					return
				}
			}
		})
	}
	version, wide := made.Version, true
	for range rounds {
		permissions := list("orders:read")
		if wide = !wide; wide {
			permissions = append(permissions, "orders:burn")
		}
		changed, err := one.roles.Update(ctx, cli, "clerk", version, rbac.Definition{Permissions: &permissions})
		if err != nil {
			t.Fatal(err)
		}
		version = changed.Version
		if allows(t, one.roles, "clerk", "orders:burn") != wide {
			t.Error("the server that changed the role does not know it")
		}
		other.hear(t)
		if allows(t, other.roles, "clerk", "orders:burn") != wide {
			t.Error("the other server has heard of the change and decides as before")
		}
	}
	stop.Store(true)
	deciding.Wait()
}

// node is what a server has of roles.
type node struct {
	roles    *rbac.Room
	follower *revocation.Follower
}

func newNode(t *testing.T, db store.Store) *node {
	t.Helper()
	index := revocation.NewIndex()
	n := &node{follower: &revocation.Follower{Store: db, Index: index, Logger: slog.New(slog.DiscardHandler), Now: time.Now, Interval: time.Millisecond}}
	self := auth.Node{ID: auth.NewNodeID(time.Now()), StartedAt: time.Now(), MaxStaleness: time.Minute}
	n.follower.Node = func() auth.Node { self.BeatAt = time.Now(); return self }
	var err error
	if n.roles, err = rbac.New(rbac.Options{Store: revocation.Applying(db, index), Changes: index}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = n.follower.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// hear waits for two looks at the feed: the second began after the call.
func (n *node) hear(t *testing.T) {
	t.Helper()
	before := n.follower.Stats().Rounds
	for deadline := time.Now().Add(20 * time.Second); n.follower.Stats().Rounds < before+2; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the follower does not follow")
		}
	}
}

func TestNew_refusesSettingsThatAreWrong(t *testing.T) {
	_, err := rbac.New(rbac.Options{Configured: []auth.Role{role("a", nil, "gone")}})
	if err == nil || !strings.Contains(err.Error(), `"gone"`) {
		t.Errorf("got %v", err)
	}
	given := []auth.Role{{Name: "a", Permissions: list("b:b", "a:a")}}
	if _, err := rbac.New(rbac.Options{Configured: given}); err != nil || !slices.Equal(given[0].Permissions, list("b:b", "a:a")) {
		t.Errorf("%v; the caller's became %v", err, given)
	}
}
