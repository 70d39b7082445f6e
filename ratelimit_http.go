package gatehouse

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
	"github.com/gatehouse-auth/gatehouse/internal/web/guard"
	"github.com/gatehouse-auth/gatehouse/internal/web/limit"
)

// RateLimit lets as many requests through to the handler as the policy of this
// name in Config.RateLimits allows. Each answer says in RateLimit-Policy and
// RateLimit how much there is and how much is left
// (draft-ietf-httpapi-ratelimit-headers-11); the others are 429 with
// Retry-After.
//
// It stands outside or inside of [Gatehouse.Require] and
// [Gatehouse.Authenticate], as you like: who asks is found out once. Outside, also
// requests count that are refused then; inside, only those that are let through.
// It lets nobody in by itself.
//
// A policy that tells requests apart by "route" goes by the Pattern of the
// request, which http.ServeMux sets: stand behind it, in Handle. In front of it
// all routes are one.
//
// It panics when there is no such policy, and when the policy tells requests
// apart by "account": see [Gatehouse.RateLimitAccount].
func (g *Gatehouse) RateLimit(name string) func(http.Handler) http.Handler {
	return g.limited("RateLimit", g.limitOf("RateLimit", name), nil)
}

// RateLimitBy is RateLimit by a policy that is not in the settings. Policies of
// one name share what they count.
func (g *Gatehouse) RateLimitBy(p RateLimitPolicy) func(http.Handler) http.Handler {
	return g.limited("RateLimitBy", g.newLimit("RateLimitBy", p), nil)
}

// RateLimitAccount is [Gatehouse.RateLimit] for policies that tell requests apart
// by "account": it asks account whose account the request is about, by e-mail
// address or user name, as it was typed. All spellings of one name are one, and
// what is no name at all is one and the same too. It is called once for each
// request, before the handler; what it reads of the body, the handler does not
// get.
func (g *Gatehouse) RateLimitAccount(name string, account func(r *http.Request) string) func(http.Handler) http.Handler {
	if account == nil {
		panic("gatehouse: RateLimitAccount: the function is nil")
	}
	return g.limited("RateLimitAccount", g.limitOf("RateLimitAccount", name), account)
}

func (g *Gatehouse) limitOf(call, name string) *limit.Limit {
	for _, p := range g.cfg.RateLimits {
		if p.Name == name {
			return g.newLimit(call, p)
		}
	}
	panic(fmt.Sprintf("gatehouse: %s(%q): there is no policy of this name in Config.RateLimits", call, name))
}

func (g *Gatehouse) newLimit(call string, p RateLimitPolicy) *limit.Limit {
	p = rateLimitsWithDefaults([]RateLimitPolicy{p})[0]
	problems := &Problems{}
	p.check(problems, func(name string) string { return "rate_limits[0]." + name })
	l, err := ratelimit.NewLimiter(p.policy(), g.rooms.addresses)
	if bad := problems.err(); bad != nil {
		err = bad
	}
	if err != nil {
		panic(fmt.Sprintf("gatehouse: %s: %v", call, err))
	}
	return limit.New(l, g.cfg.Now)
}

func (g *Gatehouse) limited(call string, l *limit.Limit, account func(*http.Request) string) func(http.Handler) http.Handler {
	if l.Needs(ratelimit.PerAccount) != (account != nil) {
		panic(fmt.Sprintf("gatehouse: %s: the policy %q and the function do not fit: RateLimitAccount is for those that count by account, and for no other", call, l.Policy().Name))
	}
	identifies := l.Needs(ratelimit.PerPrincipal) || l.Needs(ratelimit.PerKey)
	// Whoever has no key, or is not signed in, is counted by address.
	addressed := identifies || l.Needs(ratelimit.PerAddress)
	return func(next http.Handler) http.Handler {
		mustHandle(call, next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			who := ratelimit.Subject{Route: r.Pattern}
			if addressed {
				who.Address = g.guard.ClientAddress(r)
			}
			if account != nil {
				who.Account = account(r)
			}
			c, known := g.callerFrom(r.Context())
			if !known {
				c = nil // another's
			}
			if identifies {
				if !known {
					var early *guard.Early
					if early = earlyFrom(r.Context()); early == nil {
						c, early = g.guard.IdentifyEarly(w, r)
						r = r.WithContext(context.WithValue(r.Context(), earlyKey{}, early))
					} else {
						c = g.guard.Identified(early, w, r)
					}
				}
				user, key := c.Counted()
				who.APIKey, who.Principal = string(key), string(user)
				if user == "" {
					who.Principal = string(key)
				}
			}
			if err := l.Pass(w.Header(), r, who); err != nil {
				if c == nil {
					c = g.guard.Stranger()
				}
				g.refuse(w, r, c, guard.Decision{Refused: auth.AsError(err)})
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// earlyKey is that of who was identified to be counted. It is not callerKey:
// behind RateLimit alone nobody is told who asks, since nothing was decided.
type earlyKey struct{}

func earlyFrom(ctx context.Context) *guard.Early {
	e, _ := ctx.Value(earlyKey{}).(*guard.Early)
	return e
}

// identify asks who calls, if nobody has been asked yet.
func (g *Gatehouse) identify(w http.ResponseWriter, r *http.Request) *guard.Caller {
	return g.guard.Identified(earlyFrom(r.Context()), w, r)
}
