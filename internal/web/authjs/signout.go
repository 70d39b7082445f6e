package authjs

import (
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
	"github.com/gatehouse-auth/gatehouse/internal/web/pages"
)

// signOutPage asks before signing out (authjs.md §4.10).
func (h *Handler) signOutPage(x *mount.Exchange) error {
	x.SendCookies()
	if h.Pages.SignOut != "" {
		writeRedirect(x.W, h.Pages.SignOut)
		return nil
	}
	return h.Hosted.SignOut(x.W, pages.Form{Action: h.base() + "/signout", CSRFToken: x.CSRFToken})
}

// signOut ends the session everywhere and deletes the cookie (authjs.md
// §4.10). When the end could not be stored, the cookie goes all the same and
// the answer says that copies elsewhere may live on (guarantees R14).
func (h *Handler) signOut(x *mount.Exchange) error {
	if !x.Verified() {
		h.dialect.badCSRF(x, "signout")
		return nil
	}
	if err := x.SignOut(); err != nil {
		x.SendCookies()
		return err
	}
	h.dialect.redirect(x, x.Callback)
	return nil
}
