package token

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// typ of access tokens. RFC 9068 §2.1.
const typ = "at+jwt"

// grant is what access tokens are made from, whether a family stands behind
// them or a session alone.
type grant struct {
	audience Audience
	client   string
	subject  Subject
	scopes   []string
	// epoch was read together with the proof.
	epoch  int64
	family auth.FamilyID
	// end is when the family or the session ends for good.
	end time.Time
}

// access makes and signs an access token. It returns how long it lives, in whole
// seconds.
func (i *Issuer) access(ctx context.Context, g grant, now time.Time) (string, time.Duration, error) {
	exp := min(now.Add(g.audience.Lifetime).Unix(), g.end.Unix())
	claims, err := i.claims(ctx, g, now, exp)
	if err != nil {
		return "", 0, fmt.Errorf("make an access token for %s: %w", g.audience.ID, err)
	}
	var text string
	if key := i.sharedKey(g.audience); key != nil {
		text, err = key.Sign(typ, claims)
	} else {
		text, err = i.Keys.Sign(g.audience.Algorithm, typ, claims)
	}
	if err != nil {
		return "", 0, auth.Unavailable(fmt.Errorf("sign an access token: %w", err))
	}
	i.counts.issued.Add(1)
	return text, time.Duration(exp-now.Unix()) * time.Second, nil
}

// claims is the claim set. RFC 9068 §2.2; sid, fam, epoch and ver are what
// Gatehouse asks the index about, and uid says who it is where the application
// knows the user by another ID.
func (i *Issuer) claims(ctx context.Context, g grant, now time.Time, exp int64) ([]byte, error) {
	s := g.subject
	b := append(make([]byte, 0, 768), '{')
	b = appendText(b, "iss", i.URL)
	b = appendText(b, "sub", s.Known)
	b = appendText(b, "aud", g.audience.ID)
	b = appendText(b, "client_id", g.client)
	b = appendNumber(b, "iat", now.Unix())
	b = appendNumber(b, "exp", exp)
	b = appendText(b, "jti", newTokenID())
	b = appendText(b, "scope", strings.Join(g.scopes, " "))
	if !s.ProvenAt.IsZero() {
		b = appendNumber(b, "auth_time", s.ProvenAt.Unix())
	}
	b = appendText(b, "sid", string(s.SessionID))
	b = appendText(b, "fam", string(g.family))
	if s.Known != string(s.User.ID) {
		b = appendText(b, "uid", string(s.User.ID))
	}
	b = appendNumber(b, "epoch", g.epoch)
	b = appendNumber(b, "ver", s.User.Version)

	var names []string
	for _, c := range g.audience.mapping(i.URL) {
		names = append(names, c.Name)
		b = c.append(b, s)
	}
	if i.More != nil {
		more, err := i.More(ctx, g.audience.ID, s)
		if err != nil {
			return nil, fmt.Errorf("ask the hook for claims: %w", err)
		}
		if b, err = appendMore(b, names, more); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// mapping is what the tokens of the audience carry besides. Gatehouse's own
// guards decide by the roles, so tokens for them always have them.
func (a Audience) mapping(issuer string) []Claim {
	roles := Claim{Name: rolesClaim, From: fromRoles}
	if a.Claims == nil {
		return []Claim{roles}
	}
	own := a.Own || a.ID == issuer
	if own && !slices.ContainsFunc(a.Claims, func(c Claim) bool { return c.Name == rolesClaim }) {
		return append([]Claim{roles}, a.Claims...)
	}
	return a.Claims
}

// newTokenID is 128 random bits as text, the claim jti.
func newTokenID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b[:])
}
