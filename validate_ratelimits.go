package gatehouse

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
)

var rateLimitName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

func rateLimitField(i int, name string) string { return fmt.Sprintf("rate_limits[%d].%s", i, name) }

func (c Config) checkRateLimits(p *Problems) {
	if len(c.RateLimits) > maxRatePolicies {
		p.add("rate_limits", fmt.Sprintf("give at most %d", maxRatePolicies), "has %d policies", len(c.RateLimits))
		return
	}
	for i, l := range c.RateLimits {
		l.check(p, func(name string) string { return rateLimitField(i, name) })
		if slices.ContainsFunc(c.RateLimits[:i], func(o RateLimitPolicy) bool { return l.Name != "" && o.Name == l.Name }) {
			p.add(rateLimitField(i, "name"), "give each a name of its own", "%q stands twice", l.Name)
		}
		if a := c.ClientAddress; slices.Contains(l.Per, string(ratelimit.PerAddress)) && len(a.TrustedProxies) == 0 && !a.PeerIsClient {
			p.note("client_address.trusted_proxies",
				say("name the proxy in front that sets the address, or set %s when clients connect directly", setting("client_address.peer_is_client")),
				say("is missing, and %s tells requests apart by address", setting(rateLimitField(i, "per"))))
		}
	}
}

// check names what is wrong with one policy; field gives the name of a member.
func (l RateLimitPolicy) check(p *Problems, field func(name string) string) {
	switch {
	case l.Name == "":
		p.add(field("name"), "name it, as api", "is missing")
	case !rateLimitName.MatchString(l.Name):
		p.add(field("name"), "give 1 to 64 lower-case letters, digits, hyphens, dots and underscores", "%q is not a name for a policy", l.Name)
	}
	for j, d := range l.Per {
		at := fmt.Sprintf("%s[%d]", field("per"), j)
		switch {
		case !slices.Contains(ratelimit.Dimensions(), ratelimit.Dimension(d)):
			p.add(at, "choose of "+dimensionNames(), "%q is nothing that requests can be told apart by", d)
		case slices.Contains(l.Per[:j], d):
			p.add(at, "name it once", "%q is named twice", d)
		}
	}
	p.bound(field("burst"), l.Burst, 1, maxRateBurst, "")
	p.between(field("period"), l.Period, time.Second, maxAbsoluteLifetime)
	if l.Burst <= maxRateBurst && l.Period < time.Duration(l.Burst)*ratelimit.Wide*time.Microsecond && l.Period >= time.Second {
		p.add(field("burst"), "give at most 62500 for each second of the period", "%d in %s is more than can be counted", l.Burst, plain(l.Period))
	}
	if l.SustainedPeriod != 0 {
		p.between(field("sustained_period"), l.SustainedPeriod, time.Second, maxAbsoluteLifetime)
	}
	switch {
	case l.Sustained == 0 && l.SustainedPeriod != 0:
		p.add(field("sustained"), "say how many requests may come in that time", "is missing beside its period")
	case l.Sustained == 0:
	case l.SustainedPeriod <= l.Period:
		p.add(field("sustained_period"), "make it longer than the period", "%s is not longer than the period, %s", plain(l.SustainedPeriod), plain(l.Period))
	default:
		p.bound(field("sustained"), l.Sustained, 1, maxRateBurst, "")
	}
}

func dimensionNames() string {
	var names []string
	for _, d := range ratelimit.Dimensions() {
		names = append(names, string(d))
	}
	return strings.Join(names, ", ")
}

func (c Config) checkRedis(p *Problems) {
	r := c.Redis
	if r.URL == "" {
		for field, given := range map[string]bool{"redis.addresses": len(r.Addresses) > 0, "redis.ca_file": r.CAFile != ""} {
			if given {
				p.note(field, say("give %s too, or remove it", setting("redis.url")), say("stands without %s", setting("redis.url")))
			}
		}
	} else if _, secure, err := r.server(); err != nil {
		p.add("redis.url", "give redis://user:password@host:6379/0, or rediss:// for TLS, with %XX for special characters in user and password", "%s", err)
	} else if !secure && r.CAFile != "" {
		p.note("redis.ca_file", say("name the server as rediss://, or remove it"), say("stands beside a %s without TLS", setting("redis.url")))
	}
	for i, a := range r.Addresses {
		host, port, err := net.SplitHostPort(a)
		if n, bad := strconv.Atoi(port); err != nil || host == "" || bad != nil || n < 1 || n > 65535 || strings.ContainsAny(host, "/@ ") {
			p.add(fmt.Sprintf("redis.addresses[%d]", i), "give host:port, as redis2.internal:6379", "%q is not a host with a port", a)
		}
	}
	if r.Timeout < leastRedisTimeout || r.Timeout > maxRedisTimeout {
		p.add("redis.timeout", fmt.Sprintf("give %s to %s", plain(leastRedisTimeout), plain(maxRedisTimeout)), "%s is out of bounds", plain(r.Timeout))
	}
}
