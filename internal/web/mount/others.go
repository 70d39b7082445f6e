package mount

import (
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/session"
)

// Join makes mounts know of each other, before any of them serves. All cookies
// have the path "/", so a browser brings those of every mount to each, and to
// whoever asks for both it must be one person: who signs in at one as somebody
// else, or signs out, does so at all. Whoever signs in at a second mount as the
// same person stays signed in at the first, whose application reads no other
// cookie.
func Join(mounts ...*Mount) {
	for _, m := range mounts {
		for _, other := range mounts {
			if other != m {
				m.siblings = append(m.siblings, other)
			}
		}
	}
}

// elsewhere are the exchanges of the same request at the other mounts that it
// brings a session cookie of.
func (x *Exchange) elsewhere() []*Exchange {
	if x.others == nil && len(x.siblings) > 0 {
		x.others = make([]*Exchange, 0, len(x.siblings))
		for _, m := range x.siblings {
			other := x.At(m)
			if other.HasSession() {
				x.others = append(x.others, other)
			}
		}
	}
	return x.others
}

// At is Bare for the same request at another mount.
func (x *Exchange) At(m *Mount) *Exchange {
	return &Exchange{Mount: m, W: x.W, R: x.R, cookies: x.cookies, Callback: m.Origin()}
}

// sessionsElsewhere are those of the other mounts, for a sign-in. The error
// means that of one of them nothing can be said.
func (x *Exchange) sessionsElsewhere() (list []session.Checked, err error) {
	for _, other := range x.elsewhere() {
		s, err := other.Session()
		if err != nil {
			return nil, err
		}
		if s.Verdict.SignedIn() {
			list = append(list, *s)
		}
	}
	return list, nil
}

// dropOthers makes the browser drop the cookies of other mounts whose sessions
// the sign-in has ended: those of anybody else.
func (x *Exchange) dropOthers(signedIn *session.Checked) {
	for _, other := range x.elsewhere() {
		if s, err := other.Session(); err == nil && s.Verdict.SignedIn() && s.User != signedIn.User {
			x.dropAt(other)
		}
	}
}

// dropAt makes the browser drop the session's cookies of another mount.
func (x *Exchange) dropAt(other *Exchange) {
	other.DropSession()
	x.pending = append(x.pending, other.pending...)
	other.pending = nil
}

// DropSessionsOf makes the browser drop the session's cookies of this mount, and
// those of the others whose sessions are the user's too: all of them have ended.
func (x *Exchange) DropSessionsOf(user auth.UserID) {
	x.DropSession()
	for _, other := range x.elsewhere() {
		if s, err := other.Session(); err == nil && s.UserID() == user {
			x.dropAt(other)
		}
	}
}
