package main

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// homely is a gate with no application in front of it: browsers that ask for
// the front page are led to the account page, where there would be nothing.
type homely struct {
	gate
	home http.Handler
}

// newHomely leads from the front page to the page at address.
func newHomely(g gate, address string, o web.RouterOptions) (gate, error) {
	home, err := web.NewRouter([]web.Endpoint{{
		Method: http.MethodGet, Pattern: "/{$}", Guard: web.Public, CSRF: web.SafeMethod, Rate: web.Unlimited, Cache: web.NoStore, Fail: web.FailProblem,
		Handle: func(w http.ResponseWriter, r *http.Request) error {
			http.Redirect(w, r, address, http.StatusSeeOther)
			return nil
		},
	}}, o)
	return homely{g, home}, err
}

// Handler is the gate's own, but for the front page.
func (g homely) Handler() http.Handler {
	rest := g.gate.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead) && web.Navigates(r) {
			g.home.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
}

// alone says whether browsers that ask for origin come straight to the
// listener at address, because no application stands in front.
func alone(origin string, address net.Addr) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "http" {
		return false
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	host, listens, err := net.SplitHostPort(address.String())
	if err != nil || listens != port {
		return false
	}
	a, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && a.String() == host
}
