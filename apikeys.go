package gatehouse

import (
	"net/url"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/apikey"
)

// APIKeys are the rules for API keys, the credentials of programs.
type APIKeys struct {
	// Environment stands in the text of each key, and keys of another one are
	// refused: 1 to 16 lower-case letters and digits. Changing it voids all keys.
	// Default: "live", or "test" where the host of PublicOrigin is this machine.
	Environment string `conf:"environment"`
	// Lifetime is how long a key lives when nothing else is asked for. Changing it
	// does not touch keys already made. Default: 365 days, or MaxLifetime where
	// that is shorter.
	Lifetime time.Duration `conf:"lifetime"`
	// MaxLifetime is the longest life that may be asked for. Default: 400 days,
	// which is also the most.
	MaxLifetime time.Duration `conf:"max_lifetime"`
	// MaxPerUser is how many keys of one user may live. Default: 50.
	MaxPerUser int `conf:"max_per_user"`
	// Requests is how many requests a key may make in Period, where the key itself
	// says nothing else; only the command line gives a key more. Default: 6000.
	Requests int `conf:"requests"`
	// Period is the time for Requests. Default: 1 minute; 24 hours at most.
	Period time.Duration `conf:"period"`
	// CacheEntries is how many keys a server remembers, so that it need not ask the
	// database for them; each takes some 150 bytes. Default: 65536.
	CacheEntries int `conf:"cache_entries"`
}

const (
	defaultKeyLifetime   = 365 * day
	defaultKeysPerUser   = 50
	defaultKeyRequests   = 6000
	defaultKeyPeriod     = time.Minute
	defaultKeyCache      = 1 << 16
	maxKeysPerUser       = 1000
	maxKeyRequests       = 1_000_000
	maxKeyCache          = 10_000_000
	environmentLive      = "live"
	environmentOfMachine = "test"
)

func (k *APIKeys) withDefaults(publicOrigin string) {
	k.Environment = or(k.Environment, defaultEnvironment(publicOrigin))
	k.MaxLifetime = or(k.MaxLifetime, apikey.MaxLifetime)
	k.Lifetime = or(k.Lifetime, min(defaultKeyLifetime, k.MaxLifetime))
	k.MaxPerUser = or(k.MaxPerUser, defaultKeysPerUser)
	k.Requests = or(k.Requests, defaultKeyRequests)
	k.Period = or(k.Period, defaultKeyPeriod)
	k.CacheEntries = or(k.CacheEntries, defaultKeyCache)
}

// defaultEnvironment tells a developer's machine from everything else.
func defaultEnvironment(publicOrigin string) string {
	u, err := url.Parse(publicOrigin)
	if err != nil {
		return environmentLive
	}
	switch host := u.Hostname(); {
	case host == "localhost", strings.HasSuffix(host, ".localhost"), host == "127.0.0.1", host == "::1":
		return environmentOfMachine
	}
	return environmentLive
}

func (c Config) checkAPIKeys(p *Problems) {
	k := c.APIKeys
	if !apikey.ValidEnvironment(k.Environment) {
		p.add("api_keys.environment", "give 1 to 16 lower-case letters and digits, as live or staging", "cannot stand in a key")
	}
	p.between("api_keys.max_lifetime", k.MaxLifetime, apikey.MinLifetime, apikey.MaxLifetime)
	p.between("api_keys.lifetime", k.Lifetime, apikey.MinLifetime, apikey.MaxLifetime)
	if k.Lifetime > k.MaxLifetime && k.MaxLifetime > 0 {
		longest := setting("api_keys.max_lifetime")
		p.note("api_keys.lifetime", say("shorten it, or lengthen %s", longest),
			say("%s is longer than %s, %s", plain(k.Lifetime), longest, plain(k.MaxLifetime)))
	}
	p.bound("api_keys.max_per_user", k.MaxPerUser, 1, maxKeysPerUser, "")
	p.bound("api_keys.requests", k.Requests, 1, maxKeyRequests, "")
	p.between("api_keys.period", k.Period, time.Second, day)
	p.bound("api_keys.cache_entries", k.CacheEntries, 1, maxKeyCache, "")
}

// newAPIKeys is the room of API keys.
func newAPIKeys(cfg Config, r rooms) (*apikey.Room, error) {
	k := cfg.APIKeys
	return apikey.New(apikey.Options{
		Store: r.store, Index: r.index, Policy: r.policy, Environment: k.Environment, Lifetime: k.Lifetime, MostLifetime: k.MaxLifetime,
		MaxPerUser: k.MaxPerUser, CacheEntries: k.CacheEntries, MaxStaleness: cfg.Session.MaxStaleness, Limits: r.addresses,
		Effect: r.reach.Effect, Logger: cfg.Logger, Now: cfg.Now, Ahead: r.follower.ClockDifference,
		RateLimit: auth.RateLimit{Requests: k.Requests, Period: k.Period},
	})
}
