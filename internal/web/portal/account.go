package portal

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
	"github.com/gatehouse-auth/gatehouse/internal/web/pages"
)

// account is the landing page of somebody signed in.
func (h *Handler) account(x *mount.Exchange) error {
	s, err := x.Require()
	if err != nil {
		return err
	}
	u, err := h.Users.Find(x.R.Context(), string(s.UserID()))
	if err != nil {
		return err
	}
	p := pages.Account{
		Shown: u.Name, Email: u.Email, Username: u.Username, Roles: u.Roles, Return: h.Mount.Origin(),
		ChangePassword: h.url("/account/password"), Delete: h.url("/account/delete"),
		SignOut: h.form(x, "/signout"),
	}
	p.SignOut.Hidden = map[string]string{"callbackUrl": h.Mount.Origin()}
	if p.Shown == "" {
		p.Shown = strings.Join(u.Identifiers(), ", ")
	}
	if x.R.URL.Query().Get("done") == "password" {
		p.Done = "Your password was changed. You are signed out everywhere else."
	}
	return h.Hosted.Account(x.W, p)
}

func (h *Handler) passwordForm(x *mount.Exchange) pages.Form {
	return h.form(x, "/account/password",
		pages.Field{Name: "currentPassword", Label: "Current password", Type: "password", Autocomplete: "current-password", Required: true},
		pages.Field{Name: "newPassword", Label: "New password", Type: "password", Autocomplete: "new-password", Required: true, Hint: h.passwordHint()},
	)
}

func (h *Handler) passwordPage(x *mount.Exchange) error {
	return h.Hosted.Password(x.W, http.StatusOK, h.passwordForm(x))
}

// password changes the password, ends all sessions and begins a new one here.
func (h *Handler) password(x *mount.Exchange) error {
	s, err := x.Require()
	if err != nil {
		return err
	}
	old, pw := auth.Secret(x.Field("currentPassword")), auth.Secret(x.Field("newPassword"))
	token, err := h.Users.ChangePassword(x.R.Context(), x.Sessions, *s, old, pw, x.Device())
	if err != nil {
		f := h.passwordForm(x)
		status, err := failed(x, &f, err)
		if err != nil {
			return err
		}
		return h.Hosted.Password(x.W, status, f)
	}
	return keep(x, nil, token, h.url("/account?done=password"))
}

func (h *Handler) deleteForm(x *mount.Exchange) pages.Form {
	return h.form(x, "/account/delete",
		pages.Field{Name: "password", Label: "Your password", Type: "password", Autocomplete: "current-password", Required: true})
}

func (h *Handler) deletePage(x *mount.Exchange) error {
	return h.Hosted.Delete(x.W, http.StatusOK, h.deleteForm(x))
}

// delete removes the account of whoever is signed in.
func (h *Handler) delete(x *mount.Exchange) error {
	s, err := x.Require()
	if err != nil {
		return err
	}
	if err := h.Users.DeleteOwn(x.R.Context(), *s, auth.Secret(x.Field("password"))); err != nil {
		f := h.deleteForm(x)
		status, err := failed(x, &f, err)
		if err != nil {
			return err
		}
		return h.Hosted.Delete(x.W, status, f)
	}
	x.DropSession()
	x.SendCookies()
	return h.Hosted.Message(x.W, pages.Message{
		Title: "Your account is deleted", Text: "All your sessions have ended.",
		Link: h.Mount.Origin(), LinkText: "Leave",
	})
}

func (h *Handler) newPasswordForm(x *mount.Exchange) pages.Form {
	return h.form(x, "/new-password",
		pages.Field{Name: "newPassword", Label: "New password", Type: "password", Autocomplete: "new-password", Required: true, Hint: h.passwordHint()})
}

func (h *Handler) newPasswordPage(x *mount.Exchange) error {
	if x.Attempt() == "" {
		return auth.NewError(auth.CodeChallengeExpired, nil)
	}
	return h.Hosted.NewPassword(x.W, http.StatusOK, h.newPasswordForm(x))
}

// newPassword is the step after a password that must be replaced.
func (h *Handler) newPassword(x *mount.Exchange) error {
	current, err := x.Session()
	if err != nil {
		return err
	}
	outcome, err := h.SignIn.NewPassword(x.R.Context(), x.Attempt(), auth.Secret(x.Field("newPassword")), x.Browser(current))
	if err != nil {
		if auth.AsError(err).Code == auth.CodeChallengeExpired {
			return err
		}
		f := h.newPasswordForm(x)
		status, err := failed(x, &f, err)
		if err != nil {
			return err
		}
		return h.Hosted.NewPassword(x.W, status, f)
	}
	x.DropAttempt()
	return keep(x, &outcome.Session, outcome.Token, x.Callback)
}

func (h *Handler) passwordHint() string {
	return fmt.Sprintf("At least %d characters. Several unrelated words are easy to remember.", h.Users.Policy.Least())
}
