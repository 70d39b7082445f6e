package portal

import (
	"net/http"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/setup"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
	"github.com/gatehouse-auth/gatehouse/internal/web/pages"
)

// setupForm never has the token filled in again: what was sent may be good, and
// a page is seen by others.
func (h *Handler) setupForm(x *mount.Exchange) pages.Setup {
	return pages.Setup{
		Form: h.form(x, "/setup",
			pages.SetupTokenField(), pages.IdentifierField().With(x.Field("identifier")), pages.NameField().With(x.Field("name")),
			pages.FirstPasswordField(h.Users.Policy.Least())),
		SignIn: h.url("/signin"),
	}
}

// setupPage is the same whether there is an administrator or not: only whoever
// has a token learns that. It asks no database, so nobody can make it busy here.
func (h *Handler) setupPage(x *mount.Exchange) error {
	return h.Hosted.Setup(x.W, x.R, http.StatusOK, h.setupForm(x))
}

// setUp makes the first administrator, who is signed in with the password just
// given.
func (h *Handler) setUp(x *mount.Exchange) error {
	ctx := x.R.Context()
	u, err := h.Setup.Redeem(ctx, setup.Request{
		Token: auth.Secret(x.Field("setupToken")), Identifier: x.Field("identifier"), Name: x.Field("name"), Password: auth.Secret(x.Field("password")),
	}, x.Device())
	if err != nil {
		p := h.setupForm(x)
		status, err := failed(x, &p.Form, err)
		if err != nil {
			return err
		}
		return h.Hosted.Setup(x.W, x.R, status, p)
	}
	current, err := x.Session()
	if err != nil {
		return err
	}
	outcome, err := h.SignIn.Registered(ctx, u, x.Browser(current))
	if err != nil || !outcome.Done() { // made; signing in can be tried again
		web.FactsFrom(ctx).Err = err // for the log
		http.Redirect(x.W, x.R, h.url("/signin"), http.StatusSeeOther)
		return nil
	}
	x.Begin(outcome)
	return goOn(x, h.url("/account"))
}
