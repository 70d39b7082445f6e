package guard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Policy says who may pass. The zero Policy lets everybody pass who is signed
// in.
type Policy struct {
	// All are conditions that must all hold.
	All []Condition
	// MaxStaleness is how long ago the change feed may have been read, where
	// less is demanded than of every check; zero demands nothing.
	MaxStaleness time.Duration
}

// Decision is what the steps came to. The zero Decision allows.
type Decision struct {
	// Refused is the Code, and the reason for the log; nil when allowed.
	Refused *auth.Error
}

// Allowed says whether the request may pass.
func (d Decision) Allowed() bool { return d.Refused == nil }

// Why the steps end, for the log.
var (
	errNoCookie = errors.New("no session cookie")
	errNobody   = errors.New("the session has ended, or the cookie is none of ours")
	errUnproven = errors.New("a request that may change something, with a session cookie, did not state that it comes from our own pages")
)

// Decide takes the steps behind Identify. Codes: unavailable (nothing can be
// said; nobody is signed out by it), signed_out and session_expired (nobody
// asks), invalid_token and invalid_request (the access token is not good, or
// there are two), csrf_failed (a cookie is not enough for this request), forbidden (the
// Policy says no).
func (c *Caller) Decide(ctx context.Context, p Policy) Decision {
	switch {
	case c.failed != nil:
		return c.Unknown()
	case c.refused != nil:
		return Decision{c.refused}
	case !c.signedIn && len(c.brought) == 0:
		return Decision{auth.NewError(auth.CodeSignedOut, errNoCookie)}
	case !c.signedIn:
		return Decision{auth.NewError(auth.CodeSessionExpired, errNobody)}
	case !c.proven:
		return Decision{auth.NewError(auth.CodeCSRF, errUnproven)}
	}
	if p.MaxStaleness > 0 {
		if age := c.guard.Staleness(c.guard.Mounts[0].Now()); age > p.MaxStaleness {
			return Decision{auth.AsError(auth.Unavailable(fmt.Errorf("the change feed was read %v ago, and this route allows %v", age, p.MaxStaleness)))}
		}
	}
	return Decision{c.meets(ctx, p.All)}
}

// Again is asked of a request that was identified further out: what stands
// between may have made another method of it, and a cookie that was enough to
// read with is not enough to change something with.
func (c *Caller) Again(r *http.Request) Decision {
	if c.signedIn && !c.bearer && !provenOwn(r, c.counts.Origin()) {
		return Decision{auth.NewError(auth.CodeCSRF, errUnproven)}
	}
	return Decision{}
}

// Unknown refuses when it cannot be said who asks, and allows everybody else,
// signed in or not.
func (c *Caller) Unknown() Decision {
	if c.failed == nil {
		return Decision{}
	}
	return Decision{auth.AsError(c.failed)}
}
