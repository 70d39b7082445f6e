package token_test

import (
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/token"
)

// Two servers whose clocks differ by four seconds judge the grace of a rotation
// by the database's: on the fast one nobody's honest second try is a theft, and
// on the slow one no thief gets longer.
func TestRefresh_graceIsOfTheDatabasesClock(t *testing.T) {
	for name, c := range map[string]struct {
		off   time.Duration // of the second server's clock
		after time.Duration
		code  auth.Code
	}{
		"fast, within the grace": {4 * time.Second, 9 * time.Second, ""},
		"fast, after it":         {4 * time.Second, 10 * time.Second, auth.CodeInvalidGrant},
		"slow, within the grace": {-4 * time.Second, 9 * time.Second, ""},
		"slow, after it":         {-4 * time.Second, 10 * time.Second, auth.CodeInvalidGrant},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			o := s.TokenOptions(t)
			o.Now = func() time.Time { return s.Clock.Now().Add(c.off) }
			o.Ahead = func() time.Duration { return -c.off }
			s.Index.MarkFresh(s.Clock.Now().Add(c.off))
			other := s.Tokens(t, o)
			first := s.grant(own)
			s.afterGrace()
			next := s.must("rotate", first.Refresh)
			s.Advance(c.after)
			s.Index.MarkFresh(s.Clock.Now().Add(c.off))
			got, err := other.Refresh(ctx, first.Refresh, token.Client{}, auth.Device{})
			if c.code == "" {
				if err != nil || got.Refresh != next.Refresh {
					t.Errorf("%v", err)
				}
				return
			}
			wantCode(t, "the replaced one", err, c.code)
		})
	}
}

// What the index has heard is as old as this server's own clock says: by that
// one it was marked.
func TestCheck_stalenessIsOfTheServersOwnClock(t *testing.T) {
	s := newSite(t, func(o *token.Options) { o.Ahead = func() time.Duration { return time.Hour } })
	if !s.good(s.grant(own).Access) {
		t.Error("a server whose clock differs takes what it has just heard for old")
	}
}
