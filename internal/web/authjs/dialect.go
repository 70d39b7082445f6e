package authjs

import (
	"encoding/json"
	"net/http"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

// dialect is where the two versions part: the answers of authjs.md §1.
type dialect interface {
	// endpoints are those that only this version has.
	endpoints() []web.Endpoint
	// wantsJSON says whether the caller asked for an address in JSON instead of
	// a redirect.
	wantsJSON(x *mount.Exchange) bool
	// nobody is the JSON of "nobody is signed in".
	nobody() string
	// redirect answers a good outcome: to the browser a redirect, to a client
	// that asked for JSON the address. Pending cookies are sent.
	redirect(x *mount.Exchange, location string)
	// unknown answers an action, method or depth that does not exist.
	unknown(w http.ResponseWriter, r *http.Request)
	// unsupported answers a known action with a provider or method that it
	// does not take.
	unsupported(x *mount.Exchange)
	// badCSRF answers a request whose token was not verified. action is
	// "signin" or "signout".
	badCSRF(x *mount.Exchange, action string)
	// signInRefused answers a sign-in that failed.
	signInRefused(x *mount.Exchange, err error)
	// callbackByGet answers a GET on the credentials callback.
	callbackByGet(x *mount.Exchange)
	// pageParameters encodes the parameters for the application's own page.
	pageParameters(callback, failure string) string
	// errorStatus is the status of the hosted error page, and whether the
	// error belongs on the sign-in page instead.
	errorStatus(failure string) (status int, onSignIn bool)
	// configurationMessage is what a request with an unusable callback URL is
	// told.
	configurationMessage() string
	// answersAfterUpdate says whether POST /session answers with the claims as
	// they are after the update.
	answersAfterUpdate() bool
}

// writeURL answers a client that asked for JSON.
func writeURL(x *mount.Exchange, status int, location string) {
	body, _ := json.Marshal(struct {
		URL string `json:"url"`
	}{location}) // a string: cannot fail
	x.W.Header().Set("Content-Type", "application/json")
	x.W.WriteHeader(status)
	_, _ = x.W.Write(body)
}

// writeRedirect answers a browser.
func writeRedirect(w http.ResponseWriter, location string) {
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusFound)
}

// writeText answers with plain text, as v4 does.
func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}

// writeJSON answers with what is JSON already.
func writeJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// writeJSONText is writeJSON for text.
func writeJSONText(w http.ResponseWriter, status int, text string) {
	writeJSON(w, status, []byte(text))
}

// AuthorizeError is what an Authenticator returns to be told apart by the
// client, as an error thrown by Auth.js's authorize is. *auth.Error values are
// shown by their Code.
type AuthorizeError struct {
	// Message is shown by v4, and hidden by v5.
	Message string
	// Code, if not empty, is the code of a CredentialsSignin error, which v5
	// shows.
	Code string
}

// Error implements error.
func (e *AuthorizeError) Error() string { return "authorize: " + e.Message + e.Code }

// denied is a refusal by the SignIn hook.
type denied struct {
	redirect string
	thrown   error
}

func (d *denied) Error() string {
	if d.thrown != nil {
		return "sign-in hook: " + d.thrown.Error()
	}
	return "sign-in hook refused"
}

// waitable says whether the refusal passes by itself: too many attempts, or
// nothing could be decided. Such answers have a status and Retry-After of
// their own in both dialects, which the protocol does not forbid and clients
// can act on.
func waitable(e *auth.Error) bool {
	return e.Code.Kind() == auth.KindRateLimited || e.Code.Kind() == auth.KindUnavailable
}
