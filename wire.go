package gatehouse

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/apikey"
	"github.com/gatehouse-auth/gatehouse/internal/audit"
	"github.com/gatehouse-auth/gatehouse/internal/keyring"
	"github.com/gatehouse-auth/gatehouse/internal/password"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
	"github.com/gatehouse-auth/gatehouse/internal/registration"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/seam"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/setup"
	"github.com/gatehouse-auth/gatehouse/internal/signin"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/store/redisstore"
	"github.com/gatehouse-auth/gatehouse/internal/telemetry"
	"github.com/gatehouse-auth/gatehouse/internal/token"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/api"
	"github.com/gatehouse-auth/gatehouse/internal/web/authjs"
	"github.com/gatehouse-auth/gatehouse/internal/web/clientip"
	"github.com/gatehouse-auth/gatehouse/internal/web/guard"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
	"github.com/gatehouse-auth/gatehouse/internal/web/oauth"
	"github.com/gatehouse-auth/gatehouse/internal/web/ops"
	"github.com/gatehouse-auth/gatehouse/internal/web/pages"
	"github.com/gatehouse-auth/gatehouse/internal/web/portal"
)

// This is the only file that knows every room. It is read from top to bottom:
// the store, the rooms on it, the mounts, what answers on each.

// rooms are built once and shared by every mount.
type rooms struct {
	store        store.Store
	index        *revocation.Index
	follower     *revocation.Follower
	reach        *revocation.Reach
	sessions     *session.Room
	signin       *signin.Room
	registration *registration.Room
	telemetry    *telemetry.Telemetry
	users        *user.Room
	invitations  *registration.Invitations
	setup        *setup.Room
	roles        *rbac.Room
	keys         *keyring.Ring
	tokens       *token.Room
	apiKeys      *apikey.Room
	breached     *password.BreachedList
	// addresses is where requests are counted, and limits what keeps it going;
	// nil where there is nothing to keep.
	addresses ratelimit.Source
	limits    *sharedLimits
	audit     *audit.Room
}

// credentialsID and credentialsName are what Auth.js calls the provider.
const (
	credentialsID   = "credentials"
	credentialsName = "Credentials"
)

// open builds everything from a configuration that is complete and valid.
func open(ctx context.Context, cfg Config, mustExist bool) (*Gatehouse, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	redis, err := openRedis(cfg, cfg.Now != nil)
	if err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	watch := telemetry.New(telemetry.Options{Metrics: cfg.Metrics, Tracers: cfg.TracerProvider, HTTPS: cfg.https()})
	kept, err := openStore(ctx, cfg, mustExist, watch)
	if err != nil {
		return nil, err
	}
	db := seam.Store(ctx, kept)
	g := &Gatehouse{cfg: cfg}
	if g.rooms, err = newRooms(ctx, cfg, db, redis, watch); err == nil {
		err = g.serveMounts()
	}
	if err != nil {
		watch.Unregister()
		_ = g.rooms.breached.Close()
		_ = db.Close()
		return nil, err
	}
	return g, nil
}

func newRooms(ctx context.Context, cfg Config, db store.Store, redis *redisstore.Source, watch *telemetry.Telemetry) (r rooms, err error) {
	r.telemetry = watch
	r.index = revocation.NewIndexOf(cfg.Session.IndexLimit)
	r.store = revocation.Applying(watch.Store(db), r.index)
	self := thisNode(cfg)
	r.follower = &revocation.Follower{Store: db, Index: r.index, Logger: cfg.Logger, Now: cfg.Now, Node: func() auth.Node {
		n := self
		n.BeatAt = cfg.Now()
		n.Keys = r.keys.KeyIDs()
		return n
	}}
	if cfg.Database.URL != "" {
		r.follower.Interval = revocation.ServerPollInterval
	}
	if r.keys, err = newKeyring(cfg, r.store, r.index, r.follower.ClockDifference); err != nil {
		return r, err
	}
	r.reach = &revocation.Reach{Store: db, Self: self.ID, MaxStaleness: cfg.Session.MaxStaleness, Now: cfg.Now, Logger: cfg.Logger}
	installation, err := db.Installation(ctx)
	if err != nil {
		return r, err
	}
	r.addresses, r.limits = newLimits(cfg, redis, db, watch)
	addresses := r.addresses
	if r.audit, err = newAudit(cfg, r, installation); err != nil {
		return r, err
	}
	r.sessions, err = session.New(session.Options{
		Store: r.store, Index: r.index, Secrets: cfg.Secrets, Installation: installation,
		Idle: cfg.Session.MaxAge, Absolute: cfg.Session.AbsoluteLifetime, LocalTrust: cfg.Session.LocalTrust,
		FamilyIdle: cfg.Tokens.RefreshMaxAge, MaxPerUser: cfg.Session.MaxPerUser, MaxStaleness: cfg.Session.MaxStaleness,
		Effect: r.reach.Effect, NewerSecrets: r.follower.NewerSecrets, Logger: cfg.Logger, Now: cfg.Now,
	})
	if err != nil {
		return r, err
	}
	if r.tokens, err = newTokens(cfg, r, installation); err != nil {
		return r, err
	}
	if r.roles, err = rbac.New(rbac.Options{
		Store: r.store, Changes: r.index, Configured: cfg.roles(), Given: cfg.Registration.Roles, Logger: cfg.Logger, Now: cfg.Now,
	}); err != nil {
		return r, err
	}
	hasher, policy, err := newPasswords(cfg)
	if err != nil {
		return r, err
	}
	hasher = seam.Hasher(ctx, hasher)
	r.breached = policy.Breached
	hasher.Gate().Watch = watch.Hash()
	throttle, err := newThrottle(cfg)
	if err != nil {
		return r, err
	}
	devices, err := signin.NewDevices(cfg.Secrets)
	if err != nil {
		return r, err
	}
	r.signin = &signin.Room{
		Store: r.store, Passwords: hasher, Policy: policy, Sessions: r.sessions, Throttle: throttle, Now: cfg.Now,
		Devices: devices, Sampling: addresses, Watch: watch.SignIn(), Logger: cfg.Logger,
	}
	r.registration = &registration.Room{
		Store: r.store, Passwords: hasher, Policy: policy, Mode: registration.Mode(cfg.Registration.Mode),
		Roles: cfg.Registration.Roles, Now: cfg.Now, Addresses: addresses,
		AddressLimits: ratelimit.Limit{Name: "registration-address", Burst: cfg.Limits.Registrations, Period: time.Hour},
		Watch:         watch.Registration(),
	}
	r.users = &user.Room{
		Store: r.store, Passwords: hasher, Policy: policy, SessionRoom: r.sessions, Roles: r.roles, Throttle: throttle, Logger: cfg.Logger, Now: cfg.Now,
		Changes: addresses, UpdateLimit: ratelimit.Limit{Name: "profile-update", Burst: 30, Period: time.Hour},
	}
	r.invitations = &registration.Invitations{Store: r.store, Roles: r.roles, Now: cfg.Now}
	r.setup = &setup.Room{Store: r.store, Passwords: hasher, Policy: policy, Configured: cfg.roles(), Now: cfg.Now}
	if r.apiKeys, err = newAPIKeys(cfg, r); err != nil {
		return r, err
	}
	return r, watch.Register(telemetry.Sources{Index: r.index, Follower: r.follower, Sessions: r.sessions, Tokens: r.tokens, Keys: r.keys, Audit: r.audit, LimitsAway: r.limits.away, Gate: hasher.Gate(), Now: cfg.Now})
}

// thisNode is what this server tells others of itself that does not change.
func thisNode(cfg Config) auth.Node {
	name, _ := os.Hostname() // for people alone
	now := cfg.Now()
	return auth.Node{ID: auth.NewNodeID(now), Name: name, StartedAt: now, MaxStaleness: cfg.Session.MaxStaleness, Secrets: int64(cfg.SecretsOrdinal)}
}

// newTokens is the room of access and refresh tokens. The latter are derived
// from what the signing keys are sealed under, and those that were derived from
// Secrets before there were master keys stay good.
func newTokens(cfg Config, r rooms, installation string) (*token.Room, error) {
	return token.New(token.Options{
		Store: r.store, Index: r.index, Keys: r.keys, Secrets: slices.Concat(cfg.Keys.Master, cfg.Secrets), Installation: installation,
		Audiences: cfg.Tokens.audiences(), Clients: cfg.Tokens.clients(), Idle: cfg.Tokens.RefreshMaxAge, Absolute: cfg.Tokens.RefreshLifetime,
		MaxPerUser: cfg.Session.MaxPerUser, MaxStaleness: cfg.Session.MaxStaleness, Limits: r.addresses, Seen: r.sessions.Seen, Ended: r.sessions.FamilyEnded,
		More: cfg.moreClaims(), Effect: r.reach.Effect, Logger: cfg.Logger, Now: cfg.Now, Ahead: r.follower.ClockDifference,
	})
}

// bearer says who asks with an access token.
func (r rooms) bearer(ctx context.Context, text string) (auth.Principal, error) {
	a, err := r.tokens.Check(ctx, text)
	if err != nil {
		return auth.Principal{}, err
	}
	return a.Principal(), nil
}

// policy is what the roles allow.
func (r rooms) policy(ctx context.Context) (*rbac.Policy, error) { return r.roles.Policy(ctx) }

func newPasswords(cfg Config) (*password.Hasher, password.Policy, error) {
	p := cfg.Password
	common, err := password.LoadCommon()
	if err != nil {
		return nil, password.Policy{}, err
	}
	policy := password.Policy{MinLength: p.MinLength, ContextWords: p.ContextWords, Common: common}
	if err := policy.Validate(); err != nil {
		return nil, policy, err
	}
	hasher, err := password.New(password.Options{
		Params: password.Params{Memory: uint32(p.MemoryKiB), Passes: uint32(p.Passes), Lanes: uint8(p.Lanes)},
		Gate:   password.NewGate(p.Workers, p.Queue), Peppers: p.Peppers, SkipPepper: p.SkipPepper,
	})
	if err != nil {
		return nil, policy, err
	}
	policy.Breached, err = openBreached(p.BreachedFile)
	return hasher, policy, err
}

// newThrottle derives the key that blinds unknown identifiers.
func newThrottle(cfg Config) (signin.Throttle, error) {
	key, err := hkdf.Key(sha256.New, []byte(cfg.Secrets[0].Reveal()), nil, "gatehouse failure counters v1", sha256.Size)
	if err != nil {
		return signin.Throttle{}, fmt.Errorf("derive counter key: %w", err)
	}
	l := cfg.Limits
	return signin.Throttle{
		Free: l.AccountFailures, MaxDelay: l.AccountMaxDelay, Key: key,
		Address: signin.Pace{Burst: l.AddressFailures, Period: l.AddressPeriod, MaxDelay: l.AddressPeriod},
		Unknown: signin.Pace{Burst: l.UnknownFailures, Period: l.AddressPeriod, MaxDelay: unknownMaxDelay},
	}, nil
}

// serveMounts routes every endpoint of every mount.
func (g *Gatehouse) serveMounts() (err error) {
	if g.mounts, err = mounts(g.cfg, g.rooms.sessions); err != nil {
		return err
	}
	for i, m := range g.cfg.Mounts {
		if err := carry(g.mounts[i], m, g.cfg.Session.CacheEntries); err != nil {
			return err
		}
	}
	list, err := endpoints(g.cfg, g.rooms, g.mounts)
	if err != nil {
		return err
	}
	if g.cfg.Management.public() {
		list = append(list, newManagement(g.cfg, g.rooms, func() *guard.Guard { return g.guard }).Endpoints()...)
	}
	resolve, err := clientAddress(g.cfg)
	if err != nil {
		return err
	}
	if err := g.serveManagement(resolve); err != nil {
		return err
	}
	if g.probes, err = ops.NewProbes(g.cfg.Secrets, g.cfg.ClientAddress.Header, g.cfg.Now); err != nil {
		return err
	}
	page := pageOf(list, g.mounts[0])
	router, err := web.NewRouter(list, web.RouterOptions{
		Logger: g.cfg.Logger, ClientAddress: resolve, Seen: g.probes.Note, Observe: g.rooms.telemetry.Observer(), Now: g.cfg.Now, HTTPS: g.cfg.https(),
		Page: page, Deadline: g.cfg.answerWithin(),
	})
	if err != nil {
		return err
	}
	g.handler = &wiring{Handler: router, mounts: g.mounts, logger: g.cfg.Logger}
	g.guard = guard.New(guard.Options{
		Mounts: g.mounts, Bearer: g.rooms.bearer, APIKey: g.rooms.apiKeys.Verify, Policy: g.rooms.policy, ClientAddress: resolve, Staleness: g.rooms.index.Staleness,
		Pages: openPages(g.cfg), Router: router, Page: page, Logger: g.cfg.Logger,
	})
	return nil
}

// leastAnswer is what a request may always wait, in all: it may have to queue for
// the hash of a password.
const leastAnswer = 10 * time.Second

// answerWithin is how long a request to Gatehouse's own endpoints may wait. What
// a single call may take must fit: the wait for a connection, and the statement.
func (c Config) answerWithin() time.Duration { return max(leastAnswer, 2*c.Database.StatementTimeout) }

// pageOf is how the hosted pages of a mount show a refusal.
func pageOf(list []web.Endpoint, m *mount.Mount) web.FailFunc {
	for _, e := range list {
		if e.Pattern == m.BasePath+"/account" {
			return e.Fail
		}
	}
	return web.FailProblem
}

// openPages are the application's pages that nobody need be signed in for.
func openPages(cfg Config) (list []string) {
	for _, m := range cfg.Mounts {
		list = append(list, m.Pages.SignIn, m.Pages.Error)
	}
	return list
}

// https says whether browsers reach the site by https.
func (c Config) https() bool { return strings.HasPrefix(c.PublicOrigin, "https://") }

// mounts are the base paths, in the order of the configuration.
func mounts(cfg Config, sessions *session.Room) (list []*mount.Mount, err error) {
	for _, m := range cfg.Mounts {
		on, err := mount.New(sessions, cfg.PublicOrigin, m.BasePath, seal.Dialect(m.Dialect), m.Secrets)
		if err != nil {
			return nil, err
		}
		on.ClearSiteData = quotedList(cfg.Session.ClearSiteData)
		if !m.AdoptUntil.IsZero() {
			on.Sessions.Adopt = on.Sessions.AdoptOldIDs(m.AdoptUntil)
		}
		list = append(list, on)
	}
	mount.Join(list...)
	return list, nil
}

// carry makes the session's cookies of a mount what the settings say.
func carry(on *mount.Mount, m Mount, copies int) error {
	switch m.Carrier {
	case carrierStored:
		return on.Sessions.CarryStored(copies)
	case carrierIron:
		passwords := make([]seal.IronPassword, len(m.Secrets))
		for i, s := range m.Secrets {
			passwords[i] = seal.IronPassword{ID: m.Iron.IDs[i], Secret: s.Reveal()}
		}
		return on.CarryIron(m.Iron.Cookie, passwords...)
	}
	return nil
}

// quotedList is a list of texts as the header has it: "cache", "storage".
func quotedList(texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	return `"` + strings.Join(texts, `", "`) + `"`
}

// unservedEndpoints is the table of endpoints without rooms behind them: it
// can be read, not served.
func unservedEndpoints(cfg Config) ([]web.Endpoint, error) {
	r := rooms{sessions: &session.Room{}, tokens: &token.Room{Options: token.Options{Audiences: cfg.Tokens.audiences()}}, users: &user.Room{}, registration: &registration.Room{Mode: registration.Mode(cfg.Registration.Mode)}}
	on, err := mounts(cfg, r.sessions)
	if err != nil {
		return nil, err
	}
	list, err := endpoints(cfg, r, on)
	if err == nil && cfg.Management.Listen != managementOff {
		list = append(list, newManagement(cfg, r, nil).Endpoints()...)
	}
	return list, err
}

// endpoints is the whole table.
func endpoints(cfg Config, r rooms, mounts []*mount.Mount) (list []web.Endpoint, err error) {
	for i, m := range cfg.Mounts {
		on := mounts[i]
		hosted, err := cfg.hostedPages(on, r.store != nil)
		if err != nil {
			return nil, err
		}
		list = append(list, protocol(cfg, m, r, on, hosted).Endpoints()...)
		list = append(list, (&api.Handler{
			Mount: on, SignIn: r.signin, Registration: r.registration, Users: r.users, Sessions: r.sessions, Setup: r.setup,
		}).Endpoints()...)
		list = append(list, (&portal.Handler{
			Mount: on, SignIn: r.signin, Registration: r.registration, Users: r.users, Sessions: r.sessions, Setup: r.setup, Hosted: hosted, NewUser: m.Pages.NewUser,
			Reports: reports(cfg, i, r), MaxStaleness: cfg.Session.MaxStaleness,
		}).Endpoints()...)
		list = append(list, (&oauth.Handler{
			Mount: on, SignIn: r.signin, Tokens: r.tokens.Issuer(on.Base(), on.BasePath), JWKS: r.keys.JWKS,
		}).Endpoints()...)
	}
	return list, nil
}

// reports takes what browsers report, at the mount where they are told to.
func reports(cfg Config, i int, r rooms) *portal.Reports {
	if cfg.CSPReportURL == "" || cfg.absolute(cfg.CSPReportURL) != cfg.PublicOrigin+cfg.ownReports(i) {
		return nil
	}
	return &portal.Reports{Origin: cfg.PublicOrigin, Limits: r.addresses, Logger: cfg.Logger, Now: cfg.Now}
}

// protocol answers Auth.js on one mount.
func protocol(cfg Config, m Mount, r rooms, on *mount.Mount, hosted *pages.Set) *authjs.Handler {
	o := authjs.Options{
		Mount: on, SignIn: r.signin, Profiles: r.users, UpdateFields: m.UpdateFields, UpdateClaims: m.updateClaims(), Hosted: hosted,
		Pages:    authjs.AppPages{SignIn: m.Pages.SignIn, SignOut: m.Pages.SignOut, Error: m.Pages.Error, VerifyRequest: m.Pages.VerifyRequest},
		Provider: credentialsID, Name: credentialsName, Mark: true,
		Fields: []pages.Field{pages.IdentifierField(), pages.PasswordField()},
		Hooks:  authjs.Hooks{User: cfg.sessionUser(m), Members: cfg.moreMembers(m)},
	}
	if cfg.Registration.Mode != string(registration.Closed) {
		o.Register = on.Base() + "/signup"
	}
	return authjs.New(o)
}

// clientAddress resolves who calls. What cannot be known is said once, at
// start: then no limit counts by address.
func clientAddress(cfg Config) (func(*http.Request) netip.Addr, error) {
	c := cfg.ClientAddress
	resolver := clientip.Resolver{PeerIsClient: c.PeerIsClient}
	for _, p := range c.TrustedProxies {
		prefix, err := parsePrefix(p)
		if err != nil {
			return nil, err
		}
		resolver.Trusted = append(resolver.Trusted, prefix)
	}
	if len(resolver.Trusted) > 0 {
		resolver.Header = c.Header
	} else if !c.PeerIsClient {
		cfg.Logger.Warn("the address of callers is unknown: all callers share one limit of failed sign-ins, beside those by account and the hashing queue; " +
			"set client_address.trusted_proxies to the proxy in front that sets it, or client_address.peer_is_client when browsers connect directly")
	}
	if err := resolver.Validate(); err != nil {
		return nil, err
	}
	return func(r *http.Request) netip.Addr { return resolver.Resolve(r.RemoteAddr, r.Header) }, nil
}

// parsePrefix reads an address or a network.
func parsePrefix(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, fmt.Errorf("client_address.trusted_proxies: %w", err)
	}
	return p.Masked(), nil
}
