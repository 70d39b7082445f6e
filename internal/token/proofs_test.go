package token_test

import (
	"crypto/elliptic"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/token"
)

// mirrored is the same token with the other signature that every ECDSA signature
// has beside it: s and n-s are good both.
func mirrored(t *testing.T, text string) string {
	t.Helper()
	at := strings.LastIndexByte(text, '.') + 1
	signature := decode(t, text[at:])
	s := new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(signature[32:]))
	s.FillBytes(signature[32:])
	return text[:at] + base64.RawURLEncoding.EncodeToString(signature)
}

// A revocation is of what the token says, and not of its letters: the other
// spelling of the signature, which anybody can compute, is no way around it; and
// no other spelling of the parts is a token at all.
//
// proves: CS-38
func TestCheck_noOtherSpellingOutlivesTheRevocation(t *testing.T) {
	for _, d := range []token.Demand{own, {Audience: roomtest.OwnAPI, WithoutRefresh: true}} {
		s := newSite(t)
		text := s.grant(d).Access
		other := mirrored(t, text)
		if other == text || !s.good(text) || !s.good(other) {
			t.Fatal("the two are not both good before, so this proves nothing")
		}
		if _, err := s.tokens.Revoke(ctx, auth.Secret(text), token.Client{}, auth.Device{}); err != nil {
			t.Fatal(err)
		}
		third := mirrored(t, s.grant(d).Access)
		if s.good(text) || s.good(other) || !s.good(third) {
			t.Errorf("after the revocation: good %v, mirrored %v; another token's %v", s.good(text), s.good(other), s.good(third))
		}
		parts := strings.Split(third, ".")
		for i, part := range parts {
			for _, spelling := range []string{part + "=", part + "\n", " " + part, strings.ToUpper(part), part + "A", base64.StdEncoding.EncodeToString(decode(t, part))} {
				if spelling == part {
					continue
				}
				again := append([]string(nil), parts...)
				again[i] = spelling
				if s.good(strings.Join(again, ".")) {
					t.Errorf("part %d as %q is good", i, spelling)
				}
			}
		}
	}
}

// Whoever asks for nothing in particular gets a token for one audience and no
// scope; whoever asks for scopes gets these and no others.
//
// proves: BCP-18
func TestPlan_grantsOneAudienceAndTheScopesAskedForAlone(t *testing.T) {
	s := newSite(t)
	app, err := s.tokens.Authenticate("app", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		demand          token.Demand
		audience, scope string
	}{
		{token.Demand{}, roomtest.API, ""},
		{token.Demand{Client: app}, roomtest.API, ""},
		{token.Demand{Scope: "write"}, roomtest.API, "write"},
		{token.Demand{Audience: roomtest.OwnAPI}, roomtest.OwnAPI, ""},
		{token.Demand{Audience: s.tokens.URL}, s.tokens.URL, ""},
	} {
		g := s.grant(c.demand)
		for range 2 {
			got := claims(t, g.Access)
			scope, _ := got["scope"].(string)
			if got["aud"] != c.audience || scope != c.scope || strings.Join(g.Scopes, " ") != c.scope {
				t.Errorf("%+v: for %v, scope %q, answered %v", c.demand, got["aud"], scope, g.Scopes)
			}
			g = s.must("refresh", g.Refresh) // which can ask for no more
		}
	}
}

// However often a token is refreshed, it says when the user was there: at the
// sign-in. Its own age says nothing of that.
//
// proves: NIST-14
func TestRefresh_movesTheTokensAgeAndNotTheProofs(t *testing.T) {
	s := newSite(t)
	g := s.grant(own)
	first := claims(t, g.Access)
	s.Advance(5 * time.Hour)
	g = s.must("refresh", g.Refresh)
	later := claims(t, g.Access)
	if later["auth_time"] != first["auth_time"] || later["iat"].(float64)-first["iat"].(float64) != 5*3600 {
		t.Errorf("first %v of %v, later %v of %v", first["auth_time"], first["iat"], later["auth_time"], later["iat"])
	}
	a, err := s.tokens.Check(ctx, g.Access)
	if err != nil {
		t.Fatal(err)
	}
	if p := a.Principal(); float64(p.SignedInAt.Unix()) != first["auth_time"] {
		t.Errorf("the principal signed in at %v, the token says %v", p.SignedInAt, first["auth_time"])
	}
}
