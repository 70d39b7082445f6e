package session

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// MaxAbsoluteLifetime is the longest absolute lifetime that may be configured:
// browsers keep no cookie longer. Feed rows that concern all of a user's
// sessions live this long, whatever is configured today, because sessions
// already born keep the end they were born with (guarantees R4).
const MaxAbsoluteLifetime = 400 * 24 * time.Hour

// tolerance is added to the life of feed rows: readers of cookies tolerate
// some seconds, and clocks differ.
const tolerance = 5 * time.Minute

// Proof is what a session rests on.
type Proof struct {
	// User is the row as it was read together with the credential; its Epoch
	// and Version count.
	User auth.User
	// Subject is what the application sees as the user's ID: the claim sub.
	// Empty means the user's main old ID at the mount, or else their own ID.
	Subject string
	// Methods are RFC 8176 names.
	Methods []string
	Device  auth.Device
	// Replaces is the checked cookie that the browser sent along, if any: that
	// session ends with this one's beginning.
	Replaces *Checked
	// Elsewhere are the checked cookies of other mounts that the browser sent
	// along: the sessions of other users end with this one's beginning.
	Elsewhere []Checked
	// TokensOnly: the session is begun for tokens, and its cookie goes to nobody.
	TokensOnly bool
}

// Token is what goes into the cookie.
type Token struct {
	Text string
	// Expires is the least of idle and absolute end, in whole seconds: the end
	// of the cookie and the "expires" that clients see.
	Expires time.Time
}

// Begin inserts the row of a new session in tx, and ends the one it replaces
// and those of other users in the same browser.
// The row is refused with CodeChanged when the user was disabled or their
// epoch raised since the proof (guarantees R3).
func (m *Mount) Begin(ctx context.Context, tx store.Tx, p Proof) (Begun, error) {
	now := m.Now()
	subject, err := m.subject(ctx, tx, p)
	if err != nil {
		return Begun{}, err
	}
	s := Begun{Session: auth.Session{
		ID: auth.NewSessionID(now), UserID: p.User.ID, Mount: m.name, Subject: subject, Epoch: p.User.Epoch,
		CreatedAt: now, LastSeenAt: now, AbsoluteEnd: now.Add(m.Absolute),
		Methods: p.Methods, Address: p.Device.Address, UserAgent: p.Device.UserAgent, Version: 1, TokensOnly: p.TokensOnly,
	}}
	m.carrier.begin(&s, p.User, nil)
	if err := tx.InsertSession(ctx, s.Session); errors.Is(err, store.ErrConflict) {
		return s, auth.NewError(auth.CodeChanged, err)
	} else if err != nil {
		return s, fmt.Errorf("insert session: %w", err)
	}
	if r := p.Replaces; r != nil && r.Verdict.SignedIn() {
		reason := auth.EndRevoked
		if r.UserID() == p.User.ID {
			reason = auth.EndSuperseded
		}
		if err := m.end(ctx, tx, r.SessionID(), r.UserID(), r.AbsoluteEnd, reason, now); err != nil {
			return s, err
		}
	}
	for _, other := range p.Elsewhere {
		if !other.Verdict.SignedIn() || other.UserID() == p.User.ID {
			continue
		}
		if err := m.end(ctx, tx, other.SessionID(), other.UserID(), other.AbsoluteEnd, auth.EndRevoked, now); err != nil {
			return s, err
		}
	}
	return s, m.endSurplus(ctx, tx, s.Session, now)
}

// subject is what the application sees as the user's ID. Its own tables know
// those who came from NextAuth by the IDs they had there.
func (m *Mount) subject(ctx context.Context, tx store.Tx, p Proof) (string, error) {
	if p.Subject != "" {
		return p.Subject, nil
	}
	ids, err := tx.OldIDs(ctx, p.User.ID)
	if err != nil {
		return "", fmt.Errorf("read old IDs: %w", err)
	}
	for _, id := range ids {
		if id.Main && id.Mount == m.name {
			return id.Value, nil
		}
	}
	return string(p.User.ID), nil
}

// endSurplus ends the oldest sessions of the user beyond the limit, so that
// rows and index stay bounded. The one that begins is never among them, though
// by a clock that was set back it may look like the oldest.
func (m *Mount) endSurplus(ctx context.Context, tx store.Tx, begins auth.Session, now time.Time) error {
	live, err := tx.ListSessions(ctx, begins.UserID, now)
	if err != nil {
		return fmt.Errorf("list sessions: %w", err)
	}
	room := m.MaxPerUser - 1
	for _, s := range live {
		if s.ID == begins.ID {
			continue
		}
		if room--; room >= 0 {
			continue
		}
		if err := m.end(ctx, tx, s.ID, s.UserID, s.AbsoluteEnd.Unix(), auth.EndRevoked, now); err != nil {
			return err
		}
	}
	return nil
}

// Seal makes the first cookie of a session whose row is committed. change, if
// not nil, may alter the readable claims.
func (m *Mount) Seal(ctx context.Context, b Begun, p Proof, change func(*Claims)) (Checked, Token, error) {
	s, err := m.checkedOf(b, p.User)
	if err != nil {
		return Checked{}, Token{}, fmt.Errorf("seal session: %w", err)
	}
	var c Claims
	c.setUser(p.User)
	c.SetString(subClaim, b.Subject)
	if change != nil {
		change(&c)
	}
	s.Shown, s.stored.altered = c.shown(), change != nil
	t, err := m.seal(ctx, &s, c, m.Now())
	return s, t, err
}

// checkedOf is a session on its way to its first cookie.
func (m *Mount) checkedOf(b Begun, u auth.User) (Checked, error) {
	f, err := factsOf(b.Session, u)
	return Checked{Verdict: Live, Facts: f, stored: fromRow{token: b.token, version: b.Version, fresh: true}}, err
}

// factsOf says of a row what its cookie will; the idle end is the sealing's.
func factsOf(row auth.Session, u auth.User) (f Facts, err error) {
	if f.User, err = u.ID.UUID(); err != nil {
		return f, err
	}
	f.Session, err = row.ID.UUID()
	f.Epoch, f.Version, f.Roles = row.Epoch, u.Version, u.Roles
	f.Start, f.AbsoluteEnd = row.CreatedAt.Unix(), row.AbsoluteEnd.Unix()
	return f, err
}

// Renew makes the next cookie of a checked session: the same facts in a new
// seal, nothing written, unless change alters what a stored session keeps in its
// row. Clock and index are asked once more, because the answer may be slow to
// leave; when the verdict is no longer Live there is no Token. A session that has
// come to more than it was begun with takes another ID, where the cookie is sure
// to reach its browser (see rotate).
// change, if not nil, may alter the readable claims.
func (m *Mount) Renew(ctx context.Context, s *Checked, change func(*Claims)) (Token, error) {
	now := m.Now()
	switch unix := now.Unix(); {
	case s.Verdict == Live && (unix >= s.AbsoluteEnd || unix >= s.IdleEnd):
		s.Verdict = Void
	case s.Verdict == Live:
		m.judge(s, now)
	}
	if s.Verdict != Live {
		return Token{}, nil
	}
	c := s.Claims()
	if change != nil || s.current != nil || s.altered {
		if change != nil {
			change(&c)
			s.stored.altered = true
		}
		s.Shown = c.shown()
	}
	if s.gained && s.FromBrowser && !adopted(s.Session) {
		if err := m.rotate(ctx, s, c, now); err != nil || s.Verdict != Live {
			return Token{}, err
		}
	}
	t, err := m.seal(ctx, s, c, now)
	if err != nil || s.Verdict != Live {
		return Token{}, err
	}
	m.seen.note(s.Session, now)
	return t, nil
}

// seal moves the idle end and seals. s.Shown is that of c.
func (m *Mount) seal(ctx context.Context, s *Checked, c Claims, now time.Time) (Token, error) {
	s.IdleEnd = min(now.Add(m.Idle).Unix(), s.AbsoluteEnd)
	text, err := m.carrier.seal(ctx, s, c, now)
	if err != nil {
		return Token{}, err
	}
	s.carried, s.current, s.altered, s.gained, s.subject = c.members, nil, false, false, ""
	return Token{Text: text, Expires: s.End()}, nil
}

// appendJTI writes a random UUID (version 4), as both Auth.js versions do.
func appendJTI(dst []byte) []byte {
	var u [16]byte
	rand.Read(u[:])
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	for i, part := range [...][]byte{u[:4], u[4:6], u[6:8], u[8:10], u[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, part)
	}
	return dst
}
