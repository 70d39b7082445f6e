package authjs

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
	"github.com/gatehouse-auth/gatehouse/internal/web/pages"
)

// fail answers what no handler answered itself. Pages get a page, everything
// else the protocol's own shape where it has one, or a problem document.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, mount.ErrCallbackURL):
		h.failConfiguration(w, r)
	case web.Navigates(r):
		h.Hosted.Fail(w, r, err)
	default:
		web.FailProblem(w, r, err)
	}
}

// failConfiguration answers a callback URL, in query, cookie or body, that is
// no address at all. The library calls this its own misconfiguration and
// answers 500; the input is what is wrong, so it is 400 in the same shape
// (authjs.md §3.3).
func (h *Handler) failConfiguration(w http.ResponseWriter, r *http.Request) {
	if !h.isPage(r) {
		body, _ := json.Marshal(map[string]string{"message": h.dialect.configurationMessage()})
		writeJSON(w, http.StatusBadRequest, body)
		return
	}
	if h.Pages.Error != "" {
		location := h.Pages.Error
		if h.Mount.IsV5() {
			location = h.Mount.Absolute(location)
		}
		writeRedirect(w, withQuery(location, "error=Configuration"))
		return
	}
	m := pages.Message{
		Title: pages.KeyAddressTitle, Text: pages.Say(pages.KeyAddressText), Link: h.base() + "/signin", LinkText: pages.KeyGoSignIn,
	}
	if err := h.Hosted.Error(w, r, http.StatusBadRequest, m); err != nil {
		web.FailProblem(w, r, auth.NewError(auth.CodeInternal, err))
	}
}

// isPage says whether the address is one that people look at.
func (h *Handler) isPage(r *http.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}
	switch h.Mount.Action(r) {
	case "signin", "signout", "error", "verify-request":
		return true
	}
	return false
}
