package portal

import (
	"net/http"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/session"
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
		Sessions: h.url("/account/sessions"), ChangePassword: h.url("/account/password"), Delete: h.url("/account/delete"),
		SignOut: h.form(x, "/signout"),
	}
	p.SignOut.Hidden = map[string]string{"callbackUrl": h.Mount.Origin()}
	if p.Shown == "" {
		p.Shown = strings.Join(u.Identifiers(), ", ")
	}
	if x.R.URL.Query().Get("done") == "password" {
		p.Done = pages.KeyPasswordChanged
	}
	return h.Hosted.Account(x.W, x.R, p)
}

// ownForm is a form about the account of whoever is signed in: password
// managers are told whose it is.
func (h *Handler) ownForm(x *mount.Exchange, path string, fields ...pages.Field) (pages.OwnForm, error) {
	p := pages.OwnForm{Form: h.form(x, path, fields...), Back: h.url("/account"), SignOut: h.url("/signout")}
	s, err := x.Require()
	if err != nil {
		return p, err
	}
	u, err := h.Users.Find(x.R.Context(), string(s.UserID()))
	if err != nil {
		return p, err
	}
	p.Form = of(u, p.Form)
	return p, nil
}

// of tells password managers, and the rules of a new password, whose form it
// is.
func of(u auth.User, f pages.Form) pages.Form {
	ids := u.Identifiers()
	if len(ids) > 0 {
		f.Username = ids[0]
	}
	f.Own = strings.Join(append(ids, u.Name), " ")
	return f
}

func (h *Handler) passwordForm(x *mount.Exchange) (pages.OwnForm, error) {
	return h.ownForm(x, "/account/password", pages.CurrentPasswordField(), pages.NewPasswordField(h.Users.Policy.Least()))
}

func (h *Handler) passwordPage(x *mount.Exchange) error {
	p, err := h.passwordForm(x)
	if err != nil {
		return err
	}
	return h.Hosted.Password(x.W, x.R, http.StatusOK, p)
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
		p, broken := h.passwordForm(x)
		if broken != nil {
			return err
		}
		status, err := failed(x, &p.Form, err)
		if err != nil {
			return err
		}
		return h.Hosted.Password(x.W, x.R, status, p)
	}
	x.KeepSession(token)
	return goOn(x, h.url("/account?done=password"))
}

func (h *Handler) deleteForm(x *mount.Exchange) (pages.OwnForm, error) {
	return h.ownForm(x, "/account/delete", pages.OwnPasswordField())
}

func (h *Handler) deletePage(x *mount.Exchange) error {
	p, err := h.deleteForm(x)
	if err != nil {
		return err
	}
	return h.Hosted.Delete(x.W, x.R, http.StatusOK, p)
}

// delete removes the account of whoever is signed in.
func (h *Handler) delete(x *mount.Exchange) error {
	s, err := x.Require()
	if err != nil {
		return err
	}
	if err := h.Users.DeleteOwn(x.R.Context(), *s, auth.Secret(x.Field("password"))); err != nil {
		p, broken := h.deleteForm(x)
		if broken != nil {
			return err
		}
		status, err := failed(x, &p.Form, err)
		if err != nil {
			return err
		}
		return h.Hosted.Delete(x.W, x.R, status, p)
	}
	x.DropSession()
	x.ClearSite()
	x.SendCookies()
	return h.Hosted.Message(x.W, x.R, pages.Message{
		Title: pages.KeyDeletedTitle, Text: pages.Say(pages.KeyDeletedText), Link: h.Mount.Origin(), LinkText: pages.KeyGoService,
	})
}

// newPasswordForm is for whoever has given the password that must be replaced.
func (h *Handler) newPasswordForm(x *mount.Exchange) (pages.Form, error) {
	u, err := h.SignIn.Waiting(x.R.Context(), x.Attempt())
	if err != nil {
		return pages.Form{}, err
	}
	return of(u, h.form(x, "/new-password", pages.NewPasswordField(h.Users.Policy.Least()))), nil
}

func (h *Handler) newPasswordPage(x *mount.Exchange) error {
	f, err := h.newPasswordForm(x)
	if err != nil {
		return err
	}
	return h.Hosted.NewPassword(x.W, x.R, http.StatusOK, f)
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
		f, broken := h.newPasswordForm(x)
		if broken != nil {
			return err
		}
		status, err := failed(x, &f, err)
		if err != nil {
			return err
		}
		return h.Hosted.NewPassword(x.W, x.R, status, f)
	}
	x.DropAttempt()
	x.Begin(outcome)
	return goOn(x, x.Callback)
}

// signedOut is where a sign-out ends that has no better place to go; somebody
// signed in again meanwhile sees the account.
func (h *Handler) signedOut(x *mount.Exchange) error {
	if s, err := x.Session(); err == nil && s.Verdict == session.Live {
		http.Redirect(x.W, x.R, h.url("/account"), http.StatusSeeOther)
		return nil
	}
	p := pages.SignedOut{SignIn: h.url("/signin"), Return: h.Mount.Origin(), Pending: h.pending(x)}
	if x.R.URL.Query().Get("done") == doneAll {
		p.Done = pages.KeySessionsAllEnded
	}
	return h.Hosted.SignedOut(x.W, x.R, p)
}
