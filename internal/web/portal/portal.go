package portal

import (
	"errors"
	"net/http"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/registration"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/setup"
	"github.com/gatehouse-auth/gatehouse/internal/signin"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
	"github.com/gatehouse-auth/gatehouse/internal/web/pages"
)

// Handler answers the hosted pages of one mount. Its members are set once,
// before use.
type Handler struct {
	Mount        *mount.Mount
	SignIn       *signin.Room
	Registration *registration.Room
	Users        *user.Room
	Sessions     *session.Room
	Setup        *setup.Room
	Hosted       *pages.Set
	// NewUser is the application's own page for somebody who has just signed
	// up, as the Auth.js option pages.newUser names it; empty leads to where
	// they came from.
	NewUser string
	// Reports takes reports of browsers at ReportPath; nil takes none.
	Reports *Reports
	// MaxStaleness is the longest that a revocation can stay unheard of.
	MaxStaleness time.Duration
}

// Endpoints are the pages' addresses.
func (h *Handler) Endpoints() []web.Endpoint {
	list := []web.Endpoint{
		h.page(http.MethodGet, "/signup", web.Public, web.Unlimited, h.signUpPage),
		h.page(http.MethodPost, "/signup", web.Public, web.Registering, h.signUp),
		h.page(http.MethodGet, "/setup", web.Public, web.Unlimited, h.setupPage),
		h.page(http.MethodPost, "/setup", web.Public, web.SettingUp, h.setUp),
		h.page(http.MethodGet, "/account", web.SignedIn, web.Unlimited, h.account),
		h.page(http.MethodGet, "/account/password", web.SignedIn, web.Unlimited, h.passwordPage),
		h.page(http.MethodPost, "/account/password", web.SignedIn, web.Guessing, h.password),
		h.page(http.MethodGet, "/account/sessions", web.SignedIn, web.Unlimited, h.sessionsPage),
		h.page(http.MethodPost, "/account/sessions", web.SignedIn, web.Guessing, h.endSessions),
		h.page(http.MethodGet, "/account/delete", web.SignedIn, web.Unlimited, h.deletePage),
		h.page(http.MethodPost, "/account/delete", web.SignedIn, web.Guessing, h.delete),
		h.page(http.MethodGet, "/new-password", web.Public, web.Unlimited, h.newPasswordPage),
		h.page(http.MethodPost, "/new-password", web.Public, web.Guessing, h.newPassword),
		h.page(http.MethodGet, "/signed-out", web.Public, web.Unlimited, h.signedOut),
		{
			Method: http.MethodGet, Pattern: h.Mount.BasePath + "/assets/{file}", Guard: web.Public,
			CSRF: web.SafeMethod, Rate: web.Unlimited, Cache: web.Immutable, Handle: h.Hosted.ServeAsset, Fail: web.FailProblem,
		},
	}
	if h.Reports != nil {
		list = append(list, h.Reports.endpoint(h.Mount.BasePath))
	}
	return list
}

// page builds the endpoint of a page: signed-in pages lead to sign-in, posts
// need the token.
func (h *Handler) page(method, path string, guard web.Guard, rate web.Rate, do func(x *mount.Exchange) error) web.Endpoint {
	csrf := web.SafeMethod
	if method == http.MethodPost {
		csrf = web.TokenAndOrigin
	}
	return web.Endpoint{
		Method: method, Pattern: h.Mount.BasePath + path, Guard: guard, CSRF: csrf, Rate: rate, Cache: web.NoStore,
		Fail: h.Hosted.Fail,
		Handle: func(w http.ResponseWriter, r *http.Request) error {
			x, err := h.Mount.Open(w, r)
			if err != nil {
				return err
			}
			if guard == web.SignedIn {
				if _, err := x.Require(); errors.Is(err, auth.CodeSignedOut) {
					return h.askToSignIn(x, path)
				} else if err != nil {
					return err
				}
			}
			if method == http.MethodPost && !x.Verified() {
				return auth.NewError(auth.CodeCSRF, nil)
			}
			return do(x)
		},
	}
}

// askToSignIn leads to the sign-in page and back to the page asked for, in the
// language that was asked for.
func (h *Handler) askToSignIn(x *mount.Exchange, path string) error {
	query := "callbackUrl=" + h.Mount.BasePath + path
	if lang := x.R.URL.Query().Get("lang"); h.Hosted.Speaks(lang) {
		query += "&lang=" + lang
	}
	http.Redirect(x.W, x.R, h.Mount.Base()+"/signin?"+query, http.StatusSeeOther)
	return nil
}

func (h *Handler) url(path string) string { return h.Mount.Base() + path }

// form is what every form of these pages begins with.
func (h *Handler) form(x *mount.Exchange, path string, fields ...pages.Field) pages.Form {
	x.SendCookies()
	return pages.Form{Action: h.url(path), CSRFToken: x.CSRFToken, Fields: fields}
}

// failed puts a refusal beside the form, with its status; what is not the
// person's to mend goes to the error page.
func failed(x *mount.Exchange, f *pages.Form, err error) (status int, rest error) {
	refused := auth.AsError(err)
	if k := refused.Code.Kind(); k == auth.KindInternal {
		return 0, err
	}
	web.FactsFrom(x.R.Context()).Err = err
	web.SetRetryAfter(x.W.Header(), refused)
	f.Problem, f.Wrong = pages.Refused(err), refused.Field
	if refused.Code == auth.CodeIdentifierTaken {
		f.Wrong = "identifier"
	}
	return web.Status(err), nil
}

// goOn leads to the next address, with the cookies that are pending.
func goOn(x *mount.Exchange, location string) error {
	x.SendCookies()
	http.Redirect(x.W, x.R, location, http.StatusSeeOther)
	return nil
}
