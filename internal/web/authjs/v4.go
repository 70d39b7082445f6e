package authjs

import (
	"errors"
	"net/http"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/authjs/wire"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

// v4 answers as next-auth 4 does (authjs.md §1 and §4).
type v4 struct{ *Handler }

func (d v4) endpoints() []web.Endpoint {
	log := d.endpoint(http.MethodPost, "/_log", web.NoEffect, web.Unlimited, nil)
	// The beacon's content is an outsider's text: it is neither read nor logged.
	log.Handle = func(w http.ResponseWriter, r *http.Request) error {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	return []web.Endpoint{log, d.get("/error/{error}", d.errorPage)}
}

func (v4) nobody() string           { return "{}" }
func (v4) answersAfterUpdate() bool { return false }

// wantsJSON: the text "true" asks for JSON, a JSON boolean does not.
func (v4) wantsJSON(x *mount.Exchange) bool { return x.Field("json") == "true" }

func (d v4) redirect(x *mount.Exchange, location string) {
	d.to(x, http.StatusOK, location)
}

// to redirects, or tells the address with the given status; cookies are sent
// either way.
func (d v4) to(x *mount.Exchange, status int, location string) {
	x.SendCookies()
	if d.wantsJSON(x) {
		writeURL(x, status, location)
		return
	}
	writeRedirect(x.W, location)
}

func (v4) unknown(w http.ResponseWriter, r *http.Request) {
	writeText(w, http.StatusBadRequest, "Error: This action with HTTP "+knownMethod(r.Method)+" is not supported by NextAuth.js")
}

// knownMethod keeps an outsider's invented method out of our answer.
func knownMethod(m string) string {
	switch m {
	case "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT":
		return m
	}
	return "method"
}

func (d v4) unsupported(x *mount.Exchange) { d.unknown(x.W, x.R) }

func (d v4) badCSRF(x *mount.Exchange, action string) {
	d.to(x, http.StatusOK, d.base()+"/"+action+"?csrf=true")
}

func (d v4) signInRefused(x *mount.Exchange, err error) {
	var hook *denied
	var thrown *AuthorizeError
	switch {
	case errors.As(err, &hook) && hook.redirect != "":
		d.to(x, http.StatusOK, x.Absolute(hook.redirect))
	case errors.As(err, &hook) && hook.thrown != nil:
		d.to(x, http.StatusOK, d.base()+"/error?error="+wire.EncodeURIComponent(hook.thrown.Error()))
	case errors.As(err, &hook):
		d.to(x, http.StatusForbidden, d.base()+"/error?error=AccessDenied")
	case errors.As(err, &thrown):
		d.to(x, http.StatusUnauthorized, d.base()+"/error?error="+wire.EncodeURIComponent(thrown.Message+thrown.Code))
	default:
		d.refused(x, auth.AsError(err))
	}
}

func (d v4) refused(x *mount.Exchange, e *auth.Error) {
	failed := d.base() + "/error?error="
	switch {
	case waitable(e) && !d.wantsJSON(x):
		d.Hosted.Fail(x.W, x.R, e)
	case waitable(e):
		web.SetRetryAfter(x.W.Header(), e)
		d.to(x, web.Status(e), failed+string(e.Code))
	case e.Code == auth.CodePasswordChangeNeeded:
		d.to(x, http.StatusForbidden, d.base()+"/new-password?error="+string(e.Code))
	case e.Code.Kind() == auth.KindInternal:
		d.Hosted.Fail(x.W, x.R, e)
	default:
		d.to(x, http.StatusUnauthorized, failed+"CredentialsSignin&provider="+wire.EncodeForm(d.Provider))
	}
}

func (d v4) callbackByGet(x *mount.Exchange) {
	x.SendCookies()
	// The library answers 500 here; the input is what is wrong.
	writeText(x.W, http.StatusBadRequest, "Error: Callback for provider type credentials not supported")
}

func (v4) pageParameters(callback, failure string) string {
	q := "callbackUrl=" + wire.EncodeURIComponent(callback)
	if failure != "" {
		q += "&error=" + wire.EncodeURIComponent(failure)
	}
	return q
}

// signInFailures belong on the sign-in page (authjs.md §4.11).
var signInFailures = map[string]bool{
	"Signin": true, "OAuthSignin": true, "OAuthCallback": true, "OAuthCreateAccount": true, "EmailCreateAccount": true,
	"Callback": true, "OAuthAccountNotLinked": true, "EmailSignin": true, "CredentialsSignin": true, "SessionRequired": true,
}

func (v4) errorStatus(failure string) (int, bool) {
	if signInFailures[failure] {
		return 0, true
	}
	switch strings.ToLower(failure) {
	case "configuration":
		return http.StatusInternalServerError, false
	case "accessdenied", "verification":
		return http.StatusForbidden, false
	}
	return http.StatusOK, false
}

func (v4) configurationMessage() string {
	return "There is a problem with the server configuration. Check the server logs for more information."
}
