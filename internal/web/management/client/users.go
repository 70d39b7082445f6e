package client

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/web/management"
)

// pageSize is how many rows one request asks for.
const pageSize = 200

func asUser(u management.User) auth.User {
	return auth.User{
		ID: u.ID, Email: u.Email, Username: u.Username, Name: u.Name, Image: u.Image, Roles: u.Roles, EmailVerifiedAt: u.EmailVerifiedAt,
		DisabledAt: u.DisabledAt, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt, Version: u.Version,
	}
}

func (c *Client) user(ctx context.Context, q call) (auth.User, error) {
	var u management.User
	err := c.do(ctx, q, &u)
	return asUser(u), err
}

func userPath(id auth.UserID, below string) string {
	return "/users/" + url.PathEscape(string(id)) + below
}

// FindUser returns the user with the ID, address or user name. Code: not_found.
func (c *Client) FindUser(ctx context.Context, ref string) (auth.User, error) {
	if id, err := auth.ParseUserID(ref); err == nil {
		return c.user(ctx, call{method: http.MethodGet, path: userPath(id, "")})
	}
	var page management.Users
	err := c.do(ctx, call{method: http.MethodGet, path: "/users", query: url.Values{"identifier": {ref}}}, &page)
	switch {
	case err != nil:
		return auth.User{}, err
	case len(page.Items) == 0:
		return auth.User{}, auth.NewError(auth.CodeNotFound, errors.New("no user has this identifier"))
	}
	return asUser(page.Items[0]), nil
}

// EachUser calls do with one page after the other, in order of creation.
func (c *Client) EachUser(ctx context.Context, do func([]auth.User) error) error {
	for cursor, more := "", true; more; {
		var page management.Users
		if err := c.do(ctx, call{method: http.MethodGet, path: "/users", query: pageOf(cursor)}, &page); err != nil {
			return err
		}
		users := make([]auth.User, len(page.Items))
		for i, u := range page.Items {
			users[i] = asUser(u)
		}
		if err := do(users); err != nil {
			return err
		}
		cursor, more = page.Next, page.Next != "" && page.Next != cursor
	}
	return nil
}

func pageOf(cursor string) url.Values {
	q := url.Values{"limit": {strconv.Itoa(pageSize)}}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	return q
}

// newUser is management.CreateUser with a password that is written out.
type newUser struct {
	management.CreateUser
	Password string `json:"password,omitempty"`
}

// CreateUser makes a user.
func (c *Client) CreateUser(ctx context.Context, in user.New) (auth.User, error) {
	return c.user(ctx, call{method: http.MethodPost, path: "/users", once: true, body: newUser{management.CreateUser{
		Email: in.Email, Username: in.Username, Name: in.Name, Image: in.Image, Roles: in.Roles, MustChange: in.MustChange, Verified: in.Verified, Disabled: in.Disabled,
	}, in.Password.Reveal()}})
}

// SetRoles replaces the user's roles.
func (c *Client) SetRoles(ctx context.Context, id auth.UserID, roles []string) (auth.User, error) {
	if roles == nil {
		roles = []string{}
	}
	return c.user(ctx, call{method: http.MethodPut, path: userPath(id, "/roles"), version: new(int64), body: management.SetRoles{Roles: roles}})
}

// DisableUser bars the user from signing in.
func (c *Client) DisableUser(ctx context.Context, id auth.UserID) (auth.User, error) {
	return c.user(ctx, call{method: http.MethodPost, path: userPath(id, "/disable"), version: new(int64)})
}

// EnableUser lets the user sign in again.
func (c *Client) EnableUser(ctx context.Context, id auth.UserID) (auth.User, error) {
	return c.user(ctx, call{method: http.MethodPost, path: userPath(id, "/enable"), version: new(int64)})
}

// DeleteUser removes the user.
func (c *Client) DeleteUser(ctx context.Context, id auth.UserID) error {
	return c.do(ctx, call{method: http.MethodDelete, path: userPath(id, ""), version: new(int64)}, nil)
}

// ResetPassword gives the user a password that the server makes.
func (c *Client) ResetPassword(ctx context.Context, id auth.UserID) (auth.Secret, error) {
	var made management.TemporaryPassword
	err := c.do(ctx, call{method: http.MethodPost, path: userPath(id, "/password-reset")}, &made)
	return auth.Secret(made.Password), err
}

// ListSessions returns where the user is signed in.
func (c *Client) ListSessions(ctx context.Context, id auth.UserID) (sessions []auth.Session, apps []auth.Family, err error) {
	var in management.SignedIn
	if err := c.do(ctx, call{method: http.MethodGet, path: userPath(id, "/sessions")}, &in); err != nil {
		return nil, nil, err
	}
	for _, s := range in.Sessions {
		address, _ := netip.ParseAddr(s.Address) // invalid is unknown
		sessions = append(sessions, auth.Session{
			ID: s.ID, UserID: s.UserID, Mount: s.Mount, CreatedAt: s.CreatedAt, LastSeenAt: s.LastSeenAt, AbsoluteEnd: s.AbsoluteEnd,
			Methods: s.Methods, Address: address, UserAgent: s.UserAgent,
		})
	}
	for _, a := range in.Apps {
		apps = append(apps, auth.Family{
			ID: a.ID, UserID: a.UserID, ClientID: a.Client, Audiences: a.Audiences, Scopes: a.Scopes, Mount: a.Mount,
			CreatedAt: a.CreatedAt, RotatedAt: a.LastUsedAt, AbsoluteEnd: a.AbsoluteEnd,
		})
	}
	return sessions, apps, nil
}

// RevokeSessions ends all sessions and apps of the user.
func (c *Client) RevokeSessions(ctx context.Context, id auth.UserID) (session.Revoked, error) {
	return c.revoke(ctx, userPath(id, "/sessions"))
}

// RevokeSession ends one session of the user, or one app.
func (c *Client) RevokeSession(ctx context.Context, id auth.UserID, which string) (session.Revoked, error) {
	kind := "/sessions/"
	if strings.HasPrefix(which, "fam_") {
		kind = "/apps/"
	}
	return c.revoke(ctx, userPath(id, kind+url.PathEscape(which)))
}

// revoke knows how many ended, not which.
func (c *Client) revoke(ctx context.Context, path string) (session.Revoked, error) {
	var done management.Revoked
	if err := c.do(ctx, call{method: http.MethodDelete, path: path}, &done); err != nil {
		return session.Revoked{}, err
	}
	return session.Revoked{
		Sessions: make([]auth.SessionID, bounded(done.Ended)), Apps: make([]auth.FamilyID, bounded(done.EndedApps)), Effect: effect(done.Effective, done.PendingUntil),
	}, nil
}

// bounded keeps a number that somebody else says from becoming memory.
func bounded(n int) int { return max(0, min(n, 1_000_000)) }

func effect(e revocation.Effectiveness, until time.Time) revocation.Effect {
	return revocation.Effect{Effective: e, Latest: until}
}

// Accounts returns what the user is called elsewhere.
func (c *Client) Accounts(ctx context.Context, id auth.UserID) (list []auth.OldID, err error) {
	var found management.Accounts
	if err := c.do(ctx, call{method: http.MethodGet, path: userPath(id, "/accounts")}, &found); err != nil {
		return nil, err
	}
	for _, a := range found.Items {
		list = append(list, auth.OldID{Mount: a.Mount, Value: a.ID, Main: a.Main})
	}
	return list, nil
}
