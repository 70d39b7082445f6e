package web

import (
	"net/http"
	"strings"
)

// ForeignRequest says whether a browser states that the request comes from
// somewhere else than our own pages: by Fetch Metadata (Sec-Fetch-Site), which
// no page can set, or by Origin. Another origin of the same site is foreign
// too (CB-11). "Origin: null" beside "Sec-Fetch-Site: same-origin" is what a
// page with a no-referrer policy sends, and is not foreign. A request that
// states nothing is not foreign; what else it must bring is the endpoint's
// CSRF stance. One that states either twice comes from no browser, and parties
// on the way may believe either: it is foreign.
func ForeignRequest(r *http.Request, publicOrigin string) bool {
	if len(r.Header.Values("Sec-Fetch-Site")) > 1 || len(r.Header.Values("Origin")) > 1 {
		return true
	}
	site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
	switch site {
	case "", "none":
		return origin != "" && origin != publicOrigin
	case "same-origin":
		return origin != "" && origin != publicOrigin && origin != "null"
	default:
		return true
	}
}

// OwnRequest says whether a browser states that the request comes from our own
// pages. It is more than ForeignRequest being false: silence is no statement
// (CB-10).
func OwnRequest(r *http.Request, publicOrigin string) bool {
	if ForeignRequest(r, publicOrigin) {
		return false
	}
	return r.Header.Get("Sec-Fetch-Site") == "same-origin" || r.Header.Get("Origin") == publicOrigin
}

// FromBrowser says whether a browser itself makes the request: it states the
// site (Fetch Metadata §2.3), which no page can set and no HTTP library does.
func FromBrowser(r *http.Request) bool { return r.Header.Get("Sec-Fetch-Site") != "" }

// Navigates says whether a person waits for a page: then a refusal may be a
// redirect, which an API call never gets.
func Navigates(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html")
}
