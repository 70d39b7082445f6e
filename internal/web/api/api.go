package api

import (
	"cmp"
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
)

// Handler answers the JSON endpoints of one mount. Its members are set once,
// before use.
type Handler struct {
	Mount        *mount.Mount
	SignIn       *signin.Room
	Registration *registration.Room
	Users        *user.Room
	Sessions     *session.Room
	Setup        *setup.Room
}

// Endpoints are the fixed list, each with its answer to other methods.
func (h *Handler) Endpoints() []web.Endpoint {
	var list []web.Endpoint
	for _, e := range []struct {
		name  string
		guard web.Guard
		rate  web.Rate
		do    func(w http.ResponseWriter, r *http.Request) error
	}{
		{"register", web.Public, web.Registering, h.register},
		{"create-admin", web.Public, web.SettingUp, h.createAdmin},
		{"login", web.Public, web.Guessing, h.login},
		{"logout", web.Public, web.Unlimited, h.logout},
		{"change-password", web.SignedIn, web.Guessing, h.changePassword},
		{"delete-account", web.SignedIn, web.Guessing, h.deleteAccount},
		{"sessions/revoke", web.SignedIn, web.Guessing, h.revokeSession},
		{"sessions/revoke-others", web.SignedIn, web.Guessing, h.revokeOthers},
		{"sessions/revoke-all", web.SignedIn, web.Unlimited, h.revokeAll},
	} {
		pattern := h.Mount.BasePath + "/" + e.name
		list = append(list, web.Endpoint{
			Method: http.MethodPost, Pattern: pattern, Guard: e.guard, CSRF: web.JSONAndOrigin, Rate: e.rate,
			Cache: web.NoStore, Handle: h.ownPagesOnly(e.do), Fail: h.Mount.FailProblem,
		}, web.Endpoint{
			Method: "*", Pattern: pattern, Guard: web.Public, CSRF: web.SafeMethod, Rate: web.Unlimited,
			Cache: web.NoStore, Handle: h.postOnly(e.name), Fail: web.FailProblem,
		})
	}
	pattern := h.Mount.BasePath + "/sessions"
	return append(list, web.Endpoint{
		Method: http.MethodGet, Pattern: pattern, Guard: web.SignedIn, CSRF: web.SafeMethod, Rate: web.Unlimited,
		Cache: web.NoStore, Handle: h.sessions, Fail: h.Mount.FailProblem,
	}, web.Endpoint{
		Method: "*", Pattern: pattern, Guard: web.Public, CSRF: web.SafeMethod, Rate: web.Unlimited,
		Cache: web.NoStore, Handle: web.MethodNotAllowed(http.MethodGet, http.MethodHead), Fail: web.FailProblem,
	})
}

// pageFor are the endpoints that have a page of their own for people.
var pageFor = map[string]string{"register": "/signup", "create-admin": "/setup"}

// postOnly refuses every method but POST. Somebody who opens the address of
// registration in a browser is led to the page where people register, and
// likewise for the first administrator.
func (h *Handler) postOnly(name string) web.HandlerFunc {
	refuse := web.MethodNotAllowed(http.MethodPost)
	page := pageFor[name]
	if page == "" {
		return refuse
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		if (r.Method != http.MethodGet && r.Method != http.MethodHead) || !web.Navigates(r) {
			return refuse(w, r)
		}
		http.Redirect(w, r, h.Mount.Base()+page, http.StatusSeeOther)
		return nil
	}
}

// ownPagesOnly refuses what a browser says comes from elsewhere.
func (h *Handler) ownPagesOnly(next web.HandlerFunc) web.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		if web.ForeignRequest(r, h.Mount.Origin()) {
			return auth.NewError(auth.CodeCSRF, nil)
		}
		return next(w, r)
	}
}

// User is how users see themselves in answers. Members that are not known are
// left out.
type User struct {
	// ID is the one that the application knows the user by: an old ID for those
	// who were imported with one.
	ID       string   `json:"id"`
	Email    string   `json:"email,omitempty"`
	Username string   `json:"username,omitempty"`
	Name     string   `json:"name,omitempty"`
	Image    string   `json:"image,omitempty"`
	Roles    []string `json:"roles"`
}

func shown(u auth.User) User {
	roles := u.Roles
	if roles == nil {
		roles = []string{}
	}
	return User{ID: string(u.ID), Email: u.Email, Username: u.Username, Name: u.Name, Image: u.Image, Roles: roles}
}

// answer is what every good answer says.
type answer struct {
	Success bool  `json:"success"`
	User    *User `json:"user,omitempty"`
	// Expires is the end of the session, when one began.
	Expires *time.Time `json:"expires,omitempty"`
}

// register makes an account. It does not sign in: the client does that next.
func (h *Handler) register(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Identifier     string `json:"identifier"`
		Email          string `json:"email"`
		Username       string `json:"username"`
		Name           string `json:"name"`
		Password       string `json:"password"`
		InvitationCode string `json:"invitationCode"`
	}
	if err := web.DecodeJSON(w, r, &in); err != nil {
		return err
	}
	u, err := h.Registration.Register(r.Context(), registration.Request{
		Identifier: in.Identifier, Email: in.Email, Username: in.Username, Name: in.Name,
		Password: auth.Secret(in.Password), Invitation: auth.Secret(in.InvitationCode),
	}, web.FactsFrom(r.Context()).Device)
	if err != nil {
		return err
	}
	user := shown(u)
	return web.WriteJSON(w, http.StatusCreated, answer{Success: true, User: &user})
}

// createAdmin makes the first administrator of an installation that has none,
// once, for whoever holds a setup token. It does not sign in.
func (h *Handler) createAdmin(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		SetupToken string `json:"setupToken"`
		Identifier string `json:"identifier"`
		Name       string `json:"name"`
		Password   string `json:"password"`
	}
	if err := web.DecodeJSON(w, r, &in); err != nil {
		return err
	}
	u, err := h.Setup.Redeem(r.Context(), setup.Request{
		Token: auth.Secret(in.SetupToken), Identifier: in.Identifier, Name: in.Name, Password: auth.Secret(in.Password),
	}, web.FactsFrom(r.Context()).Device)
	if err != nil {
		return err
	}
	user := shown(u)
	return web.WriteJSON(w, http.StatusCreated, answer{Success: true, User: &user})
}

// login signs in with identifier (or email, or username) and password.
func (h *Handler) login(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Identifier string `json:"identifier"`
		Email      string `json:"email"`
		Username   string `json:"username"`
		Password   string `json:"password"`
	}
	if err := web.DecodeJSON(w, r, &in); err != nil {
		return err
	}
	typed := cmp.Or(in.Identifier, in.Email, in.Username)
	if typed == "" {
		return &auth.Error{Code: auth.CodeInvalidRequest, Field: "identifier", Message: "Give an identifier, an email or a username."}
	}
	if in.Password == "" {
		return &auth.Error{Code: auth.CodeInvalidRequest, Field: "password", Message: "Give a password."}
	}
	x := h.Mount.Bare(w, r)
	current, err := x.Session()
	if err != nil {
		return err
	}
	outcome, err := h.SignIn.Password(r.Context(), typed, auth.Secret(in.Password), x.Browser(current))
	if err != nil {
		return err
	}
	if !outcome.Done() {
		x.KeepAttempt(outcome.Continue)
		x.SendCookies()
		return &auth.Error{Code: auth.CodePasswordChangeNeeded, Message: "Choose a new password at " + h.Mount.Base() + "/new-password first."}
	}
	x.Begin(outcome)
	x.SendCookies()
	user := shown(outcome.User)
	user.ID = outcome.Session.Subject()
	return web.WriteJSON(w, http.StatusOK, answer{Success: true, User: &user, Expires: &outcome.Token.Expires})
}

// logout ends the session, for good and everywhere. Nobody being signed in is
// no error. When the end could not be stored the cookie goes all the same.
func (h *Handler) logout(w http.ResponseWriter, r *http.Request) error {
	if err := h.provesOwn(w, r); err != nil {
		return err
	}
	x := h.Mount.Bare(w, r)
	err := x.SignOut()
	x.SendCookies()
	if err != nil {
		return err
	}
	return web.WriteJSON(w, http.StatusOK, answer{Success: true})
}

// provesOwn is the proof of an endpoint whose body says nothing: a JSON content
// type, or a browser's word that the request is from our own pages.
func (h *Handler) provesOwn(w http.ResponseWriter, r *http.Request) error {
	var nothing struct{}
	switch {
	case r.ContentLength != 0:
		return web.DecodeJSON(w, r, &nothing)
	case web.IsJSON(r), web.OwnRequest(r, h.Mount.Origin()):
		return nil
	}
	return auth.NewError(auth.CodeCSRF, nil)
}

// changePassword asks for the old password and ends all other sessions.
func (h *Handler) changePassword(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		CurrentPassword string `json:"currentPassword"`
		NewPassword     string `json:"newPassword"`
	}
	if err := web.DecodeJSON(w, r, &in); err != nil {
		return err
	}
	x := h.Mount.Bare(w, r)
	s, err := x.Require()
	if err != nil {
		return err
	}
	token, err := h.Users.ChangePassword(r.Context(), x.Sessions, *s, auth.Secret(in.CurrentPassword), auth.Secret(in.NewPassword), x.Device())
	if err != nil {
		return err
	}
	x.KeepSession(token)
	x.SendCookies()
	return web.WriteJSON(w, http.StatusOK, answer{Success: true, Expires: &token.Expires})
}

// confirmed reads a body that holds the caller's password alone, and the session
// that asks. Whether the password is right, the room says.
func (h *Handler) confirmed(w http.ResponseWriter, r *http.Request) (x *mount.Exchange, s *session.Checked, password auth.Secret, err error) {
	var in struct {
		Password string `json:"password"`
	}
	if err := web.DecodeJSON(w, r, &in); err != nil {
		return nil, nil, "", err
	}
	x = h.Mount.Bare(w, r)
	s, err = x.Require()
	return x, s, auth.Secret(in.Password), err
}

// deleteAccount asks for the password and removes the caller's own account.
func (h *Handler) deleteAccount(w http.ResponseWriter, r *http.Request) error {
	x, s, password, err := h.confirmed(w, r)
	if err != nil {
		return err
	}
	if err := h.Users.DeleteOwn(r.Context(), *s, password); err != nil {
		return err
	}
	x.DropSession()
	x.ClearSite()
	x.SendCookies()
	return web.WriteJSON(w, http.StatusOK, answer{Success: true})
}
