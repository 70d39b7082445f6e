package portal

import (
	"net/http"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/registration"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/authjs/wire"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
	"github.com/gatehouse-auth/gatehouse/internal/web/pages"
)

func (h *Handler) signUpForm(x *mount.Exchange) pages.SignUp {
	fields := []pages.Field{
		pages.IdentifierField().With(x.Field("identifier")), pages.NameField().With(x.Field("name")),
		pages.FirstPasswordField(h.Users.Policy.Least()),
	}
	if h.Registration.Mode == registration.ByInvitation {
		fields = append(fields, pages.InvitationField().With(x.Field("invitationCode")))
	}
	return pages.SignUp{
		Form: h.form(x, "/signup", fields...), SignIn: h.url("/signin"),
		Closed: h.Registration.Mode == registration.Closed,
	}
}

func (h *Handler) signUpPage(x *mount.Exchange) error {
	p := h.signUpForm(x)
	status := http.StatusOK
	if p.Closed {
		status = http.StatusForbidden
	}
	return h.Hosted.SignUp(x.W, x.R, status, p)
}

// signUp registers, and signs the new user in with the password just given.
func (h *Handler) signUp(x *mount.Exchange) error {
	ctx := x.R.Context()
	u, err := h.Registration.Register(ctx, registration.Request{
		Identifier: x.Field("identifier"), Name: x.Field("name"), Password: auth.Secret(x.Field("password")),
		Invitation: auth.Secret(x.Field("invitationCode")),
	}, x.Device())
	if err != nil {
		return h.signUpAgain(x, err)
	}
	current, err := x.Session()
	if err != nil {
		return err
	}
	outcome, err := h.SignIn.Registered(ctx, u, x.Browser(current))
	if err != nil || !outcome.Done() { // registered; signing in can be tried again
		web.FactsFrom(ctx).Err = err // for the log
		http.Redirect(x.W, x.R, h.url("/signin"), http.StatusSeeOther)
		return nil
	}
	x.Begin(outcome)
	return goOn(x, h.afterSignUp(x.Callback))
}

// afterSignUp is where a new user goes first (authjs.md §4.9).
func (h *Handler) afterSignUp(callback string) string {
	if h.NewUser == "" {
		return callback
	}
	separator := "?"
	if strings.Contains(h.NewUser, "?") {
		separator = "&"
	}
	return h.Mount.Absolute(h.NewUser) + separator + "callbackUrl=" + wire.EncodeURIComponent(callback)
}

func (h *Handler) signUpAgain(x *mount.Exchange, cause error) error {
	p := h.signUpForm(x)
	status, err := failed(x, &p.Form, cause)
	if err != nil {
		return err
	}
	return h.Hosted.SignUp(x.W, x.R, status, p)
}
