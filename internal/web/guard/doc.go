// Package guard says of any request, whatever it asks for, who calls and
// whether they may: the steps that are the same in an embedding program, in
// front of an upstream and for a proxy that only asks.
//
//	Identify: whose access token or session cookie it is ► Decide: is a cookie enough for this request (CSRF)? ► the Policy
//
// A [Decision] is a value; each dialect renders it. [Guard.Refuse] is the
// rendering for requests that are answered here: a problem document, a page, or
// the way to the sign-in page. [Caller.Pass] hands an allowed request on and
// settles the session's cookie when the answer is about to be sent.
//
// Whether a cookie is good is package session's to say, and what the cookie
// becomes is package mount's. This package stands against the route that
// forgets to ask, the form on a foreign page that rides on the cookie, the
// open redirect behind callbackUrl, the sign-out by outage, and the shared
// cache that hands one person's cookie to the next. Start with caller.go, then
// decide.go.
package guard
