package mount

import (
	"strings"

	"github.com/gatehouse-auth/gatehouse/internal/session"
)

// SettleSession does to the browser's session cookie what the verdict of s
// allows (guarantees R14): the cookie of a live session is sealed anew, after
// the index was asked once more; that of a void one is deleted; that of one
// which was superseded or has just ended is left alone. Without Token there is
// no new cookie. change, if not nil, may alter the readable claims; when it
// returns false the cookie is deleted instead. SendCookies sends what is
// settled.
func (x *Exchange) SettleSession(s *session.Checked, change func(*session.Claims) (keep bool)) (session.Token, error) {
	switch s.Verdict {
	case session.Void:
		x.DropSession()
		return session.Token{}, nil
	case session.Live:
	default:
		return session.Token{}, nil
	}
	keep := true
	var alter func(*session.Claims)
	if change != nil {
		alter = func(c *session.Claims) { keep = change(c) }
	}
	token, err := x.Sessions.Renew(x.R.Context(), s, alter)
	switch {
	case err != nil:
		return session.Token{}, err
	case !keep:
		x.DropSession()
		return session.Token{}, nil
	case s.Verdict != session.Live: // it ended while we worked
		return session.Token{}, nil
	}
	x.KeepSession(token)
	return token, nil
}

// SessionAnswered says whether the answer's header sets or deletes the session
// cookie already: somebody further in, a sign-in perhaps, has settled it.
func (x *Exchange) SessionAnswered() bool {
	for _, line := range x.W.Header()["Set-Cookie"] {
		rest, ours := strings.CutPrefix(line, x.names.Session)
		if ours && rest != "" && (rest[0] == '=' || rest[0] == '.') {
			return true
		}
	}
	return false
}

// SessionCookie is the name of the session cookie; those of its chunks begin
// with it.
func (m *Mount) SessionCookie() string { return m.names.Session }
