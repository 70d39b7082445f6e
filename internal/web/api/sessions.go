package api

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/token"
	"github.com/gatehouse-auth/gatehouse/internal/useragent"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/clientip"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

// Session is how users see one of their sessions. Members that are not known
// are left out. There is nothing in it that could be shown to be let in.
type Session struct {
	ID auth.SessionID `json:"id"`
	// Current marks the one that asks.
	Current bool   `json:"current"`
	Browser string `json:"browser,omitempty"`
	System  string `json:"system,omitempty"`
	// Address is coarse: "203.0.113.x" or "2001:db8:1::/48". Network says of which
	// kind it is: "public", "private" or "loopback".
	Address string           `json:"address,omitempty"`
	Network clientip.Network `json:"network,omitempty"`
	// Mount is the base path that the session belongs to.
	Mount      string    `json:"mount"`
	CreatedAt  time.Time `json:"createdAt"`
	LastSeenAt time.Time `json:"lastSeenAt"`
	// Expires is the end that no use puts off.
	Expires time.Time `json:"expires"`
}

// App is how users see a program that has tokens without a session: it asked for
// offline_access, and goes on when they sign out.
type App struct {
	ID auth.FamilyID `json:"id"`
	// Client is the client_id of its tokens; "first-party" is the application
	// itself.
	Client   string   `json:"client"`
	Audience string   `json:"audience,omitempty"`
	Scopes   []string `json:"scopes"`
	// Mount is the base path that it belongs to.
	Mount      string    `json:"mount"`
	CreatedAt  time.Time `json:"createdAt"`
	LastUsedAt time.Time `json:"lastUsedAt"`
	// Expires is the end that no use puts off.
	Expires time.Time `json:"expires"`
}

func shownApp(f auth.Family) App {
	a := App{
		ID: f.ID, Client: cmp.Or(f.ClientID, token.FirstParty), Scopes: f.Scopes, Mount: f.Mount,
		CreatedAt: f.CreatedAt, LastUsedAt: f.RotatedAt, Expires: f.AbsoluteEnd,
	}
	if len(f.Audiences) > 0 {
		a.Audience = f.Audiences[0]
	}
	if a.Scopes == nil {
		a.Scopes = []string{}
	}
	return a
}

func shownSession(s auth.Session, current auth.SessionID) Session {
	agent := useragent.Parse(s.UserAgent)
	out := Session{
		ID: s.ID, Current: s.ID == current, Browser: agent.Browser, System: agent.System, Mount: s.Mount,
		CreatedAt: s.CreatedAt, LastSeenAt: s.LastSeenAt, Expires: s.AbsoluteEnd,
	}
	out.Address, out.Network = clientip.Coarse(s.Address)
	return out
}

// sessions lists the caller's live sessions and apps, each the one used last
// first.
func (h *Handler) sessions(w http.ResponseWriter, r *http.Request) error {
	s, err := h.Mount.Bare(w, r).Require()
	if err != nil {
		return err
	}
	list, err := h.Sessions.List(r.Context(), s.Principal())
	if err != nil {
		return err
	}
	apps, err := h.Sessions.Apps(r.Context(), s.Principal())
	if err != nil {
		return err
	}
	out := struct {
		Sessions []Session `json:"sessions"`
		Apps     []App     `json:"apps"`
	}{make([]Session, 0, len(list)), make([]App, 0, len(apps))}
	for _, row := range list {
		out.Sessions = append(out.Sessions, shownSession(row, s.SessionID()))
	}
	for _, f := range apps {
		out.Apps = append(out.Apps, shownApp(f))
	}
	return web.WriteJSON(w, http.StatusOK, out)
}

// revoked is the answer to a revocation.
type revoked struct {
	Success bool `json:"success"`
	// Ended is how many sessions ended now.
	Ended int `json:"ended"`
	// EndedApps is how many apps ended now, with their session or without.
	EndedApps int `json:"endedApps,omitempty"`
	// Effective is "everywhere" when every server refuses them already, and
	// "pending" while one may not have heard: by PendingUntil it has, or refuses
	// whatever it has not heard of.
	Effective    revocation.Effectiveness `json:"effective"`
	PendingUntil *time.Time               `json:"pendingUntil,omitempty"`
}

func writeRevoked(w http.ResponseWriter, done session.Revoked) error {
	out := revoked{Success: true, Ended: len(done.Sessions), EndedApps: len(done.Apps), Effective: done.Effective}
	if !done.Latest.IsZero() {
		latest := done.Latest.UTC()
		out.PendingUntil = &latest
	}
	return web.WriteJSON(w, http.StatusOK, out)
}

// revokeSession ends one session or app of the caller, as its ID says. When it is
// the session that asks, its cookie goes.
func (h *Handler) revokeSession(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		ID       string `json:"id"`
		Password string `json:"password"`
	}
	if err := web.DecodeJSON(w, r, &in); err != nil {
		return err
	}
	if in.ID == "" {
		return &auth.Error{Code: auth.CodeInvalidRequest, Field: "id", Message: "Give the id of a session or an app."}
	}
	x := h.Mount.Bare(w, r)
	s, err := x.Require()
	if err != nil {
		return err
	}
	if strings.HasPrefix(in.ID, "fam_") {
		done, err := h.Users.RevokeApp(r.Context(), *s, auth.Secret(in.Password), auth.FamilyID(in.ID), x.Device())
		if err != nil {
			return err
		}
		return writeRevoked(w, done)
	}
	done, err := h.Users.RevokeSession(r.Context(), *s, auth.Secret(in.Password), auth.SessionID(in.ID), x.Device())
	if err != nil {
		return err
	}
	if auth.SessionID(in.ID) == s.SessionID() {
		leave(x)
	}
	return writeRevoked(w, done)
}

// revokeOthers ends every session and app of the caller but the session that asks.
func (h *Handler) revokeOthers(w http.ResponseWriter, r *http.Request) error {
	x, s, password, err := h.confirmed(w, r)
	if err != nil {
		return err
	}
	done, err := h.Users.RevokeOtherSessions(r.Context(), *s, password, x.Device())
	if err != nil {
		return err
	}
	return writeRevoked(w, done)
}

// revokeAll ends every session and app of the caller, the one that asks too: whoever
// does it gains nothing by it, so it takes the cookie alone.
func (h *Handler) revokeAll(w http.ResponseWriter, r *http.Request) error {
	if err := h.provesOwn(w, r); err != nil {
		return err
	}
	x := h.Mount.Bare(w, r)
	s, err := x.Require()
	if err != nil {
		return err
	}
	done, err := h.Sessions.RevokeAll(r.Context(), s.Principal(), x.Device())
	if err != nil {
		return err
	}
	x.DropSessionsOf(s.UserID())
	x.ClearSite()
	x.SendCookies()
	return writeRevoked(w, done)
}

// leave makes the browser forget the session that has just ended.
func leave(x *mount.Exchange) {
	x.DropSession()
	x.ClearSite()
	x.SendCookies()
}
