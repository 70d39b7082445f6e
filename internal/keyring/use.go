package keyring

import (
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/jwt"
)

// maxAge is how long verifiers may keep the published set: never longer than a
// key is published before it signs.
const maxAge = 15 * time.Minute

var errNotLoaded = errors.New("keyring: the signing keys were never read")

// Sign returns a token of the claims, signed with the active key of the
// algorithm; empty means the first of those in use. See [jwt.Key.Sign] for typ
// and claims. Codes: unavailable, when there is no such key at the moment.
func (r *Ring) Sign(a jwt.Algorithm, typ string, claims []byte) (string, error) {
	s := r.set.Load()
	if s == nil {
		return "", auth.Unavailable(errNotLoaded)
	}
	if a == "" {
		a = r.o.Algorithms[0]
	}
	k := s.active[a]
	if k == nil {
		return "", auth.Unavailable(fmt.Errorf("keyring: no key signs %s", a))
	}
	return k.Sign(typ, claims)
}

// Verify says whether a token was signed by one of these keys and is what is
// expected; see [jwt.Verify]. An error is a [jwt.Refusal], or has the code
// unavailable when nothing can be said.
func (r *Ring) Verify(token string, e jwt.Expect) (jwt.Claims, error) {
	s := r.set.Load()
	if s == nil {
		return jwt.Claims{}, auth.Unavailable(errNotLoaded)
	}
	// A key that is next here may have begun to sign on another node, which has
	// known it to be next on this one.
	return jwt.Verify(token, func(kid string) *jwt.Key { return s.keys[kid] }, e)
}

// Knows says whether what the key of that name signed still counts: for whoever
// remembers a token that was found good. It asks nobody, and is as fresh as what
// was heard of the change feed.
func (r *Ring) Knows(kid string) bool {
	s := r.set.Load()
	return s != nil && s.keys[kid] != nil
}

// JWKS returns the published set (RFC 7517 §5) and how long others may keep it.
// The text is not to be changed. Codes: unavailable.
func (r *Ring) JWKS() ([]byte, time.Duration, error) {
	s := r.set.Load()
	if s == nil {
		return nil, 0, auth.Unavailable(errNotLoaded)
	}
	return s.jwks, min(maxAge, r.o.Lead), nil
}
