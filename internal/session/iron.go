package session

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// CarryIron makes the cookies of the mount seals of iron-session, before it
// serves. The application that has the passwords reads in its session object the
// claims of a token: sub, name, email, picture, roles and sid. What it puts
// beside them is carried on; what it writes into them counts for nothing, because
// Gatehouse decides by gh as everywhere.
func (m *Mount) CarryIron(passwords ...seal.IronPassword) error {
	s, err := seal.NewIron(passwords...)
	if err != nil {
		return fmt.Errorf("session seal of %s: %w", m.name, err)
	}
	m.carrier = iron{m, s}
	return nil
}

// iron is the carrier whose cookie is the seal of iron-session.
type iron struct {
	*Mount
	sealer *seal.Iron
}

func (iron) begin(*Begun, auth.User, []member) {}

// open does not judge when the seal expires, as readers in the application do:
// gh has the ends that count (guarantees R12). A seal without gh is the
// application's own, of a visitor perhaps who has not signed in, and one under a
// password that is not known here is of an application that is one ahead in a
// change of passwords: both are left alone.
func (c iron) open(_ context.Context, text string, _ time.Time) (Checked, sealedBy, error) {
	var r factsReader
	claims, expires, err := c.sealer.OpenScan(text, r.note)
	if errors.Is(err, seal.ErrPassword) {
		return Checked{Verdict: JustEnded}, settled, nil
	}
	if err != nil {
		return Checked{}, nobody, nil
	}
	s, by := r.read(c.Mount, claims)
	if by == application {
		return Checked{Verdict: JustEnded}, settled, nil
	}
	if s.localEnd = expires / 1000; expires == 0 {
		s.localEnd = math.MaxInt64
	}
	return s, by, nil
}

// seal makes the local trust the ttl of the seal.
func (c iron) seal(_ context.Context, s *Checked, cl Claims, now time.Time) (string, error) {
	gh := c.keys.seal(make([]byte, 0, 256), c.name, s.Facts)
	s.claims = append(appendFacts(make([]byte, 0, 1024), cl, s.Facts, gh), '}')
	s.localEnd = c.Mount.localEnd(s, now)
	text, err := c.sealer.Seal(s.claims, time.Unix(s.localEnd, 0))
	if err != nil {
		return "", fmt.Errorf("seal session: %w", err)
	}
	return text, nil
}
