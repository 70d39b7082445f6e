package gatehouse

import "net/http"

// Protect is what a route of an API needs, in one line: the limit of this name,
// who asks, whether a cookie is enough for the request, and the Needs. It is
// [Gatehouse.RateLimit] around [Gatehouse.Require], in the order in which it costs
// least to refuse:
//
//	mux.Handle("GET /orders", g.Protect("api", gatehouse.Permission("orders:read"))(orders))
//
// A request that is refused counts too, so guessing at credentials does not go on
// for free. A policy that counts by "principal" or "key" counts whoever is known by
// that, and everybody else by their address; one that counts by "address" alone
// refuses before it is asked who calls.
//
// It panics as those two do.
func (g *Gatehouse) Protect(limit string, n ...Need) func(http.Handler) http.Handler {
	counted, required := g.RateLimit(limit), g.Require(n...)
	return func(next http.Handler) http.Handler {
		mustHandle("Protect", next)
		return counted(required(next))
	}
}
