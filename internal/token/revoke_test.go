package token_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/token"
)

// A revocation says how far it is. While some server has not confirmed it, the
// answer names the latest moment; what was no token has nothing to say of itself.
func TestRevoke_saysWhereItHolds(t *testing.T) {
	var noted int
	said := revocation.Effect{Effective: revocation.Pending, Latest: time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)}
	s := newSite(t, func(o *token.Options) {
		o.Effect = func(_ context.Context, n *revocation.Noted) revocation.Effect {
			noted = len(n.Seqs())
			return said
		}
	})
	revoke := func(text auth.Secret) revocation.Effect {
		t.Helper()
		noted = 0
		e, err := s.tokens.Revoke(ctx, text, token.Client{}, auth.Device{})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	everywhere := revocation.Effect{Effective: revocation.Everywhere}
	g, alone := s.grant(own), s.grant(token.Demand{Audience: roomtest.OwnAPI, WithoutRefresh: true})
	for name, text := range map[string]auth.Secret{"a refresh token": g.Refresh, "an access token alone": auth.Secret(alone.Access)} {
		if got := revoke(text); !cmp.Equal(got, said) || noted == 0 {
			t.Errorf("%s: %+v, %d changes noted", name, got, noted)
		}
	}
	late := revocation.Effect{Effective: revocation.Pending, Latest: s.Clock.Now().Add(roomtest.MaxStaleness)}
	if got := revoke(g.Refresh); !got.Latest.Equal(late.Latest) || got.Effective != late.Effective || noted != 0 {
		t.Errorf("once more: %+v, want %+v", got, late)
	}
	s.Advance(roomtest.MaxStaleness)
	if got := revoke(g.Refresh); got != everywhere {
		t.Errorf("once more, later: %+v", got)
	}
	for _, text := range []auth.Secret{"nonsense", "fam_nonsense", spoiled(g.Refresh)} {
		if got := revoke(text); got != everywhere || noted != 0 {
			t.Errorf("%s: %+v", text.Reveal(), got)
		}
	}
}

// Without a way to ask the others only the bound is known.
func TestRevoke_namesTheBoundWhereNobodyCanBeAsked(t *testing.T) {
	s := newSite(t)
	got, err := s.tokens.Revoke(ctx, s.grant(own).Refresh, token.Client{}, auth.Device{})
	if latest := s.Clock.Now().Add(roomtest.MaxStaleness); err != nil || got.Effective != revocation.Pending || !got.Latest.Equal(latest) {
		t.Errorf("%+v, %v", got, err)
	}
}
