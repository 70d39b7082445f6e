package authjs

import (
	"net/http"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
	"github.com/gatehouse-auth/gatehouse/internal/web/pages"
)

// withQuery appends a query to an address that may have one.
func withQuery(address, query string) string {
	if strings.Contains(address, "?") {
		return address + "&" + query
	}
	return address + "?" + query
}

// signInPage shows the sign-in page, or leads to the application's own
// (authjs.md §4.6).
func (h *Handler) signInPage(x *mount.Exchange) error {
	failure := x.R.URL.Query().Get("error")
	if segment := x.R.PathValue("provider"); segment != "" {
		if h.Mount.IsV5() {
			h.dialect.unsupported(x)
			return nil
		}
		if failure == "" {
			failure = segment
		}
	}
	if healed, err := h.heal(x); healed || err != nil {
		return err
	}
	x.SendCookies()
	if h.Pages.SignIn != "" {
		writeRedirect(x.W, withQuery(h.Pages.SignIn, h.dialect.pageParameters(x.Callback, failure)))
		return nil
	}
	return h.Hosted.SignIn(x.W, http.StatusOK, pages.SignIn{
		Form: pages.Form{
			Action: h.base() + "/callback/" + h.Provider, CSRFToken: x.CSRFToken, Fields: h.Fields,
			Problem: signInText(failure, x.R.URL.Query().Get("code")),
		},
		Register: h.Register,
	})
}

// heal returns somebody whose session lives, and whose cookie only the
// application's own reader no longer takes, to where they came from with a
// fresh cookie (guarantees R12). It does so only where a fresh cookie can
// help: an application that refuses for another reason must not send the
// browser round in circles.
func (h *Handler) heal(x *mount.Exchange) (bool, error) {
	if !x.HasSession() || x.R.URL.Query().Get("callbackUrl") == "" {
		return false, nil
	}
	s, err := x.Session()
	if err != nil || s.Verdict != session.Live || !s.Outdated(x.Now()) {
		return false, nil // a store that cannot be asked is no reason to hide the form
	}
	token, err := x.Sessions.Renew(s, nil)
	if err != nil || s.Verdict != session.Live {
		return false, err
	}
	x.KeepSession(token)
	x.SendCookies()
	writeRedirect(x.W, x.Callback)
	return true, nil
}

// waitText is what people are told when waiting helps; empty for everything
// else.
func waitText(code string) string {
	switch c := auth.Code(code); c {
	case auth.CodeTooManyAttempts, auth.CodeBusy, auth.CodeUnavailable:
		return c.Message()
	}
	return ""
}

// signInText is what the hosted page says about an error (authjs.md §4.6) and,
// in v5, its code. An unknown one gets the general text; the value itself is
// never shown.
func signInText(failure, code string) string {
	if text := waitText(code); text != "" {
		return text
	}
	switch failure {
	case "":
		return ""
	case "CredentialsSignin":
		return "Sign-in failed. Check what you typed and try again."
	case "SessionRequired":
		return "Sign in to see this page."
	case "MissingCSRF":
		return "The form had expired. Try again."
	case "OAuthAccountNotLinked":
		return "Sign in with the account you used before."
	}
	return "Sign-in did not work. Try again."
}

// signInStart begins a sign-in with a provider (authjs.md §4.7). Credentials
// sign in through the callback, so this leads to the page.
func (h *Handler) signInStart(x *mount.Exchange) error {
	provider := x.R.PathValue("provider")
	switch {
	case h.Mount.IsV5() && provider != "" && provider != h.Provider:
		h.dialect.unsupported(x)
	case !x.Verified(), !h.Mount.IsV5() && provider != h.Provider:
		h.dialect.badCSRF(x, "signin")
	default:
		h.dialect.redirect(x, h.base()+"/signin")
	}
	return nil
}
