package gatehouse

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/web/guard"
)

// Access is what a program reads of Gatehouse in the name of whoever sent a
// request: for a data-access layer, which asks where the data is and relies on no
// middleware in front of it. Each call makes the whole check anew (what was
// revoked, whether a cookie is enough for this request, the needs), so that a
// handler that runs for long hears of a revocation at its next call. Each call is
// a use of an API key, which its rate limit counts.
//
// What it gives is made to be shown: types that hold no hash and no secret. An
// error is a [*Error]; [Access.Refuse] answers with it as Require would.
type Access struct {
	g *Gatehouse
	r *http.Request
}

// Access reads in the name of whoever sent the request. It asks nothing yet.
func (g *Gatehouse) Access(r *http.Request) Access { return Access{g, r} }

// Check says who asks, if they meet all Needs: what [Gatehouse.Require] decides,
// as a value. It does not renew the cookie. Codes: signed_out, session_expired,
// invalid_token, csrf_failed, forbidden, unavailable, and those of Require for a
// credential that is not good. It panics for a zero Need.
func (a Access) Check(ctx context.Context, n ...Need) (Principal, error) {
	c := a.g.guard.Identify(nil, a.r.WithContext(ctx))
	if d := c.Decide(ctx, policyOf("Check", n)); !d.Allowed() {
		return Principal{}, d.Refused
	}
	p, _ := c.Principal()
	return p, nil
}

// Refuse answers the request with an error of this Access, as
// [Gatehouse.Require] does: whoever opens a page and is not signed in is led to
// the sign-in page. An error that is no [*Error] is answered as internal, and is in
// the log.
func (a Access) Refuse(w http.ResponseWriter, err error) {
	c, known := a.g.callerFrom(a.r.Context())
	if !known {
		c = a.g.guard.Identify(w, a.r)
	}
	a.g.refuse(w, a.r, c, guard.Decision{Refused: auth.AsError(err)})
}

// Me is the user who asks. Codes: those of [Access.Check]; not_found for the key
// of a service, which is no user.
func (a Access) Me(ctx context.Context) (Profile, error) {
	p, err := a.Check(ctx)
	if err != nil {
		return Profile{}, err
	}
	return a.profile(ctx, p.UserID)
}

// User is the user of the ID: for the user themselves, and for those who have
// the permission gatehouse.users:read. Codes: those of [Access.Check]; forbidden
// for anybody else, whether there is such a user or not; not_found.
func (a Access) User(ctx context.Context, id UserID) (Profile, error) {
	if _, err := a.mayRead(ctx, id, readUsers); err != nil {
		return Profile{}, err
	}
	return a.profile(ctx, id)
}

// Sessions are the live sessions of the user who asks, the one used last first.
// Codes: as [Access.SessionsOf].
func (a Access) Sessions(ctx context.Context) ([]SessionInfo, error) {
	p, err := a.Check(ctx)
	if err != nil {
		return nil, err
	}
	return a.SessionsOf(ctx, p.UserID)
}

// SessionsOf are the live sessions of a user: for the user themselves, and for
// those who have the permission gatehouse.sessions:read. Codes: those of
// [Access.Check].
func (a Access) SessionsOf(ctx context.Context, id UserID) ([]SessionInfo, error) {
	p, err := a.mayRead(ctx, id, readSessions)
	if err != nil {
		return nil, err
	}
	rows, err := a.g.rooms.sessions.Operator().List(ctx, id)
	if err != nil {
		return nil, err
	}
	list := make([]SessionInfo, len(rows))
	for i, s := range rows {
		list[i] = sessionInfoOf(s, p.SessionID)
	}
	return list, nil
}

// APIKeys are the API keys of the user who asks that have not ended, the oldest
// first. Codes: those of [Access.Check]; forbidden by a credential that its scopes
// narrow, without the permission gatehouse.api-keys:read.
func (a Access) APIKeys(ctx context.Context) ([]APIKeyInfo, error) {
	p, err := a.Check(ctx)
	if err != nil {
		return nil, err
	}
	if p.UserID == "" {
		return nil, auth.NewError(auth.CodeNotFound, errors.New("the key of a service is no user's"))
	}
	if _, err = a.mayRead(ctx, p.UserID, readAPIKeys); err != nil {
		return nil, err
	}
	rows, err := a.g.rooms.apiKeys.List(ctx, store.APIKeyFilter{User: p.UserID}, "", mostListed)
	if err != nil {
		return nil, err
	}
	list, now := []APIKeyInfo{}, a.g.cfg.Now()
	for _, k := range rows {
		if !k.Ended(now) {
			list = append(list, apiKeyInfoOf(k))
		}
	}
	return list, nil
}

// mostListed is more keys than a user can have, ended ones included.
const mostListed = 10_000

// The permissions of Gatehouse's own that see what is other people's.
const (
	readUsers    = "gatehouse.users:read"
	readSessions = "gatehouse.sessions:read"
	readAPIKeys  = "gatehouse.api-keys:read"
)

// mayRead lets a user read what is their own, by a credential that nothing
// narrows, and others by permission.
func (a Access) mayRead(ctx context.Context, of UserID, by string) (Principal, error) {
	p, err := a.Check(ctx)
	if err != nil {
		return p, err
	}
	if of != "" && of == p.UserID && !narrowed(p) {
		return p, nil
	}
	return a.Check(ctx, Permission(by))
}

// narrowed says whether scopes narrow what the credential may do.
func narrowed(p Principal) bool {
	return len(p.NarrowedRoles) > 0 || slices.ContainsFunc(p.Scopes, rbac.IsPattern)
}

func (a Access) profile(ctx context.Context, id UserID) (Profile, error) {
	if _, err := id.UUID(); err != nil {
		return Profile{}, auth.NewError(auth.CodeNotFound, errors.New("no user is called so"))
	}
	u, err := a.g.rooms.users.Find(ctx, string(id))
	if err != nil {
		return Profile{}, err
	}
	return profileOf(u), nil
}
