package token

import (
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/jwt"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// Audience is a service that access tokens are for.
type Audience struct {
	// ID is what the tokens say in aud, and what is asked for. Empty is the
	// issuer itself.
	ID string
	// Algorithm signs its tokens: one of jwt.Own, or jwt.HS256 with Secret.
	Algorithm jwt.Algorithm
	// Secret is shared with the service. Whoever has it can make such tokens, so
	// Gatehouse never takes one for a proof.
	Secret auth.Secret
	// Lifetime is how long an access token lives.
	Lifetime time.Duration
	// Scopes are those that may be asked for, beside offline_access.
	Scopes []string
	// Claims say what else is in the tokens; nil is the roles alone.
	Claims []Claim
	// Own: Gatehouse's own guards take these tokens.
	Own bool
}

// Shared says whether the tokens are signed with a secret that the service has.
func (a Audience) Shared() bool { return a.Algorithm == jwt.HS256 }

// Client is a program that asks for tokens, as the configuration lists it.
type Client struct {
	ID string
	// SecretHash is the SHA-256 of its secret in hexadecimal digits
	// (seal.HashSecret). Empty is a public client, which cannot keep one.
	SecretHash string
	// Audiences are those it may have tokens for, and may ask about.
	Audiences []string
	// MayIntrospect: it may ask whether tokens are good.
	MayIntrospect bool
}

// FirstParty is the client_id of tokens that were asked for without one: by the
// application itself, whose pages the person signed in at.
const FirstParty = "first-party"

// OfflineAccess is the scope whose family outlives the session.
const OfflineAccess = "offline_access"

// Public says whether the client has no secret to show.
func (c Client) Public() bool { return c.SecretHash == "" }

// firstParty says whether it is nobody in the list.
func (c Client) firstParty() bool { return c.ID == "" }

// may says whether the client may have tokens for the audience.
func (c Client) may(audience string) bool {
	return c.firstParty() || slices.Contains(c.Audiences, audience)
}

// name is the client_id of its tokens.
func (c Client) name() string {
	if c.firstParty() {
		return FirstParty
	}
	return c.ID
}

// Authenticate returns the client that the caller says to be: with its secret,
// or without one when it is public. An empty ID without a secret is the
// application itself. Code: invalid_client, whatever is wrong.
func (r *Room) Authenticate(id string, secret auth.Secret) (Client, error) {
	if id == "" && secret == "" || id == FirstParty && secret == "" {
		return Client{}, nil
	}
	c, known := r.client(id)
	hash := c.SecretHash
	if hash == "" {
		hash = nobodysHash // as much work for clients that are none
	}
	right := seal.EqualHash(hash, secret.Reveal())
	switch {
	case known && !c.Public() && right:
		return c, nil
	case known && c.Public() && secret == "":
		return c, nil
	}
	return Client{}, auth.NewError(auth.CodeInvalidClient, nil)
}

// nobodysHash is that of no text: it has the length of a hash.
var nobodysHash = strings.Repeat("-", 64)

func (r *Room) client(id string) (Client, bool) {
	for _, c := range r.Clients {
		if c.ID == id && id != "" {
			return c, true
		}
	}
	return Client{}, false
}

// clientOf is the client that a family belongs to.
func (r *Room) clientOf(f auth.Family) (Client, bool) {
	if f.ClientID == "" {
		return Client{}, true
	}
	return r.client(f.ClientID)
}

// ScopeNames are all scopes that may be asked for, of any audience.
func (r *Room) ScopeNames() []string {
	names := []string{OfflineAccess}
	for _, a := range r.Audiences {
		for _, s := range a.Scopes {
			if !slices.Contains(names, s) {
				names = append(names, s)
			}
		}
	}
	return names
}
