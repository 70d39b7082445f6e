package session

import "time"

// renewAfter is the least time between two seals of one cookie outside
// GET /session.
const renewAfter = time.Minute

// RenewalDue says whether a check outside GET /session should seal the cookie
// anew (guarantees R15): when that moves its end by more than a tenth of the
// idle time, and by more than a minute; when the user's row had to be read,
// which every further check of the old cookie would have to do again; and when
// code in the application that only decodes the cookie would no longer take it.
// So idleness is judged with an error of at most that tenth. Of a session that
// is not live nothing is due.
func (m *Mount) RenewalDue(s *Checked) bool {
	if s.Verdict != Live {
		return false
	}
	if s.current != nil || s.gained || s.stored.due {
		return true
	}
	if s.stored.token != "" {
		return false // its idle end is in memory, and the row
	}
	now := m.Now()
	least := m.tenth()
	moves := min(now.Add(m.Idle).Unix(), s.AbsoluteEnd) - s.IdleEnd
	if moves > int64(least/time.Second) {
		return true
	}
	// Where both lifetimes are one, the cookie's exp is no nearer than its idle
	// end, and the claims need not be read again.
	return m.LocalTrust < m.Idle && s.Outdated(now)
}

// tenth is how exact idleness is judged (guarantees R15).
func (m *Mount) tenth() time.Duration { return min(max(m.Idle/10, renewAfter), m.Idle/2) }
