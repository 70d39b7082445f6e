package gatehouse

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Config is everything an embedded Gatehouse can be told. The zero value of a
// member is its safe default, stated beside it. [Config.Validate] reports all
// problems together. The conf tags name the members in the configuration file
// and, in capitals, in the environment.
type Config struct {
	// PublicOrigin is the address the browser sees, scheme and host and
	// perhaps a port, without a final slash: "https://app.example". It decides
	// redirects, cookie prefixes and what a callback URL may name; Host and
	// X-Forwarded-Host are never asked. Required.
	PublicOrigin string `conf:"public_origin"`
	// Secrets are Gatehouse's own: they authenticate what Gatehouse alone may
	// say in a session cookie. No application ever gets them. Each has at
	// least 32 characters; the first signs, all verify. Required.
	Secrets []auth.Secret `conf:"secrets"`
	// SecretsOrdinal numbers the lists of secrets, these and the mounts': with
	// several servers on one database, raise it by one whenever one of them
	// changes. A server that sees one with a greater ordinal takes cookies it
	// cannot open for that one's, and does not delete them. Default: 1.
	SecretsOrdinal int `conf:"secrets_ordinal"`
	// Mounts are the base paths under which the Auth.js protocol is spoken.
	// Required: at least one.
	Mounts []Mount `conf:"mounts"`
	// Database says where the rows are kept.
	Database Database `conf:"database"`
	// Registration says who may sign up.
	Registration Registration `conf:"registration"`
	// Roles are what the roles of users and API keys allow. As long as none is
	// defined, here or at run time, a role is only a name, and any can be given;
	// afterwards only those that are defined. Default: none.
	Roles []RoleDefinition `conf:"roles"`
	// Password is the policy for new passwords and the cost of hashing.
	Password Password `conf:"password"`
	// Session sets the lifetimes.
	Session Session `conf:"session"`
	// Tokens says whom access tokens are for and what is in them.
	Tokens Tokens `conf:"tokens"`
	// APIKeys are the rules for API keys.
	APIKeys APIKeys `conf:"api_keys"`
	// Limits slow guessing down.
	Limits Limits `conf:"limits"`
	// RateLimits are limits on requests to the routes of an embedding program, by
	// name. Default: none.
	RateLimits []RateLimitPolicy `conf:"rate_limits"`
	// Redis is where several servers count requests together.
	Redis Redis `conf:"redis"`
	// Keys says how the keys are kept that tokens are signed with.
	Keys Keys `conf:"keys"`
	// Management says where the management API is served.
	Management Management `conf:"management"`
	// Audit says how long the audit record is kept.
	Audit Audit `conf:"audit"`
	// ClientAddress says how the address of the caller is known.
	ClientAddress ClientAddress `conf:"client_address"`
	// Name is the name of the service on the hosted pages. Default: the host of
	// PublicOrigin.
	Name string `conf:"name"`
	// Appearance makes the hosted pages look like the service.
	Appearance Appearance `conf:"appearance"`
	// CSPReportURL is where browsers report what the content security policy of
	// the hosted pages has kept from running: an https address, or a path on the
	// public origin. The path /csp-report below a mount's base path is
	// Gatehouse's own, which writes them to the log. Default: nowhere.
	CSPReportURL string `conf:"csp_report_url"`

	// Logger receives what an operator must act on and one line a request.
	// Default: slog.Default().
	Logger *slog.Logger `conf:"-"`
	// Metrics gets the metrics that docs/operating.md lists. Two Gatehouses on
	// one registry need labels of their own (prometheus.WrapRegistererWith).
	// Default: nil, nothing is counted.
	Metrics prometheus.Registerer `conf:"-"`
	// TracerProvider gets a span for each request, with those of hashing and
	// of the database below it; it decides what is sampled, and its owner shuts
	// it down. A span that is in the request's context is the parent; a
	// traceparent header alone is anybody's, and becomes a link. Default: nil,
	// nothing is traced.
	TracerProvider trace.TracerProvider `conf:"-"`
	// Now is the clock. Default: time.Now.
	Now func() time.Time `conf:"-"`
	// TokenClaims gives further claims for an access token, each time one is made.
	// Those that Gatehouse writes itself, roles among them, and those that
	// Audience.Claims names cannot be given: then there is no token and the answer
	// is an error. It must be quick, and safe for concurrent use. Default: nil.
	TokenClaims func(ctx context.Context, s TokenSubject) (map[string]any, error) `conf:"-"`
	// SessionMembers gives further members of what GET /session answers, each time
	// it is asked: the callback session of NextAuth. Those that are there already,
	// Mount.SessionClaims among them, cannot be given: then the answer is an error.
	// So it is when it returns one, with the session going on. It must be quick, and
	// safe for concurrent use. Default: nil.
	SessionMembers func(ctx context.Context, s SessionSubject) (SessionMembers, error) `conf:"-"`
}

// Mount is one base path and the dialect spoken there. No request tells which
// dialect it wants, so it is a setting.
type Mount struct {
	// BasePath begins with a slash and has no final one. Default: "/api/auth".
	BasePath string `conf:"base_path"`
	// Dialect is "v4" (next-auth 4) or "v5" (Auth.js, next-auth 5). Default: "v4".
	Dialect string `conf:"dialect"`
	// Secrets are shared with the application: NEXTAUTH_SECRET or AUTH_SECRET
	// there. Each has at least 32 characters; the first seals, all open. They
	// must differ from Config.Secrets. Required.
	Secrets []auth.Secret `conf:"secrets"`
	// Carrier says what the session's cookie is. "sealed" is the token of Auth.js,
	// which the application can read; "stored" no more than an ID and a secret,
	// everything else being kept by Gatehouse; "iron" the seal of iron-session.
	// Default: "sealed".
	Carrier string `conf:"carrier"`
	// Iron describes the cookie of the carrier "iron".
	Iron Iron `conf:"iron"`
	// Pages are the application's own pages in place of the hosted ones: a
	// path on the public origin, or an address on it. Default: hosted pages.
	Pages Pages `conf:"pages"`
	// UpdateFields are the members of the session's user that the user may
	// change by update(): "name", "image". Default: both. One entry "none"
	// allows nothing.
	UpdateFields []string `conf:"update_fields"`
	// SessionClaims are further members of the session's user, as the callback
	// session of NextAuth adds them: in what GET /session answers. From can be
	// "user.id", "user.email", "user.name", "user.image", "roles",
	// "session.subject", "session.id", "session.signed_in_at", and "update": what
	// the user gives to update() under this name, any JSON, 2 KiB in all. It stays
	// in the session, proves nothing, and no right may rest on it. Default: none
	// beside id and roles.
	SessionClaims []Claim `conf:"session_claims"`
	// AdoptUntil is the end of a migration from NextAuth: until then, sessions
	// that the application itself sealed go on, for users who were imported with
	// the ID they have there. A date counts to its end, in UTC. Whoever holds the
	// application's secret can be any of these users until then: at most 400 days
	// from now. Default: no such session is taken.
	AdoptUntil time.Time `conf:"adopt_until"`
}

// Iron describes a cookie that Gatehouse shares with iron-session. Its passwords
// are the mount's Secrets, and its ttl is Session.LocalTrust.
type Iron struct {
	// Cookie is the cookieName of the application. Required with the carrier
	// "iron".
	Cookie string `conf:"cookie"`
	// IDs are those of the Secrets in the application's map of passwords, in the
	// order of the Secrets; a password that is a text alone there has the ID 1.
	// Default: 1, for a single secret.
	IDs []string `conf:"ids"`
}

// Pages names the application's own pages, as the Auth.js option "pages" does.
type Pages struct {
	// SignIn asks for name and password. Default: the hosted page.
	SignIn string `conf:"sign_in"`
	// SignOut asks whether to sign out. Default: the hosted page.
	SignOut string `conf:"sign_out"`
	// Error explains a failed sign-in; its query has error=. Default: the
	// hosted page.
	Error string `conf:"error"`
	// VerifyRequest says that an e-mail is on its way. Default: the hosted page.
	VerifyRequest string `conf:"verify_request"`
	// NewUser greets somebody who has just signed up on the hosted page; its
	// query has callbackUrl=. Default: straight on to where they came from.
	NewUser string `conf:"new_user"`
}

// Database says where the rows are kept.
type Database struct {
	// Path is the SQLite file; its folder must exist. Default: "gatehouse.db",
	// unless URL is given.
	Path string `conf:"path"`
	// URL names a PostgreSQL database, in place of a file:
	// "postgres://user:password@host:5432/name?sslmode=verify-full". It may hold
	// a password and is treated as a secret. Several servers may share it.
	// Default: none.
	URL auth.Secret `conf:"url"`
	// FeedURL is the same PostgreSQL database without a pooler in between: the
	// change feed keeps one connection of its own there. Needed where URL leads
	// to a pooler. Default: URL.
	FeedURL auth.Secret `conf:"feed_url"`
	// MaxConnections is how many connections to PostgreSQL this server opens at
	// most, beside the feed's. Default: 16.
	MaxConnections int `conf:"max_connections"`
	// StatementTimeout is how long PostgreSQL may take for one statement, and
	// how long a request waits for a connection; after it the answer is 503.
	// Default: 5 seconds.
	StatementTimeout time.Duration `conf:"statement_timeout"`
	// SkipMigrate leaves the schema alone at start; then "gatehouse migrate"
	// must have been run. Default: migrate at start.
	SkipMigrate bool `conf:"skip_migrate"`
}

// Registration says who may sign up.
type Registration struct {
	// Mode is "open", "invitation" or "closed". Default: "closed".
	Mode string `conf:"mode"`
	// Roles are given to everyone who registers. Default: none.
	Roles []string `conf:"roles"`
}

// Password is the policy for new passwords and the cost of hashing.
type Password struct {
	// MinLength is counted in characters (code points). Default: 15; 64 at
	// most. Less than 15 is refused while a password is the only factor.
	MinLength int `conf:"min_length"`
	// ContextWords are barred as passwords beside the user's own names: the
	// product, the organisation. Default: the name of the service and the
	// public host.
	ContextWords []string `conf:"context_words"`
	// BreachedFile is a file of SHA-1 hashes of breached passwords, in order, as
	// Have I Been Pwned's downloader writes it. New passwords that are in it are
	// refused. It is searched where it lies; while it cannot be read, no new
	// password is taken. Default: none.
	BreachedFile string `conf:"breached_file"`
	// Peppers are secrets, kept outside the database, without which no password
	// can be tried against it. Each has at least 32 characters and serves
	// nothing else; the first makes new hashes, all verify. Whoever loses one
	// has to set anew the passwords that were hashed with it. Default: none.
	Peppers []auth.Secret `conf:"peppers"`
	// SkipPepper makes new hashes without a pepper, while older ones are still
	// verified with theirs: for turning peppers off. Default: false.
	SkipPepper bool `conf:"skip_pepper"`
	// MemoryKiB is the memory argon2id takes for one hash, in KiB (RFC 9106).
	// Default and least: 19456.
	MemoryKiB int `conf:"memory_kib"`
	// Passes is how often argon2id goes over that memory. Default and least: 2.
	Passes int `conf:"passes"`
	// Lanes is how many threads argon2id uses for one hash. Default: 1.
	Lanes int `conf:"lanes"`
	// Workers is how many hashes run at once. Default: the number of cores.
	Workers int `conf:"workers"`
	// Queue is how many more may wait; beyond it sign-in answers 503 with
	// Retry-After. Default: eight for each worker.
	Queue int `conf:"queue"`
}

// Session sets the lifetimes. There is no session without an absolute end.
type Session struct {
	// MaxAge is how long a session lives without being used. Default: 30 days,
	// or AbsoluteLifetime where that is shorter.
	MaxAge time.Duration `conf:"max_age"`
	// AbsoluteLifetime ends a session however much it is used; changing it
	// does not touch sessions already born. Default: 90 days; 400 at most.
	AbsoluteLifetime time.Duration `conf:"absolute_lifetime"`
	// LocalTrust is how long code in the application that only decodes the
	// cookie, without asking Gatehouse, may trust it: the exp sealed into it.
	// A revocation reaches such code no sooner. Default: MaxAge, as in a stock
	// NextAuth application; 5 minutes is recommended.
	LocalTrust time.Duration `conf:"local_trust"`
	// MaxPerUser ends the oldest session of a user beyond this many.
	// Default: 100; 1000 at most.
	MaxPerUser int `conf:"max_per_user"`
	// IndexLimit is how many revocations that still count are kept whole in
	// memory, at most 32 bytes each. Of more only a trace is kept, and checks
	// that hit one ask the database. Default: 5000000.
	IndexLimit int `conf:"index_limit"`
	// MaxStaleness is how long sessions are accepted while the change feed
	// cannot be read; after it every check answers 503. Default: 30 seconds;
	// 5 minutes at most.
	MaxStaleness time.Duration `conf:"max_staleness"`
	// CacheEntries is how many sessions of the carrier "stored" are kept in memory
	// for each mount, in about 160 bytes each; one that is not costs a read of the
	// database. Default: 1000000.
	CacheEntries int `conf:"cache_entries"`
	// ClearSiteData is what the browser is told to delete of the whole public
	// origin when somebody signs out: "cache", "cookies", "storage". It is the
	// application's too. Default: nothing but Gatehouse's own cookies.
	ClearSiteData []string `conf:"clear_site_data"`
}

// Limits slow guessing down. Zero members take the defaults.
type Limits struct {
	// AccountFailures is how many wrong passwords in a row an account takes
	// before each further try must wait, twice as long each time, up to
	// AccountMaxDelay. Default: 5.
	AccountFailures int `conf:"account_failures"`
	// AccountMaxDelay is the longest such wait. Default: 15 minutes.
	AccountMaxDelay time.Duration `conf:"account_max_delay"`
	// AddressFailures is how many failed sign-ins an address (IPv6: its /64)
	// may cause in AddressPeriod. Right ones do not count. Default: 20.
	AddressFailures int `conf:"address_failures"`
	// AddressPeriod is the time in which failures of an address are counted.
	// Default: 15 minutes.
	AddressPeriod time.Duration `conf:"address_period"`
	// UnknownFailures is how many failed sign-ins may come in AddressPeriod from
	// everybody together whose address is not known; beyond it tries from
	// browsers that an account does not know wait some seconds. Default: 2000.
	UnknownFailures int `conf:"unknown_failures"`
	// Registrations is how many sign-ups an address may make in an hour.
	// Default: 20.
	Registrations int `conf:"registrations"`
}

// ClientAddress says how the address of the caller is known. Behind a Next.js
// rewrite it is not known at all unless a proxy in front of Next.js sets it:
// Next.js adds no header and passes forged ones through.
type ClientAddress struct {
	// TrustedProxies are the addresses or networks (CIDR) of the hops in front
	// that may be believed. Default: none.
	TrustedProxies []string `conf:"trusted_proxies"`
	// Header is the header the outermost trusted hop sets. X-Forwarded-For is
	// read from the right; any other is a single address. Default:
	// "X-Forwarded-For".
	Header string `conf:"header"`
	// PeerIsClient says that browsers connect directly, so that the peer of
	// the connection is the client. Default: false.
	PeerIsClient bool `conf:"peer_is_client"`
}
