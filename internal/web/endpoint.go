package web

import (
	"fmt"
	"net/http"
)

// Endpoint is one of our own addresses together with its posture. The four
// stances have no usable zero value: leaving one out is refused by NewRouter,
// so that "public" is always written out.
type Endpoint struct {
	// Method is an HTTP method, or "*" for every one that no other Endpoint of
	// the pattern takes.
	Method string
	// Pattern is a net/http pattern without the method.
	Pattern string
	Guard   Guard
	// Permission is what the Guard Permitted asks for; empty is that somebody is
	// known.
	Permission string
	CSRF       CSRF
	Rate       Rate
	Cache      Cache
	// Handle answers. What it returns goes to Fail.
	Handle HandlerFunc
	// Fail writes the answer to an error in the dialect of the endpoint.
	Fail FailFunc
}

// HandlerFunc answers a request, or says why it did not. When it returns an
// error it has written nothing.
type HandlerFunc func(w http.ResponseWriter, r *http.Request) error

// FailFunc writes the answer to an error.
type FailFunc func(w http.ResponseWriter, r *http.Request, err error)

// Guard says who may call an Endpoint.
type Guard string

// The Guards.
const (
	// Public: anybody.
	Public Guard = "public"
	// SignedIn: whoever has a live session; others get 401, or the sign-in
	// page when they navigate.
	SignedIn Guard = "signed-in"
	// ClientOnly: a client of the configuration that shows its secret.
	ClientOnly Guard = "client"
	// Permitted: whoever holds the Permission, by a session, an access token or an
	// API key.
	Permitted Guard = "permitted"
	// Operator: the ops listener, which is not for browsers.
	Operator Guard = "operator"
)

// CSRF says how an Endpoint knows that a request comes from our own pages.
type CSRF string

// The CSRF stances.
const (
	// SafeMethod: the endpoint changes nothing.
	SafeMethod CSRF = "safe"
	// TokenAndOrigin: the Auth.js double-submit token, and no sign of a foreign
	// origin in Sec-Fetch-Site or Origin.
	TokenAndOrigin CSRF = "token+origin"
	// JSONAndOrigin: a JSON content type, which no foreign page can send
	// without a preflight, and no sign of a foreign origin.
	JSONAndOrigin CSRF = "json+origin"
	// NoCookie: no cookie is read; what the body brings is the proof, and no
	// browser adds it by itself.
	NoCookie CSRF = "no-cookie"
	// NoEffect: an unsafe method that changes nothing (the client's log beacon).
	NoEffect CSRF = "no-effect"
)

// Rate is the class of limits that an Endpoint falls under.
type Rate string

// The rate classes.
const (
	// Unlimited: cheap, and nothing to guess.
	Unlimited Rate = "unlimited"
	// Guessing: per-account failure counters, the address's failures, the
	// hashing gate.
	Guessing Rate = "guessing"
	// Registering: the address's registrations and the hashing gate.
	Registering Rate = "registering"
	// SettingUp: the tries of a setup token, and the hashing gate behind it.
	SettingUp Rate = "setting-up"
	// Issuing: the requests of a session, a family of refresh tokens or an
	// address.
	Issuing Rate = "issuing"
	// Managing: the requests of a session, a token or a key.
	Managing Rate = "managing"
	// Reporting: the address's reports, and everybody's together.
	Reporting Rate = "reporting"
)

// Cache says what may keep the answer.
type Cache string

// The cache stances.
const (
	// NoStore: nothing may keep it.
	NoStore Cache = "no-store"
	// Published: anybody may keep it for ten minutes and read it from any origin.
	Published Cache = "published"
	// Immutable: embedded assets, whose address changes with their content.
	Immutable Cache = "immutable"
)

// check names what is missing.
func (e Endpoint) check() error {
	for _, s := range []struct {
		what  string
		empty bool
	}{
		{"method", e.Method == ""}, {"pattern", e.Pattern == ""}, {"guard", e.Guard == ""},
		{"CSRF stance", e.CSRF == ""}, {"rate class", e.Rate == ""}, {"cache stance", e.Cache == ""},
		{"handler", e.Handle == nil}, {"error writer", e.Fail == nil},
	} {
		if s.empty {
			return fmt.Errorf("endpoint %s %s has no %s", e.Method, e.Pattern, s.what)
		}
	}
	return nil
}

// String is one line of the endpoint table.
func (e Endpoint) String() string {
	line := fmt.Sprintf("%-7s %-40s %-10s %-13s %-12s %s", e.Method, e.Pattern, e.Guard, e.CSRF, e.Rate, e.Cache)
	if e.Permission != "" {
		line += "  " + e.Permission
	}
	return line
}
