package gatehouse

import (
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/store/redisstore"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
	"github.com/gatehouse-auth/gatehouse/internal/web/pages/theme"
)

// The defaults and bounds of Config, in one place. A bound that is a matter of
// safety has its reason in [Config.Validate].
const (
	defaultBasePath = "/api/auth"
	defaultDatabase = "gatehouse.db"

	maxMaxConnections     = 1000
	maxStatementTimeout   = time.Minute
	leastStatementTimeout = time.Second

	defaultMinLength = 15
	// maxMinLength: a verifier must take passwords of 64 characters (NIST SP
	// 800-63B-4 §3.1.1.2), so it cannot ask for more than that.
	maxMinLength = 64

	minMemoryKiB = 19456 // 19 MiB, with two passes the least that OWASP names
	minPasses    = 2
	minLanes     = 1
	maxMemoryKiB = 1 << 20 // 1 GiB a hash: above it, somebody meant bytes
	maxPasses    = 64
	maxLanes     = 255

	day                     = 24 * time.Hour
	defaultMaxAge           = 30 * day
	defaultAbsoluteLifetime = 90 * day
	maxAbsoluteLifetime     = 400 * day // what browsers let a cookie live (RFC 6265bis §5.5)
	defaultMaxPerUser       = 100
	maxMaxPerUser           = 1000
	leastIndexLimit         = 1000
	maxIndexLimit           = 100_000_000
	maxSecretsOrdinal       = 1_000_000
	defaultCacheEntries     = 1_000_000
	minCacheEntries         = 1000
	maxCacheEntries         = 100_000_000
	defaultMaxStaleness     = 30 * time.Second
	maxMaxStaleness         = 5 * time.Minute

	defaultAccountFailures = 5
	maxAccountFailures     = 100 // NIST SP 800-63B-4 §3.2.2
	defaultAccountMaxDelay = 15 * time.Minute
	defaultAddressFailures = 20
	defaultAddressPeriod   = 15 * time.Minute
	defaultUnknownFailures = 2000
	// unknownMaxDelay is short: one attacker must not shut the door for all who
	// come by the same proxy.
	unknownMaxDelay      = 5 * time.Second
	defaultRegistrations = 20
)

// siteData is what session.clear_site_data may name. The other types of
// Clear-Site-Data reload pages or are of one browser alone.
var siteData = []string{"cache", "cookies", "storage"}

// WithDefaults returns a copy in which every member left at zero has its
// default. It shares nothing with c that it changes, and checks nothing.
func (c Config) WithDefaults() Config {
	host := ""
	if u, err := url.Parse(c.PublicOrigin); err == nil {
		host = u.Hostname()
	}
	c.Name = or(c.Name, host)
	c.Mounts = slices.Clone(c.Mounts)
	for i := range c.Mounts {
		m := &c.Mounts[i]
		m.BasePath = or(m.BasePath, defaultBasePath)
		m.Dialect = or(m.Dialect, "v4")
		m.Carrier = or(m.Carrier, carrierSealed)
		if m.Carrier == carrierIron && len(m.Iron.IDs) == 0 && len(m.Secrets) == 1 {
			m.Iron.IDs = []string{"1"}
		}
		if len(m.UpdateFields) == 0 {
			m.UpdateFields = []string{"name", "image"}
		}
	}
	d := &c.Database
	if d.URL == "" {
		d.Path = or(d.Path, defaultDatabase)
	}
	d.MaxConnections = or(d.MaxConnections, sqlstore.DefaultMaxConns)
	d.StatementTimeout = or(d.StatementTimeout, sqlstore.DefaultStatementTimeout)
	c.Registration.Mode = or(c.Registration.Mode, "closed")

	c.SecretsOrdinal = or(c.SecretsOrdinal, 1)

	p := &c.Password
	p.MinLength = or(p.MinLength, defaultMinLength)
	if len(p.ContextWords) == 0 {
		p.ContextWords = contextWords(c.Name, host)
	}
	p.MemoryKiB = or(p.MemoryKiB, minMemoryKiB)
	p.Passes = or(p.Passes, minPasses)
	p.Lanes = or(p.Lanes, minLanes)
	p.Workers = or(p.Workers, runtime.GOMAXPROCS(0))
	p.Queue = or(p.Queue, 8*p.Workers)

	s := &c.Session
	s.AbsoluteLifetime = or(s.AbsoluteLifetime, defaultAbsoluteLifetime)
	s.MaxAge = or(s.MaxAge, min(defaultMaxAge, s.AbsoluteLifetime))
	s.LocalTrust = or(s.LocalTrust, s.MaxAge)
	s.MaxPerUser = or(s.MaxPerUser, defaultMaxPerUser)
	s.IndexLimit = or(s.IndexLimit, revocation.DefaultLimit)
	s.CacheEntries = or(s.CacheEntries, defaultCacheEntries)
	s.MaxStaleness = or(s.MaxStaleness, defaultMaxStaleness)

	c.Tokens = tokensWithDefaults(c.Tokens)

	c.APIKeys.withDefaults(c.PublicOrigin)

	l := &c.Limits
	l.AccountFailures = or(l.AccountFailures, defaultAccountFailures)
	l.AccountMaxDelay = or(l.AccountMaxDelay, defaultAccountMaxDelay)
	l.AddressFailures = or(l.AddressFailures, defaultAddressFailures)
	l.AddressPeriod = or(l.AddressPeriod, defaultAddressPeriod)
	l.UnknownFailures = or(l.UnknownFailures, defaultUnknownFailures)
	l.Registrations = or(l.Registrations, defaultRegistrations)

	c.RateLimits = rateLimitsWithDefaults(c.RateLimits)
	c.Redis.Timeout = or(c.Redis.Timeout, redisstore.DefaultTimeout)

	c.Keys.withDefaults()
	c.Management.withDefaults()
	c.Audit.Retention = or(c.Audit.Retention, defaultAuditRetention)

	c.ClientAddress.Header = or(c.ClientAddress.Header, "X-Forwarded-For")

	c.Appearance.Radius = or(c.Appearance.Radius, strconv.Itoa(theme.DefaultRadius)+"px")
	c.Appearance.Language = or(c.Appearance.Language, "en")
	return c
}

// or returns v, or the default when v is the zero value.
func or[T comparable](v, byDefault T) T {
	var zero T
	if v == zero {
		return byDefault
	}
	return v
}

// contextWords drops what is empty or said twice.
func contextWords(words ...string) []string {
	var out []string
	for _, w := range words {
		if w != "" && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// peppersField is a list of secrets that need not be given, as masterField is.
const peppersField = "password.peppers"

// secretsOf walks every list of secrets of the configuration with the name of
// its field; own tells Gatehouse's from an application's.
func (c Config) secretsOf(visit func(field string, own bool, secrets []auth.Secret)) {
	visit("secrets", true, c.Secrets)
	for i, m := range c.Mounts {
		visit(mountField(i, "secrets"), false, m.Secrets)
	}
	visit(peppersField, true, c.Password.Peppers)
	visit(masterField, true, c.Keys.Master)
}
