// Package mount is one base path and what every endpoint below it shares: the
// public origin, the dialect's cookies, the CSRF token, the callback URL, and
// the session of the request. An [Exchange] is one request seen through it.
//
// It answers nothing itself; web/authjs, web/api and web/portal do. It stands
// against host-header poisoning (addresses come from the configuration alone),
// open redirects, cookie tossing (only exact cookie names are read) and CSRF.
// Start with exchange.go.
package mount
