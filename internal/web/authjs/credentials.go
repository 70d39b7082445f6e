package authjs

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/signin"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
	"github.com/gatehouse-auth/gatehouse/internal/web/pages"
)

// callbackByGet: the credentials provider has no GET callback.
func (h *Handler) callbackByGet(x *mount.Exchange) error {
	if x.R.PathValue("provider") == h.Provider {
		h.dialect.callbackByGet(x)
	} else {
		h.dialect.unsupported(x)
	}
	return nil
}

// callback signs in with what the form brought (authjs.md §4.8).
func (h *Handler) callback(x *mount.Exchange) error {
	if x.R.PathValue("provider") != h.Provider {
		h.dialect.unsupported(x)
		return nil
	}
	if !x.Verified() {
		if h.answersHere(x) {
			return h.signInAgain(x, http.StatusForbidden, pages.Say(pages.KeySignInFormExpired))
		}
		h.dialect.badCSRF(x, "signin")
		return nil
	}
	if h.answersHere(x) && (typed(x) == "" || x.Field("password") == "") {
		return h.signInAgain(x, http.StatusBadRequest, pages.Say(pages.KeySignInEmpty)) // no guess: it costs nobody a try
	}
	outcome, err := h.authenticate(x)
	if err != nil {
		web.FactsFrom(x.R.Context()).Err = err // for the log; the form or the dialect answers
		if done, failed := h.refusedHere(x, err); done {
			return failed
		}
		h.dialect.signInRefused(x, err)
		return nil
	}
	if !outcome.Done() {
		x.KeepAttempt(outcome.Continue)
		h.dialect.signInRefused(x, auth.NewError(auth.CodePasswordChangeNeeded, nil))
		return nil
	}
	x.Begin(outcome)
	h.dialect.redirect(x, x.Callback)
	return nil
}

// authenticate hands the fields to the sign-in room. Fields that are not named
// here are neither read nor stored.
func (h *Handler) authenticate(x *mount.Exchange) (signin.Outcome, error) {
	current, err := x.Session()
	if err != nil {
		return signin.Outcome{}, err
	}
	b := x.Browser(current)
	if h.Hooks.Claims != nil {
		b.Claims = func(c *session.Claims) { h.Hooks.Claims(TriggerSignIn, c, json.RawMessage(nil)) }
	}
	if h.Hooks.SignIn != nil {
		b.Approve = h.approve
	}
	return h.SignIn.Password(x.R.Context(), typed(x), auth.Secret(x.Field("password")), b)
}

// typed is the identifier, by whichever name the form calls it.
func typed(x *mount.Exchange) string {
	return cmp.Or(x.Field("identifier"), x.Field("email"), x.Field("username"))
}

// approve asks the SignIn hook.
func (h *Handler) approve(ctx context.Context, u auth.User) error {
	allow, redirect, err := h.Hooks.SignIn(ctx, u)
	if err != nil || redirect != "" || !allow {
		return &denied{redirect: redirect, thrown: err}
	}
	return nil
}
