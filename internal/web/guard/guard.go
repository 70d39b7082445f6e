package guard

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/rbac"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

// Options are what a Guard needs.
type Options struct {
	// Mounts are those whose sessions count, in the order in which they are
	// asked. The first one's sign-in page is where people are led. At least one
	// is needed.
	Mounts []*mount.Mount
	// Pages are the addresses of the application's own pages that sign-in leads
	// to without anybody being signed in: its sign-in and error pages. Empty
	// ones are passed over.
	Pages []string
	// Bearer judges access tokens; nil means that none count.
	Bearer Bearer
	// APIKey judges API keys; nil means that none count. ClientAddress is where a
	// request comes from; invalid when that cannot be known.
	APIKey        APIKey
	ClientAddress func(*http.Request) netip.Addr
	// Policy is what the roles allow at this moment. Its error has the Code
	// unavailable.
	Policy func(context.Context) (*rbac.Policy, error)
	// Staleness is how long before a moment the change feed was last read.
	Staleness func(time.Time) time.Duration
	// Router gives refusals the headers, the request ID and the log line of any
	// other request.
	Router *web.Router
	// Page shows a refusal to somebody who waits for a page.
	Page   web.FailFunc
	Logger *slog.Logger
}

// Guard asks who calls and decides whether they may. It is safe for concurrent
// use.
type Guard struct {
	Options
	refuse func(w http.ResponseWriter, r *http.Request, f web.Refusal)
	// pages are the decoded paths of Pages.
	pages []string
	// inFront: it was said that a page to sign in stands behind a guard.
	inFront atomic.Bool
}

// name is where refusals stand in the log: the route is the embedder's.
const name = "(embedded)"

// New returns a Guard.
func New(o Options) *Guard {
	g := &Guard{Options: o, refuse: o.Router.Refuser(name)}
	for _, address := range o.Pages {
		if u, err := url.Parse(address); err == nil && address != "" {
			g.pages = append(g.pages, trimSlash(cmp.Or(u.Path, "/")))
		}
	}
	return g
}

// signIn is the mount whose sign-in page people are led to.
func (g *Guard) signIn() *mount.Mount { return g.Mounts[0] }
