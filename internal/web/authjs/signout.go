package authjs

import (
	"strings"

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
	f := pages.Form{Action: h.base() + "/signout", CSRFToken: x.CSRFToken}
	if h.Mark {
		f.Hidden = map[string]string{markField: "1"}
	}
	return h.Hosted.SignOut(x.W, x.R, f)
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
	h.dialect.redirect(x, h.afterSignOut(x))
	return nil
}

// afterSignOut is the callback URL, as the protocol has it. On our own form it
// may be a page of ours that would ask at once to sign in again: then it is the
// page that says that the session has ended.
func (h *Handler) afterSignOut(x *mount.Exchange) string {
	if h.marked(x) && strings.HasPrefix(x.Callback, h.base()+"/") {
		return h.base() + "/signed-out"
	}
	return x.Callback
}
