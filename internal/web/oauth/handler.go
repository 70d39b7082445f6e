package oauth

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/signin"
	"github.com/gatehouse-auth/gatehouse/internal/token"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

// Handler answers for the tokens of one mount. Its members are set once, before
// use.
type Handler struct {
	Mount  *mount.Mount
	SignIn *signin.Room
	Tokens *token.Issuer
	// JWKS is the set of public keys as it is now (RFC 7517 §5), and how long
	// anybody may keep it. Code: unavailable.
	JWKS func() ([]byte, time.Duration, error)
}

// Endpoints are the fixed list, each with its answer to other methods.
func (h *Handler) Endpoints() []web.Endpoint {
	base := h.Mount.BasePath
	metadata := h.metadata()
	var all []web.Endpoint
	for _, e := range []web.Endpoint{
		{Pattern: base + "/token", Guard: web.Public, CSRF: web.JSONAndOrigin, Rate: web.Guessing, Handle: h.token, Fail: h.failToken},
		{Pattern: base + "/refresh", Guard: web.Public, CSRF: web.NoCookie, Rate: web.Issuing, Handle: h.refresh, Fail: h.fail},
		{Pattern: base + "/revoke", Guard: web.Public, CSRF: web.NoCookie, Rate: web.Issuing, Handle: h.revoke, Fail: h.fail},
		{Pattern: base + "/introspect", Guard: web.ClientOnly, CSRF: web.NoCookie, Rate: web.Unlimited, Handle: h.introspect, Fail: h.fail},
	} {
		e.Method, e.Cache = http.MethodPost, web.NoStore
		all = append(all, e, others(e, http.MethodPost))
	}
	for _, p := range []struct {
		pattern  string
		document func() ([]byte, time.Duration, error)
	}{
		{base + "/.well-known/jwks.json", h.JWKS},
		{base + "/.well-known/oauth-authorization-server", metadata},
		{base + "/.well-known/openid-configuration", metadata},
		{"/.well-known/oauth-authorization-server" + base, metadata}, // RFC 8414 §3.1
	} {
		e := web.Endpoint{
			Method: http.MethodGet, Pattern: p.pattern, Guard: web.Public, CSRF: web.SafeMethod, Rate: web.Unlimited,
			Cache: web.Published, Handle: publish(p.document), Fail: web.FailProblem,
		}
		all = append(all, e, others(e, http.MethodGet, http.MethodHead))
	}
	return all
}

// others answers every method that e does not take.
func others(e web.Endpoint, allowed ...string) web.Endpoint {
	return web.Endpoint{
		Method: "*", Pattern: e.Pattern, Guard: web.Public, CSRF: web.SafeMethod, Rate: web.Unlimited, Cache: web.NoStore,
		Handle: web.MethodNotAllowed(allowed...), Fail: e.Fail,
	}
}

// answer is what a client gets. RFC 6749 §5.1; Token is Access again, under the
// name that sign-in endpoints written by hand give it.
type answer struct {
	TokenType string `json:"token_type"`
	Access    string `json:"access_token"`
	ExpiresIn int64  `json:"expires_in"`
	Refresh   string `json:"refresh_token,omitempty"`
	Scope     string `json:"scope"`
	Token     string `json:"token"`
}

func hand(w http.ResponseWriter, r *http.Request, g token.Grant) error {
	facts := web.FactsFrom(r.Context())
	facts.UserID, facts.SessionID = g.UserID, g.SessionID
	return web.WriteJSON(w, http.StatusOK, answer{
		TokenType: "Bearer", Access: g.Access, ExpiresIn: int64(g.ExpiresIn / time.Second), Refresh: g.Refresh.Reveal(),
		Scope: strings.Join(g.Scopes, " "), Token: g.Access,
	})
}

// token hands out tokens for identifier and password, or for the session whose
// cookie the request brings. No cookie is set, and with a password none is read
// but the one by which accounts know a browser.
func (h *Handler) token(w http.ResponseWriter, r *http.Request) error {
	if web.ForeignRequest(r, h.Mount.Origin()) {
		return auth.NewError(auth.CodeCSRF, nil)
	}
	var in struct {
		Identifier string `json:"identifier"`
		Email      string `json:"email"`
		Username   string `json:"username"`
		Password   string `json:"password"`
		Audience   string `json:"audience"`
		Scope      string `json:"scope"`
		ClientID   string `json:"client_id"`
		Secret     string `json:"client_secret"`
		Refresh    *bool  `json:"refresh"`
	}
	if err := web.DecodeJSON(w, r, &in); err != nil {
		return err
	}
	client, err := h.client(r, in.ClientID, in.Secret)
	if err != nil {
		return err
	}
	plan, err := h.Tokens.Plan(token.Demand{
		Client: client, Audience: in.Audience, Scope: in.Scope, WithoutRefresh: in.Refresh != nil && !*in.Refresh,
	})
	if err != nil {
		return err
	}
	typed := cmp.Or(in.Identifier, in.Email, in.Username)
	switch {
	case typed == "" && in.Password == "":
		return h.forSession(w, r, plan)
	case typed == "":
		return &auth.Error{Code: auth.CodeInvalidRequest, Field: "identifier", Message: "Give an identifier, an email or a username."}
	case in.Password == "":
		return &auth.Error{Code: auth.CodeInvalidRequest, Field: "password", Message: "Give a password."}
	}
	return h.forPassword(w, r, plan, typed, auth.Secret(in.Password))
}

// forPassword signs in. The session that begins has a row, so that it is listed
// and can be ended, and no cookie.
func (h *Handler) forPassword(w http.ResponseWriter, r *http.Request, plan token.Plan, typed string, password auth.Secret) error {
	start := &token.Start{Plan: plan}
	from := h.Mount.Bare(w, r).Browser(nil)
	from.Elsewhere, from.Within, from.TokensOnly = nil, start.Within, true
	outcome, err := h.SignIn.Password(r.Context(), typed, password, from)
	if err != nil {
		return err
	}
	if !outcome.Done() {
		return &auth.Error{Code: auth.CodePasswordChangeNeeded, Message: "Sign in at " + h.Mount.Base() + "/signin and choose a new password first."}
	}
	grant, err := start.Issue(r.Context())
	if err != nil {
		return err
	}
	return hand(w, r, grant)
}

func (h *Handler) forSession(w http.ResponseWriter, r *http.Request, plan token.Plan) error {
	s, err := h.Mount.Bare(w, r).Require()
	if err != nil {
		return err
	}
	grant, err := plan.FromSession(r.Context(), s.SessionID(), s.Epoch)
	if err != nil {
		return err
	}
	return hand(w, r, grant)
}

// refresh exchanges a refresh token. RFC 6749 §6; grant_type may be left out.
func (h *Handler) refresh(w http.ResponseWriter, r *http.Request) error {
	in, err := read(w, r)
	if err != nil {
		return err
	}
	if in.GrantType != "" && in.GrantType != "refresh_token" {
		return errGrantType
	}
	if in.Refresh == "" {
		return missing("refresh_token")
	}
	client, err := h.client(r, in.ClientID, in.Secret)
	if err != nil {
		return err
	}
	grant, err := h.Tokens.Refresh(r.Context(), auth.Secret(in.Refresh), client, web.FactsFrom(r.Context()).Device)
	if err != nil {
		return err
	}
	return hand(w, r, grant)
}

// revoked is the answer to a revocation. Clients of RFC 7009 pass it over: the
// status says all that the standard has to say (§2.2).
type revoked struct {
	// Effective is "everywhere" when every server refuses the token already, and
	// "pending" while one may not have heard: by PendingUntil it has, or refuses
	// whatever it has not heard of.
	Effective    revocation.Effectiveness `json:"effective"`
	PendingUntil *time.Time               `json:"pending_until,omitempty"`
}

// revoke ends what the token belongs to. RFC 7009 §2: what is no token, or none
// any more, needs no revoking and is no error.
func (h *Handler) revoke(w http.ResponseWriter, r *http.Request) error {
	in, err := read(w, r)
	if err != nil {
		return err
	}
	if in.Token == "" {
		return missing("token")
	}
	client, err := h.client(r, in.ClientID, in.Secret)
	if err != nil {
		return err
	}
	effect, err := h.Tokens.Revoke(r.Context(), auth.Secret(in.Token), client, web.FactsFrom(r.Context()).Device)
	if err != nil {
		return err
	}
	out := revoked{Effective: effect.Effective}
	if !effect.Latest.IsZero() {
		latest := effect.Latest.UTC()
		out.PendingUntil = &latest
	}
	return web.WriteJSON(w, http.StatusOK, out)
}

// introspect says whether a token is good now. RFC 7662 §2.
func (h *Handler) introspect(w http.ResponseWriter, r *http.Request) error {
	in, err := read(w, r)
	if err != nil {
		return err
	}
	client, err := h.client(r, in.ClientID, in.Secret)
	if err != nil {
		return err
	}
	if !client.MayIntrospect {
		return auth.NewError(auth.CodeInvalidClient, nil)
	}
	if in.Token == "" {
		return missing("token")
	}
	told, err := h.Tokens.Introspect(r.Context(), auth.Secret(in.Token), client)
	if err != nil {
		return err
	}
	return web.WriteJSON(w, http.StatusOK, told)
}
