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
	m := errorText(failure)
	m.Link, m.LinkText = h.base()+"/signin", pages.KeyGoSignIn
	return h.Hosted.Error(x.W, x.R, status, m)
}

// errorText is what the hosted page says. The value itself is never shown.
func errorText(failure string) pages.Message {
	if text := waitText(failure); text.Given() {
		return pages.Message{Title: pages.KeyWaitTitle, Text: text}
	}
	switch strings.ToLower(failure) {
	case "configuration":
		return pages.Message{Title: pages.KeyConfigurationTitle, Text: pages.Say(pages.KeyConfigurationText)}
	case "accessdenied":
		return pages.Message{Title: pages.KeyDeniedTitle, Text: pages.Say(pages.KeyDeniedText)}
	case "verification":
		return pages.Message{Title: pages.KeyVerificationTitle, Text: pages.Say(pages.KeyVerificationText)}
	}
	return pages.Message{Title: pages.KeySignInErrorTitle, Text: pages.Say(pages.KeySignInErrorText)}
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
	return h.Hosted.Message(x.W, x.R, pages.Message{
		Title: pages.KeyMailTitle, Text: pages.Say(pages.KeyMailText), Link: h.base() + "/signin", LinkText: pages.KeyMailBack,
	})
}
