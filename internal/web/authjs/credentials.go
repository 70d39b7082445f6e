package authjs

import (
	"cmp"
	"context"
	"encoding/json"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/signin"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
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
		h.dialect.badCSRF(x, "signin")
		return nil
	}
	outcome, err := h.authenticate(x)
	if err != nil {
		web.FactsFrom(x.R.Context()).Err = err // for the log; the dialect answers
		h.dialect.signInRefused(x, err)
		return nil
	}
	if !outcome.Done() {
		x.KeepAttempt(outcome.Continue)
		h.dialect.signInRefused(x, auth.NewError(auth.CodePasswordChangeNeeded, nil))
		return nil
	}
	x.SignedIn(&outcome.Session)
	x.KeepSession(outcome.Token)
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
	typed := cmp.Or(x.Field("identifier"), x.Field("email"), x.Field("username"))
	return h.SignIn.Password(x.R.Context(), typed, auth.Secret(x.Field("password")), b)
}

// approve asks the SignIn hook.
func (h *Handler) approve(ctx context.Context, u auth.User) error {
	allow, redirect, err := h.Hooks.SignIn(ctx, u)
	if err != nil || redirect != "" || !allow {
		return &denied{redirect: redirect, thrown: err}
	}
	return nil
}
