package session

import (
	"crypto/sha256"
	"time"
)

// Hint is what a cookie says by itself, with nobody asked: neither the index nor
// the database. The session may have ended and the roles may have changed since.
// It decides what is shown and never what is allowed; [Mount.Check] does that.
type Hint struct {
	User [16]byte
	// Start is when the session began, in Unix seconds; 0 when the cookie does
	// not say.
	Start int64
	// Roles are those of the time when the cookie was sealed; nil when it does not
	// say.
	Roles []string
}

// Hint reads the cookie text of a request, all chunks joined. It is false for
// what is certainly no session any more, and for what the mount's keys do not
// open.
func (m *Mount) Hint(token string) (Hint, bool) { return m.carrier.peek(token, m.Now()) }

func hintOf(f Facts, now time.Time) (Hint, bool) {
	unix := now.Unix()
	return Hint{User: f.User, Start: f.Start, Roles: f.Roles}, unix < f.AbsoluteEnd && unix < f.IdleEnd
}

// peek takes what the application itself has sealed for a session as long as
// such cookies are adopted.
func (c sealed) peek(text string, now time.Time) (Hint, bool) {
	var r factsReader
	claims, err := c.sealer.OpenScan(text, r.note)
	if err != nil {
		return Hint{}, false
	}
	switch s, by := r.read(c.Mount, claims); by {
	case gatehouse:
		return hintOf(s.Facts, now)
	case application:
		if _, ok := adoptable(claims, now); ok && c.Adopt != nil {
			return Hint{}, true
		}
	}
	return Hint{}, false
}

func (c iron) peek(text string, now time.Time) (Hint, bool) {
	var r factsReader
	claims, _, err := c.sealer.OpenScan(text, r.note)
	if err != nil {
		return Hint{}, false
	}
	s, by := r.read(c.Mount, claims)
	if by != gatehouse {
		return Hint{}, false
	}
	return hintOf(s.Facts, now)
}

// peek knows the roles only of a session of which there is a copy.
func (c *stored) peek(text string, now time.Time) (Hint, bool) {
	id, secret, ok := cutStored(text)
	if !ok {
		return Hint{}, false
	}
	hash := sha256.Sum256([]byte(secret))
	e, found := c.copies.peek(id, &hash, now.Unix(), int64(c.Idle/time.Second))
	switch found {
	case held:
		return Hint{User: e.user, Start: e.start, Roles: e.roles}, now.Unix() < e.absoluteEnd
	case missing, lapsed: // in use elsewhere, perhaps
		return Hint{}, c.genuine(id, secret)
	}
	return Hint{}, false
}
