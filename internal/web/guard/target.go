package guard

import (
	"net/http"
	"strings"

	"github.com/gatehouse-auth/gatehouse/internal/web/authjs/wire"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

// maxReturn is the length in bytes, escaped, of the longest address that
// sign-in is asked to lead back to: it travels in a cookie, of which browsers
// hold 4096 bytes with its name and attributes (RFC 6265bis §5.7).
const maxReturn = 3000

// signInAddress is where somebody signs in to come back to what they asked
// for.
func signInAddress(m *mount.Mount, r *http.Request) string {
	return m.Base() + "/signin?callbackUrl=" + wire.EncodeURIComponent(returnAddress(m, r))
}

// returnAddress is what was asked for, as an address on the public origin. It
// is made of the request target alone: what a caller writes into Host, or in
// front of the path, leads nowhere (RFC 9112 §3.2). What is too long loses its
// query, and then its path; what is no address at all becomes the origin.
func returnAddress(m *mount.Mount, r *http.Request) string {
	target := requestTarget(r)
	path, _, _ := strings.Cut(target, "?")
	for _, t := range []string{target, path} {
		if len(wire.EncodeURIComponent(m.Origin()+t)) <= maxReturn {
			return m.Redirect(m.Origin() + t)
		}
	}
	return m.Origin()
}

// requestTarget is path and query as the browser asked for them. It goes by
// the request line, because a handler on the way, http.StripPrefix for one, may
// have changed r.URL.
func requestTarget(r *http.Request) string {
	target := r.RequestURI
	if target == "" { // a request that came from no server
		target = r.URL.RequestURI()
	}
	if strings.HasPrefix(target, "/") {
		return target
	}
	// The absolute form: scheme and host are whatever the caller wrote.
	_, rest, _ := strings.Cut(target, "://")
	switch i := strings.IndexAny(rest, "/?"); {
	case i < 0:
		return "/"
	case rest[i] == '?':
		return "/" + rest[i:]
	default:
		return rest[i:]
	}
}
