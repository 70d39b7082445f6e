package gatehouse

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
	"github.com/gatehouse-auth/gatehouse/internal/store/redisstore"
)

// RateLimitPolicy is a limit on requests to the routes of an embedding program,
// by the name that [Gatehouse.RateLimit] takes.
type RateLimitPolicy struct {
	// Name is 1 to 64 lower-case letters, digits, hyphens, dots and underscores.
	// Clients see it. Required.
	Name string `conf:"name"`
	// Per is what requests are told apart by, all of it together: "address" (of
	// IPv6 its network of 64 bits, and beside it 16 times as much for the network
	// of 48 bits), "account" (the name of the account that the request is about,
	// in its one normal form), "key" (the API key), "principal" (who is signed in,
	// with whatever credential) or "route" (its pattern). Who has no key, or is not
	// signed in, is told apart by address in its place. Default: nothing,
	// everybody shares one allowance.
	Per []string `conf:"per"`
	// Burst is how many requests may come at once. Required.
	Burst int `conf:"burst"`
	// Period is the time in which Burst is whole again, evenly: of 10 a minute one
	// comes back every six seconds. Default: 1 minute.
	Period time.Duration `conf:"period"`
	// Sustained is a second allowance beside Burst, for a longer time; a request
	// passes when both have room. Default: none.
	Sustained int `conf:"sustained"`
	// SustainedPeriod is the time in which Sustained is whole again; longer than
	// Period. Default: 1 hour.
	SustainedPeriod time.Duration `conf:"sustained_period"`
}

// Redis is where several servers count requests together. Nothing else is kept
// there, and nothing is lost with it but counts.
type Redis struct {
	// URL names a server, "redis://user:password@host:6379/0", or
	// "rediss://user:password@host:6380/0" with TLS. It may hold a password and is
	// treated as a secret. Default: none, each server counts by itself.
	URL auth.Secret `conf:"url"`
	// Addresses are further servers of a Redis cluster, as host:port, should the
	// one in URL be away at the start. Default: none.
	Addresses []string `conf:"addresses"`
	// CAFile holds the certificates, in PEM, of whom to trust for TLS. Default: those
	// of the system.
	CAFile string `conf:"ca_file"`
	// Timeout is how long a request waits for Redis at most. Default: 50
	// milliseconds.
	Timeout time.Duration `conf:"timeout"`
}

const (
	defaultLimitPeriod     = time.Minute
	defaultSustainedPeriod = time.Hour
	maxRateBurst           = 1_000_000
	maxRatePolicies        = 1000
	leastRedisTimeout      = time.Millisecond
	maxRedisTimeout        = time.Second
)

// rateLimitsWithDefaults fills in what was left at zero.
func rateLimitsWithDefaults(list []RateLimitPolicy) []RateLimitPolicy {
	list = append([]RateLimitPolicy(nil), list...)
	for i := range list {
		l := &list[i]
		l.Period = or(l.Period, defaultLimitPeriod)
		if l.Sustained != 0 {
			l.SustainedPeriod = or(l.SustainedPeriod, defaultSustainedPeriod)
		}
	}
	return list
}

// policy is the same as package ratelimit has it.
func (l RateLimitPolicy) policy() ratelimit.Policy {
	p := ratelimit.Policy{Name: l.Name, Windows: []ratelimit.Window{{Burst: l.Burst, Period: l.Period}}}
	for _, d := range l.Per {
		p.Per = append(p.Per, ratelimit.Dimension(d))
	}
	if l.Sustained != 0 {
		p.Windows = append(p.Windows, ratelimit.Window{Name: "sustained", Burst: l.Sustained, Period: l.SustainedPeriod})
	}
	return p
}

// server reads the URL. What it complains of does not repeat it.
func (r Redis) server() (o redisstore.Options, secure bool, err error) {
	u, err := url.Parse(r.URL.Reveal())
	switch {
	case err != nil:
		return o, false, errors.New("is not an address")
	case u.Scheme != "redis" && u.Scheme != "rediss":
		return o, false, errors.New("does not begin with redis:// or rediss://")
	case u.Hostname() == "":
		return o, false, errors.New("names no host")
	case u.RawQuery != "" || u.Fragment != "":
		return o, false, errors.New("has a query, which means nothing here")
	}
	if path := strings.TrimPrefix(u.Path, "/"); path != "" {
		if o.Database, err = strconv.Atoi(path); err != nil || o.Database < 0 {
			return o, false, errors.New("has a path that is no number of a database")
		}
	}
	port := or(u.Port(), "6379")
	o.Addresses = append([]string{net.JoinHostPort(u.Hostname(), port)}, r.Addresses...)
	o.Username = u.User.Username()
	password, _ := u.User.Password()
	o.Password = auth.Secret(password)
	return o, u.Scheme == "rediss", nil
}

// openRedis is nil without settings. It connects to nothing.
func openRedis(cfg Config, callersTime bool) (*redisstore.Source, error) {
	if cfg.Redis.URL == "" {
		return nil, nil
	}
	o, secure, err := cfg.Redis.server()
	if err != nil {
		return nil, fmt.Errorf("redis.url %w", err)
	}
	if secure {
		if o.TLS, err = cfg.Redis.tls(); err != nil {
			return nil, err
		}
	} else if far := farAway(o.Addresses); far != "" {
		cfg.Logger.Warn("the connection to Redis is not encrypted: whoever can listen or answer there can lift every limit on requests; name it as rediss://", "host", far)
	}
	// Hashed with a key, since there are few addresses and names that somebody
	// cares for. All servers have the first secret; while it is being replaced
	// everybody has two allowances.
	o.Key, err = hkdf.Key(sha256.New, []byte(cfg.Secrets[0].Reveal()), nil, "gatehouse rate limit keys v1", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive the key of rate limits: %w", err)
	}
	o.Timeout, o.CallersTime, o.Logger = cfg.Redis.Timeout, callersTime, cfg.Logger
	return redisstore.New(o)
}

func (r Redis) tls() (*tls.Config, error) {
	// No ServerName: the name that is dialled is the one that is verified, also of
	// the other servers of a cluster.
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if r.CAFile == "" {
		return c, nil
	}
	pem, err := os.ReadFile(r.CAFile)
	if err != nil {
		return nil, fmt.Errorf("redis.ca_file: %w", err)
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("redis.ca_file: %s holds no certificate in PEM", r.CAFile)
	}
	return c, nil
}

// farAway returns the first address that is not of this machine.
func farAway(addresses []string) string {
	for _, a := range addresses {
		host, _, _ := net.SplitHostPort(a)
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return host
		}
	}
	return ""
}
