package gatehouse

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/apikey"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
	"github.com/gatehouse-auth/gatehouse/internal/registration"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/setup"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/guard"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
	"github.com/gatehouse-auth/gatehouse/internal/web/ops"
)

// Gatehouse is one server: a store, the rooms on it, and what answers HTTP. It
// is safe for concurrent use.
type Gatehouse struct {
	cfg     Config
	rooms   rooms
	mounts  []*mount.Mount
	handler http.Handler
	guard   *guard.Guard
	probes  *ops.Probes
	// management serves the management API alone.
	management http.Handler
	// loaded is set once Run has read the change feed whole.
	loaded atomic.Bool
	// joined is set once other servers may know of this one, and stays set:
	// Close comes after Run.
	joined atomic.Bool
	// running is held while Run runs, and active says so to whoever asks.
	running sync.Mutex
	active  atomic.Bool
	idle    warnings
	// state is the readiness that was last told.
	state readiness
}

// New validates cfg, opens the store (bringing its schema up to date unless
// Database.SkipMigrate is set) and wires the rooms. It starts nothing: until
// [Gatehouse.Run] has read the change feed, every check answers 503. The error
// is a [*Problems] when cfg is what is wrong. Close the Gatehouse when done.
func New(ctx context.Context, cfg Config) (*Gatehouse, error) {
	cfg = cfg.WithDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return open(ctx, cfg, false)
}

// OpenExisting is [New] for what works beside a server: it never creates the
// database. Where there is none the error wraps fs.ErrNotExist and names the
// path.
func OpenExisting(ctx context.Context, cfg Config) (*Gatehouse, error) {
	cfg = cfg.WithDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return open(ctx, cfg, true)
}

// Handler answers everything below the mounts' base paths; other addresses are
// 404. It wants the whole path: behind http.StripPrefix it finds nothing, and
// says so once in the log. It belongs outside of [Gatehouse.Require], which
// would lead people who want to sign in round in circles.
func (g *Gatehouse) Handler() http.Handler { return g.handler }

// Users changes users, for operators.
func (g *Gatehouse) Users() *user.Room { return g.rooms.users }

// Sessions looks at and ends the sessions of anybody, for operators. People end
// their own on the hosted pages. What it answers says whether every server
// refuses them already or by when the last one does.
func (g *Gatehouse) Sessions() *session.Operator { return g.rooms.sessions.Operator() }

// APIKeys makes, lists, changes, rotates and ends API keys.
func (g *Gatehouse) APIKeys() *apikey.Room { return g.rooms.apiKeys }

// Invitations makes and withdraws invitation codes, for operators.
func (g *Gatehouse) Invitations() *registration.Invitations { return g.rooms.invitations }

// Setup makes the first administrator of an installation that has none.
func (g *Gatehouse) Setup() *setup.Room { return g.rooms.setup }

// Roles defines roles at run time, for operators. Those of Config.Roles are in
// force beside them, and the settings alone change these.
func (g *Gatehouse) Roles() *rbac.Room { return g.rooms.roles }

// Run is the background work: it follows the change feed, writes last-seen
// times behind, chains the audit record, and purges what is past its end. It takes the lock that keeps
// a second server from the same database file, and returns when ctx ends (nil)
// or at once when it cannot begin. It may run once at a time.
func (g *Gatehouse) Run(ctx context.Context) error {
	if !g.running.TryLock() {
		return errors.New("gatehouse: Run is running already")
	}
	defer g.running.Unlock()
	g.active.Store(true)
	defer g.active.Store(false)
	if g.cfg.Database.URL == "" {
		release, err := sqlstore.LockServer(g.cfg.Database.Path)
		if err != nil {
			return err
		}
		defer func() { _ = release() }()
	}
	defer g.loaded.Store(false)

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	work := []func(context.Context) error{g.follow, g.rooms.keys.Run, g.rooms.audit.Run, g.keepHouse}
	if g.rooms.limits != nil {
		work = append(work, g.rooms.limits.run)
	}
	done := make(chan error, len(work))
	for _, do := range work {
		go func() { done <- do(ctx) }()
	}
	var err error
	for range work {
		err = errors.Join(err, <-done)
		cancel() // one that ends, ends all
	}
	return err
}

func (g *Gatehouse) follow(ctx context.Context) error {
	follower := g.rooms.follower
	follower.Loaded = func() {
		g.joined.Store(true)
		g.loaded.Store(true)
	}
	return follower.Run(ctx)
}

// Ready says why the server cannot do its work yet, or no more: nil means that
// it can. While Run runs, a change is logged once, whoever asked.
func (g *Gatehouse) Ready(ctx context.Context) error {
	if !g.loaded.Load() {
		return errors.New("the change feed was never read")
	}
	if len(g.rooms.keys.KeyIDs()) == 0 {
		return errors.New("the signing keys were never read")
	}
	err := g.able(ctx)
	if !errors.Is(ctx.Err(), context.Canceled) { // whoever asked has gone, which says nothing of the server
		g.state.note(g.cfg, err)
	}
	return err
}

// able asks for what an answer needs.
func (g *Gatehouse) able(ctx context.Context) error {
	if err := g.rooms.follower.Fit(); err != nil {
		return err
	}
	if age := g.rooms.index.Staleness(g.cfg.Now()); age > g.cfg.Session.MaxStaleness {
		return fmt.Errorf("the change feed was last read %s ago", age.Round(time.Second))
	}
	if err := g.rooms.store.Ping(ctx); err != nil {
		return fmt.Errorf("the database does not answer: %w", err)
	}
	return nil
}

// Close closes the store, and the list of breached passwords. Requests and Run
// must have ended.
func (g *Gatehouse) Close() error {
	g.rooms.telemetry.Unregister()
	_ = g.rooms.breached.Close() // it was only read
	g.leave()
	return g.rooms.store.Close()
}

// leave tells the other nodes that this one answers nobody any more. Should it
// fail, they wait until its last beat is too old.
func (g *Gatehouse) leave() {
	if !g.joined.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaveDeadline)
	defer cancel()
	if err := g.rooms.store.RemoveNode(ctx, g.rooms.reach.Self); err != nil {
		g.cfg.Logger.Warn("the other servers could not be told that this one has ended", "err", err)
	}
}

// leaveDeadline bounds the last thing that a server writes.
const leaveDeadline = 2 * time.Second

// Endpoints lists every address that a server with this configuration answers,
// with its posture. No database is needed.
func Endpoints(cfg Config) ([]web.Endpoint, error) {
	cfg = cfg.WithDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return unservedEndpoints(cfg)
}

// MigrationReport says what [Migrate] did.
type MigrationReport struct {
	// From and To are schema versions; zero is an empty database.
	From int64 `json:"from"`
	To   int64 `json:"to"`
	// Applied names the steps, in order.
	Applied []string `json:"applied"`
}

// Migrate brings the schema of the configured database up to date. It refuses
// a database that a newer program has changed.
func Migrate(ctx context.Context, cfg Config) (MigrationReport, error) {
	cfg = cfg.WithDefaults()
	steps, all, err := cfg.Database.migrate(ctx, cfg)
	if err != nil {
		return MigrationReport{}, err
	}
	report := MigrationReport{Applied: []string{}}
	if len(all) > 0 {
		report.To = all[len(all)-1].Version
	}
	report.From = report.To
	for i, s := range steps {
		if i == 0 {
			report.From = s.Version - 1
		}
		report.Applied = append(report.Applied, s.Name)
	}
	return report, nil
}

// The nouns that embedding programs touch, under their own names here.
type (
	// User is a person; see [auth.User].
	User = auth.User
	// UserID names a User; see [auth.UserID].
	UserID = auth.UserID
	// NewUser describes a user to create, with the members Email, Username,
	// Name, Image, Roles, Password, MustChange, Verified and Disabled: the
	// argument of Users().Create.
	NewUser = user.New
	// NewInvitation describes an invitation, with the members Roles, Note, Uses
	// and TTL: the argument of Invitations().Create.
	NewInvitation = registration.NewInvitation
	// NewAPIKey describes an API key to make, with the members Name, UserID,
	// Roles, Scopes, Networks, RateLimit and Lifetime: an argument of
	// APIKeys().Create.
	NewAPIKey = apikey.Draft
	// APIKeyBy says who makes, changes or ends an API key: Principal, which bounds
	// what the key may do, or Operator, a name for the audit record, which bounds
	// nothing.
	APIKeyBy = apikey.By
	// Error is a refusal; see [auth.Error].
	Error = auth.Error
	// Principal is who is asking; see [auth.Principal].
	Principal = auth.Principal
	// SessionID names a session; see [auth.SessionID].
	SessionID = auth.SessionID
	// Secret is text that is never shown; see [auth.Secret].
	Secret = auth.Secret
)
