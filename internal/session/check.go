package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Verdict is what a check says of a cookie, and with it what may be done to
// the cookie in the answer (guarantees R14).
type Verdict uint8

const (
	// Void: no session, definitely. The cookie may be deleted.
	Void Verdict = iota
	// JustEnded: no session, but it ended so recently that the answer carries
	// no Set-Cookie: it might wipe the successor's cookie.
	JustEnded
	// Superseded: the session still counts for requests under way, with the
	// lesser privileges; the answer carries no Set-Cookie.
	Superseded
	// Live: a session; the cookie may be renewed.
	Live
)

// SignedIn says whether the request counts as signed in.
func (v Verdict) SignedIn() bool { return v == Live || v == Superseded }

// Checked is a checked cookie, whatever carries the session.
type Checked struct {
	Facts
	Verdict Verdict
	// claims is the JSON object that was sealed, and carried what of it the next
	// seal will carry too; nil before the first seal, when it must be read.
	claims  []byte
	carried []member
	// current is the user's row when it had to be read because the cookie was
	// older than the row, or altered; nil otherwise.
	current *auth.User
	// altered: what the cookie shows of the user is not what was sealed.
	altered bool
	// subject is the claim sub as the session's row has it; empty when the
	// cookie's own is good.
	subject string
	// FromBrowser says that the browser itself asks, so that the answer's cookie
	// reaches it. A server that passes the browser's cookie on, as getSession does
	// in a page rendered there, keeps the answer's to itself; whoever makes the
	// request knows.
	FromBrowser bool
	// gained: the user has a role that this session was not begun with.
	gained bool
	// localEnd is until when code that does not ask Gatehouse believes the
	// cookie, in Unix seconds; 0 when the claim exp says so.
	localEnd int64
	// stored is what a stored session has beside.
	stored fromRow
}

// Check judges the cookie text of a request, all chunks joined. The error is
// nil for every definite verdict and an *auth.Error of KindUnavailable when
// nothing can be said: then no cookie is touched and nobody is signed out.
//
// from is where the request comes from; only the row of an adopted session
// keeps it.
func (m *Mount) Check(ctx context.Context, token string, from auth.Device) (Checked, error) {
	s, err := m.check(ctx, token, from)
	m.checks.count(s.Verdict, err)
	return s, err
}

func (m *Mount) check(ctx context.Context, token string, from auth.Device) (Checked, error) {
	now := m.Now()
	switch age := m.Index.Staleness(now); {
	case age == revocation.Never:
		return Checked{}, auth.Unavailable(errors.New("change feed never read"))
	case age > m.MaxStaleness:
		return Checked{}, auth.Unavailable(fmt.Errorf("change feed not read for %s", age.Round(time.Millisecond)))
	}
	s, by, err := m.carrier.open(ctx, token, now)
	if err != nil {
		return Checked{}, err
	}
	switch by {
	case pretender:
		return m.unopened(), nil
	case settled:
		return s, nil
	case nobody, application:
		if m.Adopt == nil && by == nobody {
			return m.unopened(), nil
		}
		if m.Adopt == nil {
			return Checked{}, nil
		}
		claims := s.claims
		if s, err = m.Adopt(ctx, claims, now, from); err != nil || s.Verdict != Live {
			return Checked{Verdict: s.Verdict}, err
		}
		s.claims = claims
		shown := s.Claims()
		s.Shown = shown.shown()
	}
	best := s.Verdict
	if unix := now.Unix(); unix >= s.AbsoluteEnd || unix >= s.IdleEnd {
		s.Verdict = Void
		return s, nil
	}
	least, known := m.judge(&s, now)
	s.Verdict = min(s.Verdict, best)
	outdated := known && s.Version < least.Version
	if s.Verdict.SignedIn() && m.Index.Doubts(s.Session, s.User) {
		if err := m.settle(ctx, &s, now); err != nil {
			return Checked{}, err
		}
		outdated = true
	}
	if s.Verdict.SignedIn() && (outdated || s.altered) {
		if err := m.reload(ctx, &s, least); err != nil {
			return Checked{}, err
		}
	}
	return s, nil
}

// unopened judges what does not open under our secrets: another server's may be
// newer, and the cookie its own (guarantees R20).
func (m *Mount) unopened() Checked {
	if m.NewerSecrets != nil && m.NewerSecrets() {
		return Checked{Verdict: JustEnded}
	}
	return Checked{}
}

// settle asks the store what the index, being full, cannot say of the session
// (guarantees R19). What it cannot say of the user, reload asks.
func (m *Mount) settle(ctx context.Context, s *Checked, now time.Time) error {
	row, err := m.Store.Session(ctx, s.SessionID())
	switch {
	case errors.Is(err, store.ErrNotFound):
		s.Verdict = Void
	case err != nil:
		return auth.Unavailable(fmt.Errorf("read a session that the full index has doubts of: %w", err))
	case !row.EndedAt.IsZero():
		v := ended(row.EndedAt, now)
		if row.EndReason == auth.EndSuperseded && v == JustEnded {
			v = Superseded
		}
		s.Verdict = min(s.Verdict, v)
	}
	return nil
}

// judge asks the index and sets the verdict. It returns what is known of the
// user.
func (m *Mount) judge(s *Checked, now time.Time) (revocation.Least, bool) {
	s.Verdict = Live
	if end, over := m.Index.SessionEnded(s.Session); over {
		s.Verdict = ended(end.At, now)
		if end.Superseded && s.Verdict == JustEnded {
			s.Verdict = Superseded
		}
	}
	least, known := m.Index.User(s.User)
	if known && s.Epoch < least.Epoch && s.Verdict != Void {
		s.Verdict = ended(least.EpochAt, now)
	}
	return least, known
}

// reload reads the user's row because the cookie is older than it, or shows
// somebody else's words. A row older than the feed says is not taken for the
// truth (guarantees R8).
func (m *Mount) reload(ctx context.Context, s *Checked, least revocation.Least) error {
	u, err := m.Store.User(ctx, s.UserID())
	switch {
	case errors.Is(err, store.ErrNotFound):
		s.Verdict = Void
		return nil
	case err != nil:
		return auth.Unavailable(fmt.Errorf("reload changed user: %w", err))
	case u.Version < least.Version:
		return auth.Unavailable(errors.New("the user's row is older than the change feed"))
	case u.Disabled() || s.Epoch < u.Epoch:
		s.Verdict = JustEnded
		return nil
	}
	if s.altered {
		row, err := m.Store.Session(ctx, s.SessionID())
		if errors.Is(err, store.ErrNotFound) {
			s.Verdict = Void
			return nil
		}
		if err != nil {
			return auth.Unavailable(fmt.Errorf("reload the session of an altered cookie: %w", err))
		}
		s.subject = cmp.Or(row.Subject, string(u.ID))
	}
	roles := u.Roles
	if s.Verdict == Superseded {
		roles = lesserRoles(s.Roles, u.Roles)
	}
	s.gained = s.gained || gains(s.Roles, roles)
	s.current, s.Version, s.Roles = &u, u.Version, roles
	return nil
}

// unquoted strips the quotes of a raw JSON string that is known to need no
// unescaping, as base64url text does; other text yields what opens as nothing.
func unquoted(raw []byte) []byte {
	if len(raw) < 2 || raw[0] != '"' {
		return nil
	}
	return raw[1 : len(raw)-1]
}

// claim finds a top-level member; the last one of a name counts, as in
// JavaScript.
func claim(claims []byte, name string) (raw []byte, found bool) {
	_ = seal.Scan(claims, func(n, v []byte) error {
		if string(n) == name {
			raw, found = v, true
		}
		return nil
	})
	return raw, found
}
