package session

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// sealed is the carrier whose cookie is the token of Auth.js itself: server code
// of the application that decodes it goes on to work.
type sealed struct {
	*Mount
	sealer *seal.Sealer
}

func (sealed) begin(*Begun, auth.User, []member) {}

func (c sealed) open(_ context.Context, text string, _ time.Time) (Checked, sealedBy, error) {
	var r factsReader
	claims, err := c.sealer.OpenScan(text, r.note)
	if err != nil {
		return Checked{}, nobody, nil
	}
	s, by := r.read(c.Mount, claims)
	return s, by, nil
}

// seal seals the local trust as exp: how long code that does not ask Gatehouse
// may believe the cookie (guarantees R12).
func (c sealed) seal(_ context.Context, s *Checked, cl Claims, now time.Time) (string, error) {
	gh := c.keys.seal(make([]byte, 0, 256), c.name, s.Facts)
	s.claims = appendFacts(make([]byte, 0, 1024), cl, s.Facts, gh)
	s.claims = appendTimes(s.claims, now.Unix(), c.localEnd(s, now))
	text, err := c.sealer.Seal(s.claims)
	if err != nil {
		return "", fmt.Errorf("seal session: %w", err)
	}
	return text, nil
}

// localEnd is until when code that does not ask Gatehouse may believe a cookie.
func (m *Mount) localEnd(s *Checked, now time.Time) int64 {
	return min(now.Add(m.LocalTrust).Unix(), s.IdleEnd)
}
