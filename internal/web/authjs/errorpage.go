package authjs

import (
	"strings"

	"github.com/gatehouse-auth/gatehouse/internal/web/authjs/wire"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
	"github.com/gatehouse-auth/gatehouse/internal/web/pages"
)

// errorPage shows an error, or leads to where it is shown (authjs.md §4.11).
func (h *Handler) errorPage(x *mount.Exchange) error {
	query := x.R.URL.Query()
	failure := query.Get("error")
	if failure == "" {
		failure = x.R.PathValue("error")
	}
	status, onSignIn := h.dialect.errorStatus(failure)
	x.SendCookies()
	if onSignIn {
		writeRedirect(x.W, h.base()+"/signin?error="+failure) // one of a fixed list
		return nil
	}
	if h.Pages.Error != "" {
		if failure == "" {
			failure = "undefined"
		}
		writeRedirect(x.W, withQuery(h.Pages.Error, "error="+wire.EncodeURIComponent(failure)))
		return nil
	}
	title, text := errorText(failure)
	return h.Hosted.Error(x.W, status, pages.Message{
		Title: title, Text: text, Link: h.base() + "/signin", LinkText: "Go to sign-in",
	})
}

// errorText is what the hosted page says. The value itself is never shown.
func errorText(failure string) (title, text string) {
	if text := waitText(failure); text != "" {
		return "Wait a moment", text
	}
	switch strings.ToLower(failure) {
	case "configuration":
		return "Something is set up wrong", "The server cannot complete this. Its log tells the operator why."
	case "accessdenied":
		return "Access denied", "You do not have permission to sign in."
	case "verification":
		return "This link no longer works", "It has been used already, or it has expired. Ask for a new one."
	}
	return "Sign-in did not work", "Try again. If it stays, tell the people who run this site."
}

// verifyRequest says that a message is on its way (authjs.md §4.11).
func (h *Handler) verifyRequest(x *mount.Exchange) error {
	x.SendCookies()
	if own := h.Pages.VerifyRequest; own != "" {
		if h.Mount.IsV5() && x.R.URL.RawQuery != "" {
			own = withQuery(own, x.R.URL.RawQuery)
		}
		writeRedirect(x.W, own)
		return nil
	}
	return h.Hosted.Message(x.W, pages.Message{
		Title: "Check your mail", Text: "A sign-in link has been sent to your address.",
		Link: h.base() + "/signin", LinkText: "Back to sign-in",
	})
}
