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

// v5 answers as Auth.js 5 (@auth/core) does (authjs.md §1 and §4).
type v5 struct{ *Handler }

func (v5) endpoints() []web.Endpoint { return nil }
func (v5) nobody() string            { return "null" }
func (v5) answersAfterUpdate() bool  { return true }

// wantsJSON: the header asks, whatever its value.
func (v5) wantsJSON(x *mount.Exchange) bool {
	return len(x.R.Header.Values("X-Auth-Return-Redirect")) > 0
}

func (d v5) redirect(x *mount.Exchange, location string) {
	x.SendCookies()
	if d.wantsJSON(x) {
		x.W.Header().Set("Location", location)
		writeURL(x, http.StatusOK, location)
		return
	}
	writeRedirect(x.W, location)
}

// refuse answers with an error: no cookies, and no Location beside JSON.
func (d v5) refuse(x *mount.Exchange, status int, location string) {
	if d.wantsJSON(x) {
		writeURL(x, status, location)
		return
	}
	writeRedirect(x.W, location)
}

// unknown tells an address that the protocol cannot parse from a known action
// that does not take the method (authjs.md §2, path parsing).
func (d v5) unknown(w http.ResponseWriter, r *http.Request) {
	if (r.Method == http.MethodGet || r.Method == http.MethodPost) && d.parses(r) {
		d.unsupported(d.Mount.Bare(w, r))
		return
	}
	writeJSONText(w, http.StatusBadRequest, `"Bad request."`)
}

// parses says whether the address is an action with or without a provider.
func (d v5) parses(r *http.Request) bool {
	action, provider, two := strings.Cut(strings.TrimPrefix(r.URL.Path, d.Mount.BasePath+"/"), "/")
	switch action {
	case "providers", "session", "csrf", "signout", "verify-request", "error":
		return !two
	case "signin", "callback", "webauthn-options":
		return !two || provider != "" && !strings.Contains(provider, "/")
	}
	return false
}

func (d v5) unsupported(x *mount.Exchange) {
	d.refuse(x, http.StatusOK, d.onErrorPage("Configuration"))
}

// onErrorPage and onSignInPage are where errors are shown: the application's
// own page if there is one (authjs.md §5). A "?" in its address is not looked
// at, as in the library.
func (d v5) onErrorPage(failure string) string {
	return d.page(d.Pages.Error, "/error") + "?error=" + wire.EncodeForm(failure)
}

func (d v5) onSignInPage(failure string) string {
	return d.page(d.Pages.SignIn, "/signin") + "?error=" + wire.EncodeForm(failure)
}

func (d v5) page(own, hosted string) string {
	if own == "" {
		return d.base() + hosted
	}
	return d.Mount.Absolute(own)
}

func (d v5) badCSRF(x *mount.Exchange, _ string) {
	d.refuse(x, http.StatusOK, d.onSignInPage("MissingCSRF"))
}

func (d v5) signInRefused(x *mount.Exchange, err error) {
	var hook *denied
	var thrown *AuthorizeError
	switch {
	case errors.As(err, &hook) && hook.redirect != "":
		d.redirect(x, x.Redirect(hook.redirect))
	case errors.As(err, &hook):
		d.refuse(x, http.StatusOK, d.onErrorPage("AccessDenied"))
	case errors.As(err, &thrown) && thrown.Code != "":
		d.refuse(x, http.StatusOK, d.credentialsSignIn(thrown.Code))
	case errors.As(err, &thrown):
		d.unsupported(x)
	default:
		d.refused(x, auth.AsError(err))
	}
}

func (d v5) refused(x *mount.Exchange, e *auth.Error) {
	switch {
	case waitable(e) && !d.wantsJSON(x):
		d.Hosted.Fail(x.W, x.R, e)
	case waitable(e):
		web.SetRetryAfter(x.W.Header(), e)
		d.refuse(x, web.Status(e), d.credentialsSignIn(string(e.Code)))
	case e.Code == auth.CodePasswordChangeNeeded:
		x.SendCookies()
		d.refuse(x, http.StatusOK, d.base()+"/new-password?error=CredentialsSignin&code="+string(e.Code))
	case e.Code.Kind() == auth.KindInternal:
		d.Hosted.Fail(x.W, x.R, e)
	default:
		d.refuse(x, http.StatusOK, d.credentialsSignIn("credentials"))
	}
}

func (d v5) credentialsSignIn(code string) string {
	return d.onSignInPage("CredentialsSignin") + "&code=" + wire.EncodeForm(code)
}

func (d v5) callbackByGet(x *mount.Exchange) { d.unsupported(x) }

func (v5) pageParameters(callback, failure string) string {
	q := "callbackUrl=" + wire.EncodeForm(callback)
	if failure != "" {
		q += "&error=" + wire.EncodeForm(failure)
	}
	return q
}

func (v5) errorStatus(failure string) (int, bool) {
	switch failure {
	case "Configuration":
		return http.StatusInternalServerError, false
	case "AccessDenied", "Verification":
		return http.StatusForbidden, false
	}
	return http.StatusOK, false
}

func (v5) configurationMessage() string {
	return "There was a problem with the server configuration. Check the server logs for more information."
}
