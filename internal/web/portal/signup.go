package portal

import (
	"net/http"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/registration"
	"github.com/gatehouse-auth/gatehouse/internal/web/authjs/wire"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
	"github.com/gatehouse-auth/gatehouse/internal/web/pages"
)

func (h *Handler) signUpForm(x *mount.Exchange) pages.SignUp {
	fields := []pages.Field{
		{Name: "identifier", Label: "E-mail or user name", Type: "text", Autocomplete: "username", Required: true, Value: x.Field("identifier")},
		{Name: "name", Label: "Your name (optional)", Type: "text", Autocomplete: "name", Value: x.Field("name")},
		{Name: "password", Label: "Password", Type: "password", Autocomplete: "new-password", Required: true, Hint: h.passwordHint()},
	}
	if h.Registration.Mode == registration.ByInvitation {
		fields = append(fields, pages.Field{Name: "invitationCode", Label: "Invitation code", Type: "text", Autocomplete: "off", Required: true})
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
	return h.Hosted.SignUp(x.W, status, p)
}

// signUp registers, and signs the new user in with the password just given.
func (h *Handler) signUp(x *mount.Exchange) error {
	ctx := x.R.Context()
	typed, pw := x.Field("identifier"), auth.Secret(x.Field("password"))
	_, err := h.Registration.Register(ctx, registration.Request{
		Identifier: typed, Name: x.Field("name"), Password: pw, Invitation: auth.Secret(x.Field("invitationCode")),
	}, x.Device())
	if err != nil {
		return h.signUpAgain(x, err)
	}
	current, err := x.Session()
	if err != nil {
		return err
	}
	outcome, err := h.SignIn.Password(ctx, typed, pw, x.Browser(current))
	if err != nil || !outcome.Done() { // registered; signing in can be tried again
		http.Redirect(x.W, x.R, h.url("/signin"), http.StatusSeeOther)
		return nil
	}
	return keep(x, &outcome.Session, outcome.Token, h.afterSignUp(x.Callback))
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
	return h.Hosted.SignUp(x.W, status, p)
}
