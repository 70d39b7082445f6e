package authjs

import (
	"errors"

	"github.com/gatehouse-auth/gatehouse/auth"
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
	if err := h.endSession(x); err != nil {
		x.SendCookies()
		return err
	}
	h.dialect.redirect(x, x.Callback)
	return nil
}

func (h *Handler) endSession(x *mount.Exchange) error {
	if !x.HasSession() {
		return nil
	}
	x.DropSession()
	s, err := x.Session()
	if err == nil && s.Verdict.SignedIn() {
		err = h.Sessions.SignOut(x.R.Context(), *s, x.Device())
	}
	if err == nil {
		return nil
	}
	refused := auth.AsError(err)
	if errors.Is(err, auth.CodeInternal) || refused.Code.Kind() == auth.KindInternal {
		refused = auth.NewError(auth.CodeUnavailable, err)
	}
	refused.Message = "You are signed out in this browser. Copies of the session elsewhere could not be ended: sign in and out again in a moment."
	return refused
}
