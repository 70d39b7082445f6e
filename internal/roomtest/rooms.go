package roomtest

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite" // for WatchWrites

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/password"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
	"github.com/gatehouse-auth/gatehouse/internal/registration"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/signin"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

// What the rooms are set up with. The secrets are nobody's.
const (
	Origin = "https://app.example"
	BaseV4 = "/api/auth"
	BaseV5 = "/v5/auth"

	Idle         = 24 * time.Hour
	Absolute     = 7 * 24 * time.Hour
	LocalTrust   = time.Hour
	MaxPerUser   = 4
	MaxStaleness = 30 * time.Second

	Secret    auth.Secret = "rooms-own-secret-0123456789abcdefghijkl"
	AppSecret auth.Secret = "application-secret-0123456789abcdefghij"

	// Password is one that the policy accepts, OtherPassword another.
	Password      auth.Secret = "seven quiet lanterns drift"
	OtherPassword auth.Secret = "marble otters borrow umbrellas"
)

// Rooms are all rooms on one fresh database.
type Rooms struct {
	Clock *Clock
	// Path is the database's file; DB is the store that keeps it, Faults
	// stands in front of it, and Store is what the rooms were given.
	Path   string
	DB     *sqlstore.DB
	Faults *Faults
	Store  store.Store
	Index  *revocation.Index
	// Commits counts what reached the disk.
	Commits atomic.Int64

	Passwords    *password.Hasher
	Policy       password.Policy
	Throttle     signin.Throttle
	Addresses    ratelimit.Source
	Sessions     *session.Room
	SignIn       *signin.Room
	Registration *registration.Room
	Invitations  *registration.Invitations
	Users        *user.Room
	V4, V5       *mount.Mount
}

// New returns rooms on a database in a temporary folder. The index counts as
// fresh at the clock's present.
func New(t testing.TB) *Rooms {
	t.Helper()
	r := &Rooms{Clock: NewClock(), Index: revocation.NewIndex(), Path: filepath.Join(t.TempDir(), "rooms.db")}
	r.open(t)
	var err error
	if r.Sessions, err = session.New(r.SessionOptions()); err != nil {
		t.Fatalf("session room: %v", err)
	}
	if r.Passwords, err = password.New(password.Options{}); err != nil {
		t.Fatalf("password hasher: %v", err)
	}
	common, err := password.LoadCommon()
	if err != nil {
		t.Fatalf("common passwords: %v", err)
	}
	r.Policy = password.Policy{ContextWords: []string{"Gatehouse"}, Common: common}
	r.Throttle = signin.Throttle{
		Free: 3, MaxDelay: 15 * time.Minute, Key: []byte("a key that blinds identifiers"),
		Address: signin.Pace{Burst: 3, Period: 15 * time.Minute, MaxDelay: 15 * time.Minute},
		Unknown: signin.Pace{Burst: 500, Period: 15 * time.Minute, MaxDelay: 5 * time.Second},
	}
	devices, err := signin.NewDevices([]auth.Secret{"a secret that makes devices known"})
	if err != nil {
		t.Fatalf("devices: %v", err)
	}
	r.Addresses = ratelimit.NewMemory(64)
	r.SignIn = &signin.Room{
		Store: r.Store, Passwords: r.Passwords, Policy: r.Policy, Sessions: r.Sessions, Throttle: r.Throttle, Now: r.Clock.Now,
		Devices: devices, Sampling: r.Addresses,
	}
	r.Registration = &registration.Room{
		Store: r.Store, Passwords: r.Passwords, Policy: r.Policy, Mode: registration.Open, Roles: []string{"user"}, Now: r.Clock.Now,
		Addresses: r.Addresses, AddressLimits: ratelimit.Limit{Name: "registration-address", Burst: 3, Period: time.Hour},
	}
	r.Invitations = &registration.Invitations{Store: r.Store, Now: r.Clock.Now}
	r.Users = &user.Room{
		Store: r.Store, Passwords: r.Passwords, Policy: r.Policy, SessionRoom: r.Sessions, Throttle: r.Throttle, Now: r.Clock.Now,
	}
	r.V4 = r.Mount(t, r.Sessions, BaseV4, seal.V4)
	r.V5 = r.Mount(t, r.Sessions, BaseV5, seal.V5)
	return r
}

func (r *Rooms) open(t testing.TB) {
	t.Helper()
	db, err := sqlstore.Open(context.Background(), sqlstore.Options{Path: r.Path, Migrate: true, Watch: r.countCommit})
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	r.DB, r.Faults = db, &Faults{Store: db}
	r.Store = revocation.Applying(r.Faults, r.Index)
	r.Index.MarkFresh(r.Clock.Now())
}

func (r *Rooms) countCommit(members int, _ time.Duration, err error) {
	if err == nil && members > 0 {
		r.Commits.Add(1)
	}
}

// SessionOptions are what the session room is made with.
func (r *Rooms) SessionOptions() session.Options {
	return session.Options{
		Store: r.Store, Index: r.Index, Secrets: []auth.Secret{Secret}, Idle: Idle, Absolute: Absolute, LocalTrust: LocalTrust,
		FamilyIdle: RefreshIdle, MaxPerUser: MaxPerUser, MaxStaleness: MaxStaleness, Logger: slog.New(slog.DiscardHandler), Now: r.Clock.Now,
	}
}

// Mount returns a mount on [Origin] with [AppSecret].
func (r *Rooms) Mount(t testing.TB, room *session.Room, base string, d seal.Dialect) *mount.Mount {
	t.Helper()
	m, err := mount.New(room, Origin, base, d, []auth.Secret{AppSecret})
	if err != nil {
		t.Fatalf("mount %s: %v", base, err)
	}
	return m
}

// Advance moves the clock, and the index with it, as a follower does that
// reaches the database all the time.
func (r *Rooms) Advance(d time.Duration) {
	r.Clock.Advance(d)
	r.Index.MarkFresh(r.Clock.Now())
}

// NewUser makes a user "<name>@example.com" without a password, which costs no
// hash.
func (r *Rooms) NewUser(t testing.TB, name string, roles ...string) auth.User {
	t.Helper()
	return r.newUser(t, user.New{Email: name + "@example.com", Name: name, Roles: roles})
}

// NewUserWithPassword makes a user "<name>@example.com" with [Password].
func (r *Rooms) NewUserWithPassword(t testing.TB, name string, roles ...string) auth.User {
	t.Helper()
	return r.newUser(t, user.New{Email: name + "@example.com", Name: name, Roles: roles, Password: Password})
}

func (r *Rooms) newUser(t testing.TB, in user.New) auth.User {
	t.Helper()
	u, err := r.Users.Create(context.Background(), "test", in)
	if err != nil {
		t.Fatalf("create %s: %v", in.Email, err)
	}
	return u
}

// Begin begins a session on the mount without asking for a proof. replaces may
// be nil.
func (r *Rooms) Begin(t testing.TB, m *mount.Mount, u auth.User, replaces *session.Checked) (session.Checked, session.Token) {
	t.Helper()
	proof := session.Proof{User: u, Methods: []string{"pwd"}, Replaces: replaces}
	var row session.Begun
	err := r.Store.InTx(context.Background(), func(tx store.Tx) (err error) {
		row, err = m.Sessions.Begin(context.Background(), tx, proof)
		return err
	})
	if err != nil {
		t.Fatalf("begin session: %v", err)
	}
	sealed, token, err := m.Sessions.Seal(context.Background(), row, proof, nil)
	if err != nil {
		t.Fatalf("seal session: %v", err)
	}
	return sealed, token
}

// Check checks a cookie's text and fails the test unless there is a definite
// verdict.
func Check(t testing.TB, m *mount.Mount, token string) session.Checked {
	t.Helper()
	s, err := m.Sessions.Check(context.Background(), token, auth.Device{})
	if err != nil {
		t.Fatalf("check: %v", err)
	}
	return s
}

// Events returns the types of the user's audit events, the oldest first; those
// of one moment in any order.
func (r *Rooms) Events(t testing.TB, id auth.UserID) []auth.EventType {
	t.Helper()
	list, err := r.DB.ListEvents(context.Background(), id, 100)
	if err != nil {
		t.Fatalf("list events: %v", err)
	}
	types := make([]auth.EventType, len(list))
	for i, e := range list {
		types[len(list)-1-i] = e.Type
	}
	return types
}

// Feed returns every row of the change feed, without Seq.
func (r *Rooms) Feed(t testing.TB) []auth.Change {
	t.Helper()
	feed, err := r.DB.OpenFeed(context.Background())
	if err != nil {
		t.Fatalf("open feed: %v", err)
	}
	defer feed.Close()
	var list []auth.Change
	err = feed.Load(context.Background(), func(c auth.Change) {
		c.Seq = 0
		list = append(list, c)
	})
	if err != nil {
		t.Fatalf("load feed: %v", err)
	}
	return list
}

// WatchWrites returns a function that says whether anything at all was written
// to the database since the last call.
func (r *Rooms) WatchWrites(t testing.TB) (written func() bool) {
	t.Helper()
	pool, err := sql.Open("sqlite", "file:"+r.Path+"?mode=ro")
	if err != nil {
		t.Fatalf("watch writes: %v", err)
	}
	pool.SetMaxOpenConns(1)
	t.Cleanup(func() { pool.Close() })
	version := func() (v int64) {
		// SQLite changes it for this connection when another one has committed.
		if err := pool.QueryRow("PRAGMA data_version").Scan(&v); err != nil {
			t.Fatalf("watch writes: %v", err)
		}
		return v
	}
	last := version()
	return func() bool {
		now := version()
		defer func() { last = now }()
		return now != last
	}
}

// Query reads one row of the database, past the store.
func (r *Rooms) Query(t testing.TB, query string, dest ...any) {
	t.Helper()
	pool, err := sql.Open("sqlite", "file:"+r.Path+"?mode=ro")
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer pool.Close()
	if err := pool.QueryRow(query).Scan(dest...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// IronCookie and IronPassword are those of the mount that Carried returns for
// "iron".
const (
	IronCookie               = "app-session"
	IronPassword auth.Secret = "an iron password of the application, 0123"
)

// Carried returns a mount "/<carrier>/auth" whose sessions are carried so:
// "sealed", "iron" or "stored", the last with room for 1000 copies.
func (r *Rooms) Carried(t testing.TB, room *session.Room, carrier string) *mount.Mount {
	t.Helper()
	m := r.Mount(t, room, "/"+carrier+"/auth", seal.V4)
	var err error
	switch carrier {
	case "sealed":
	case "iron":
		err = m.CarryIron(IronCookie, seal.IronPassword{ID: "1", Secret: IronPassword.Reveal()})
	case "stored":
		err = m.Sessions.CarryStored(1000)
	default:
		t.Fatalf("no carrier %q", carrier)
	}
	if err != nil {
		t.Fatalf("mount %s: %v", carrier, err)
	}
	return m
}
