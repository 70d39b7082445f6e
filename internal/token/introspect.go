package token

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Introspection is what RFC 7662 §2.2 tells of a token. Of one that is not
// active nothing else is told.
type Introspection struct {
	Active    bool     `json:"active"`
	TokenType string   `json:"token_type,omitempty"`
	Scope     string   `json:"scope,omitempty"`
	ClientID  string   `json:"client_id,omitempty"`
	Subject   string   `json:"sub,omitempty"`
	Audience  string   `json:"aud,omitempty"`
	Issuer    string   `json:"iss,omitempty"`
	ID        string   `json:"jti,omitempty"`
	SessionID string   `json:"sid,omitempty"`
	FamilyID  string   `json:"fam,omitempty"`
	IssuedAt  int64    `json:"iat,omitempty"`
	ExpiresAt int64    `json:"exp,omitempty"`
	ProvenAt  int64    `json:"auth_time,omitempty"`
	Roles     []string `json:"roles,omitempty"`
}

// The values of token_type. The first is that of RFC 6749 §7.1; a refresh token
// has none there, and is called as in RFC 7009 §2.1: whoever lets in what is
// active, and asks no further, must be able to tell it from an access token.
const (
	typeAccess  = "Bearer"
	typeRefresh = "refresh_token"
)

// Introspect says whether a token is good now, wherever it ended (RFC 7662).
// The roles are those that the user has now, where tokens for that audience have
// the claim roles: a service that the settings keep them from learns them in no
// other way. A client is told of access tokens for its own audiences alone; of
// refresh tokens, of its own, and of those of the application itself when they are
// for an audience of the client's. A token under a shared secret is not active,
// because whoever asks could have made it. Codes: invalid_client (it may not ask),
// unavailable.
func (i *Issuer) Introspect(ctx context.Context, text auth.Secret, client Client) (Introspection, error) {
	if !client.MayIntrospect {
		return Introspection{}, auth.NewError(auth.CodeInvalidClient, errors.New("the client may not introspect"))
	}
	now := i.now()
	if err := i.fresh(); err != nil {
		return Introspection{}, err
	}
	if strings.HasPrefix(text.Reveal(), "fam_") {
		return i.introspectRefresh(ctx, text, client)
	}
	if len(text.Reveal()) > MaxAccessToken || len(client.Audiences) == 0 {
		return Introspection{}, nil
	}
	a, err := i.verify(text.Reveal(), client.Audiences)
	if err == nil {
		a, err = i.current(ctx, a, now)
	}
	switch {
	case errors.Is(err, auth.CodeInvalidToken):
		return Introspection{}, nil
	case err != nil:
		return Introspection{}, err
	}
	return Introspection{
		Active: true, TokenType: typeAccess, Scope: strings.Join(a.Scopes, " "), ClientID: a.Client, Subject: a.Known,
		Audience: a.Audience[0], Issuer: a.Issuer, ID: a.ID, SessionID: string(a.SessionID()), FamilyID: string(a.FamilyID()),
		IssuedAt: a.IssuedAt, ExpiresAt: a.ExpiresAt, ProvenAt: a.ProvenAt, Roles: i.rolesFor(a.Audience[0], a.Roles),
	}, nil
}

// introspectRefresh tells of a refresh token that could be exchanged now.
func (i *Issuer) introspectRefresh(ctx context.Context, text auth.Secret, client Client) (Introspection, error) {
	t, ok := parseRefreshToken(text.Reveal())
	if !ok {
		return Introspection{}, nil
	}
	f, err := i.Store.Family(ctx, t.family)
	now := i.now()
	switch {
	case isNotFound(err) && i.mayBeUnseen(t.family):
		return Introspection{}, errUnseen
	case isNotFound(err):
		return Introspection{}, nil
	case err != nil:
		return Introspection{}, auth.Unavailable(err)
	case !i.roots.right(f, t) || t.n != f.Generation || f.Mount != i.Mount || !f.EndedAt.IsZero() || i.void(f),
		!now.Before(f.AbsoluteEnd) || now.Sub(f.RotatedAt) >= i.Idle,
		!client.concerns(f):
		return Introspection{}, nil
	}
	u, err := i.Store.User(ctx, f.UserID)
	switch {
	case isNotFound(err):
		return Introspection{}, nil
	case err != nil:
		return Introspection{}, auth.Unavailable(err)
	case u.Disabled() || u.Epoch != f.Epoch:
		return Introspection{}, nil
	}
	p, known := i.planOf(f)
	if !known {
		return Introspection{}, nil
	}
	return Introspection{
		Active: true, TokenType: typeRefresh, Scope: strings.Join(p.scopes, " "), ClientID: p.client.name(), Subject: subjectOf(u, f).Known,
		Audience: i.URL, Issuer: i.URL, // nobody else takes it
		SessionID: string(f.SessionID), FamilyID: string(f.ID),
		IssuedAt: f.CreatedAt.Unix(), ExpiresAt: f.AbsoluteEnd.Unix(), ProvenAt: f.ProvenAt.Unix(), Roles: i.rolesFor(f.Audiences[0], u.Roles),
	}, nil
}

// rolesFor are the roles as the service of the audience may know them.
func (i *Issuer) rolesFor(audience string, roles []string) []string {
	a, known := i.audience(audience)
	if known && slices.ContainsFunc(a.mapping(i.URL), func(c Claim) bool { return c.Name == rolesClaim }) {
		return roles
	}
	return nil
}

// concerns says whether the client may be told of a family.
func (c Client) concerns(f auth.Family) bool {
	if f.ClientID != "" {
		return f.ClientID == c.ID
	}
	return slices.ContainsFunc(f.Audiences, func(a string) bool { return slices.Contains(c.Audiences, a) })
}

// texts reads a JSON array of texts.
func texts(raw []byte) (list []string, ok bool) {
	if json.Unmarshal(raw, &list) != nil {
		return nil, false
	}
	return list, true
}
