package gatehouse

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/jwt"
	"github.com/gatehouse-auth/gatehouse/internal/token"
)

// Tokens says whom access tokens are for, what is in them, who may ask for them
// and how long they live. Without any of it there are tokens for Gatehouse's own
// guards, whose audience is the issuer: PublicOrigin and the mount's BasePath.
type Tokens struct {
	// Audiences are the services that access tokens are for. The first is whom
	// they are for when nobody is named. Default: none but Gatehouse itself.
	Audiences []Audience `conf:"audiences"`
	// Clients are the programs that ask for tokens by a name, and those that ask
	// about tokens. The pages of the application need none. Default: none.
	Clients []Client `conf:"clients"`
	// AccessLifetime is how long an access token lives, where its audience says
	// nothing else. Verifiers that do not ask Gatehouse take it so long after a
	// revocation. Default: 15 minutes; 24 hours at most.
	AccessLifetime time.Duration `conf:"access_lifetime"`
	// RefreshMaxAge ends a family of refresh tokens that was not used for so
	// long. Default: 30 days, or RefreshLifetime where that is shorter.
	RefreshMaxAge time.Duration `conf:"refresh_max_age"`
	// RefreshLifetime ends a family of refresh tokens however much it is used;
	// without offline_access it ends with its session at the latest. Changing it
	// does not touch families already born. Default: 90 days; 400 at most.
	RefreshLifetime time.Duration `conf:"refresh_lifetime"`
}

// Audience is a service that access tokens are for.
type Audience struct {
	// ID is what tokens for it say in the claim aud, and what it is asked for by:
	// an address, mostly, as https://api.example. Required.
	ID string `conf:"id"`
	// Algorithm signs its tokens: "ES256", "RS256" or "EdDSA", which it verifies
	// by the published keys, or "HS256", which it verifies by Secret. Default:
	// "ES256", or "HS256" where Secret is given.
	Algorithm string `conf:"algorithm"`
	// Secret is shared with the service for HS256, as in jwt.verify(token, secret).
	// It has at least 32 characters and serves nothing else. Whoever has it can
	// make such tokens, so Gatehouse never takes one for a proof. Default: none.
	Secret auth.Secret `conf:"secret"`
	// Lifetime is how long its access tokens live. Default: AccessLifetime.
	Lifetime time.Duration `conf:"lifetime"`
	// Scopes are those that may be asked for, beside offline_access. Default:
	// none.
	Scopes []string `conf:"scopes"`
	// Claims are put into its tokens. Default: the roles, as the claim roles.
	Claims []Claim `conf:"claims"`
	// Own says that Authenticate and Require take its tokens too. Default: false.
	Own bool `conf:"own"`
}

// Claim puts one claim into access tokens. Claims that say who, for whom and
// until when are Gatehouse's own and refused here.
type Claim struct {
	// Name is the claim's: "email", or an address as
	// https://app.example/tenant. Required.
	Name string `conf:"name"`
	// From says what it is made from: "user.id", "user.email",
	// "user.email_verified", "user.username", "user.name", "user.image", "roles",
	// "session.subject", "session.id", "session.signed_in_at",
	// "session.methods". Default: Value alone.
	From string `conf:"from"`
	// Value is a text: that of every token, or, beside From, of those whose user
	// does not have it. Default: none, what a user does not have is left out.
	Value string `conf:"value"`
}

// Client is a program that asks for tokens.
type Client struct {
	// ID is its name, the claim client_id. Required.
	ID string `conf:"id"`
	// SecretHash is the SHA-256 of its secret in 64 hexadecimal digits, as
	// "gatehouse secret client" prints it. A client without one is public: it
	// shows no secret, because it could not keep one. Default: none.
	SecretHash string `conf:"secret_hash"`
	// Audiences are those it may have tokens for, the first when it names none,
	// and those it may ask about. Required: at least one.
	Audiences []string `conf:"audiences"`
	// MayIntrospect says that it may ask whether a token is good (RFC 7662). It
	// needs a SecretHash. Default: false.
	MayIntrospect bool `conf:"may_introspect"`
}

// TokenSubject is what Config.TokenClaims is told of: the user's row as it is
// now, and the sign-in that the token rests on.
type TokenSubject struct {
	// Audience is whom the token is for.
	Audience string
	User     User
	// Subject is the user's ID as the application knows it, the claim sub.
	Subject    string
	SessionID  auth.SessionID
	SignedInAt time.Time
	// Methods are the proofs given, by their RFC 8176 names.
	Methods []string
}

// tokensWithDefaults fills in what was left at zero.
func tokensWithDefaults(t Tokens) Tokens {
	t.AccessLifetime = or(t.AccessLifetime, defaultAccessLifetime)
	t.RefreshLifetime = or(t.RefreshLifetime, defaultAbsoluteLifetime)
	t.RefreshMaxAge = or(t.RefreshMaxAge, min(defaultMaxAge, t.RefreshLifetime))
	t.Audiences = append([]Audience(nil), t.Audiences...)
	for i := range t.Audiences {
		a := &t.Audiences[i]
		if a.Algorithm == "" && a.Secret != "" {
			a.Algorithm = string(jwt.HS256)
		}
		a.Algorithm = or(a.Algorithm, string(jwt.ES256))
		a.Lifetime = or(a.Lifetime, t.AccessLifetime)
	}
	return t
}

// audiences are those of the configuration, and Gatehouse itself.
func (t Tokens) audiences() (list []token.Audience) {
	for _, a := range t.Audiences {
		one := token.Audience{
			ID: a.ID, Algorithm: jwt.Algorithm(a.Algorithm), Secret: a.Secret, Lifetime: a.Lifetime, Scopes: a.Scopes, Own: a.Own,
		}
		for _, c := range a.Claims {
			one.Claims = append(one.Claims, token.Claim(c))
		}
		list = append(list, one)
	}
	return append(list, token.Audience{Algorithm: jwt.ES256, Lifetime: t.AccessLifetime, Own: true})
}

func (t Tokens) clients() (list []token.Client) {
	for _, c := range t.Clients {
		list = append(list, token.Client(c))
	}
	return list
}

// moreClaims asks the hook of the embedding program.
func (c Config) moreClaims() func(ctx context.Context, audience string, s token.Subject) (map[string]any, error) {
	if c.TokenClaims == nil {
		return nil
	}
	return func(ctx context.Context, audience string, s token.Subject) (map[string]any, error) {
		return c.TokenClaims(ctx, TokenSubject{
			Audience: audience, User: s.User, Subject: s.Known, SessionID: s.SessionID, SignedInAt: s.ProvenAt, Methods: s.Methods,
		})
	}
}
