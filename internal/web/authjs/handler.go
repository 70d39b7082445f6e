package authjs

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/signin"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
	"github.com/gatehouse-auth/gatehouse/internal/web/pages"
)

// Authenticator judges what was filled into the credentials form. *signin.Room
// is the one of the product.
type Authenticator interface {
	Password(ctx context.Context, typed string, pw auth.Secret, b signin.Browser) (signin.Outcome, error)
}

// Profiles changes what users may change about themselves. *user.Room is the
// one of the product.
type Profiles interface {
	UpdateProfile(ctx context.Context, who auth.Principal, p user.Profile) (auth.User, error)
	// MayUpdate counts one more change of something that only the session holds.
	MayUpdate(ctx context.Context, who auth.Principal) error
}

// AppPages are the application's own pages, as the Auth.js option "pages"
// names them; empty means the hosted page.
type AppPages struct{ SignIn, SignOut, Error, VerifyRequest string }

// Options are what a Handler needs.
type Options struct {
	Mount  *mount.Mount
	SignIn Authenticator
	// Profiles may be nil: then update() changes nothing but what a hook does.
	Profiles Profiles
	// UpdateFields are the members that update() may change.
	UpdateFields []string
	// UpdateClaims are the members that update() may put into the session, and no
	// table has. None of them is a claim that means something to somebody.
	UpdateClaims []string
	Hosted       *pages.Set
	Pages        AppPages
	// Provider is the credentials provider's ID and Name its display name.
	Provider, Name string
	// Fields are the inputs of the hosted sign-in form.
	Fields []pages.Field
	// Register is the address of the hosted sign-up page; empty when closed.
	Register string
	// Mark puts an input into the hosted forms by which they are known again, so
	// that a refused try is answered with the form and what was typed. The
	// library's forms have none.
	Mark  bool
	Hooks Hooks
}

// Hooks are the places where a program may take part, as the Auth.js callbacks
// do. Each may be nil.
type Hooks struct {
	// SignIn is asked when the credentials are right, before a session begins:
	// the signIn callback. A non-empty redirect sends the browser there
	// instead; an error, and allow being false, refuse.
	SignIn func(ctx context.Context, u auth.User) (allow bool, redirect string, err error)
	// Claims may alter the readable claims before they are sealed: the jwt
	// callback. data is what update() sent. False ends the session in v5.
	Claims func(trigger Trigger, c *session.Claims, data json.RawMessage) (keep bool)
	// User adds further members to the session's user: the session callback.
	User func(s *session.Checked, user *Members)
	// Members is User for what may take time or fail, and adds beside user and
	// expires too. An error is the answer; the cookie is renewed all the same.
	Members func(ctx context.Context, s *session.Checked, user, beside *Members) error
}

// Trigger says why claims are sealed.
type Trigger string

// The Triggers.
const (
	TriggerSignIn Trigger = "signIn"
	TriggerUpdate Trigger = "update"
	TriggerRead   Trigger = ""
)

// Handler answers the protocol on one mount.
type Handler struct {
	Options
	dialect dialect
}

// New returns a Handler.
func New(o Options) *Handler {
	h := &Handler{Options: o}
	if o.Mount.Dialect == seal.V5 {
		h.dialect = v5{h}
	} else {
		h.dialect = v4{h}
	}
	return h
}

// Endpoints are the addresses of the protocol below the mount's base path. All
// that no other endpoint takes there is answered as an unknown action.
func (h *Handler) Endpoints() []web.Endpoint {
	list := []web.Endpoint{
		h.get("/providers", h.providers),
		h.get("/csrf", h.csrf),
		h.get("/session", h.session),
		h.post("/session", web.Unlimited, h.update),
		h.get("/signin", h.signInPage),
		h.get("/signin/{provider}", h.signInPage),
		h.post("/signin", web.Unlimited, h.signInStart),
		h.post("/signin/{provider}", web.Unlimited, h.signInStart),
		h.get("/callback/{provider}", h.callbackByGet),
		h.post("/callback/{provider}", web.Guessing, h.callback),
		h.get("/signout", h.signOutPage),
		h.post("/signout", web.Unlimited, h.signOut),
		h.get("/error", h.errorPage),
		h.get("/verify-request", h.verifyRequest),
	}
	list = append(list, h.dialect.endpoints()...)
	for _, rest := range []string{"", "/"} {
		list = append(list, web.Endpoint{
			Method: "*", Pattern: h.Mount.BasePath + rest, Guard: web.Public, CSRF: web.NoEffect, Rate: web.Unlimited,
			Cache: web.NoStore, Handle: h.unknown, Fail: h.fail,
		})
	}
	return list
}

func (h *Handler) get(path string, do func(x *mount.Exchange) error) web.Endpoint {
	return h.endpoint(http.MethodGet, path, web.SafeMethod, web.Unlimited, do)
}

func (h *Handler) post(path string, rate web.Rate, do func(x *mount.Exchange) error) web.Endpoint {
	return h.endpoint(http.MethodPost, path, web.TokenAndOrigin, rate, do)
}

func (h *Handler) endpoint(method, path string, csrf web.CSRF, rate web.Rate, do func(x *mount.Exchange) error) web.Endpoint {
	return web.Endpoint{
		Method: method, Pattern: h.Mount.BasePath + path, Guard: web.Public, CSRF: csrf, Rate: rate, Cache: web.NoStore,
		Fail: h.fail,
		Handle: func(w http.ResponseWriter, r *http.Request) error {
			if r.Method != method { // the mux gives HEAD to GET; the protocol has no HEAD
				return h.unknown(w, r)
			}
			x, err := h.Mount.Open(w, r)
			if err != nil {
				return err
			}
			return do(x)
		},
	}
}

// unknown answers what the protocol does not have: people with a page, and
// everybody else as the dialect does.
func (h *Handler) unknown(w http.ResponseWriter, r *http.Request) error {
	if web.Navigates(r) && !h.known(r) {
		return auth.NewError(auth.CodeNotFound, nil)
	}
	h.dialect.unknown(w, r)
	return nil
}

// known says whether the address is one of the protocol's actions, whose answer
// to a wrong method or provider is part of the protocol.
func (h *Handler) known(r *http.Request) bool {
	switch h.Mount.Action(r) {
	case "providers", "csrf", "session", "signin", "callback", "signout", "error", "verify-request":
		return true
	}
	return false
}

// base is the absolute address of the mount.
func (h *Handler) base() string { return h.Mount.Base() }
