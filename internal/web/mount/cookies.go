package mount

import (
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/web/authjs/wire"
)

// noEnd makes a cookie end with the browser session.
var noEnd time.Time

// knownSeconds is 400 days, what browsers let a cookie live (RFC 6265bis §5.5).
const knownSeconds = 400 * 24 * 60 * 60

// attemptSeconds is how long the cookie between two steps lives.
const attemptSeconds = 600

// set adds a Set-Cookie line to the answer. One that browsers would drop for
// its size, such as a very long callback URL, is left out.
func (x *Exchange) set(c wire.SetCookie) {
	if line := c.String(); line != "" && len(line) <= wire.MaxSetCookie {
		x.pending = append(x.pending, line)
	}
}

// KeepSession makes the browser keep the session's cookie, chunked if it must
// be, and drop every other cookie that a reader would join with it.
func (x *Exchange) KeepSession(t session.Token) {
	x.replaceSession(t.Text, t.Expires)
}

// DropSession makes the browser drop the session's cookies, as many as it
// sent.
func (x *Exchange) DropSession() { x.replaceSession("", noEnd) }

func (x *Exchange) replaceSession(value string, expires time.Time) {
	if x.iron {
		x.pending = append(x.pending, wire.ReplaceIron(x.names.Session, value, ironMaxAge(expires.Sub(x.Now())), x.origin.Secure(), x.cookies)...)
		return
	}
	for _, c := range wire.Replace(x.Dialect, x.names.Session, value, x.cookies) {
		if c.Delete {
			x.set(wire.DeleteCookie(c.Name, x.origin.Secure()))
		} else {
			x.set(wire.NewCookie(c.Name, c.Value, expires, x.origin.Secure()))
		}
	}
}

// ironMaxAge is what iron-session makes of a ttl: the cookie goes a minute before
// the seal, which is good for a minute longer than it says.
func ironMaxAge(ttl time.Duration) int {
	if ttl > seal.IronTolerance {
		ttl -= seal.IronTolerance
	}
	return max(int(ttl/time.Second), 1)
}

// keepKnown makes the browser keep what makes it known to the accounts that were
// signed in to there (signin.Devices). It outlives the session by far.
func (x *Exchange) keepKnown(text string) {
	if text == "" || text == x.knownBy() {
		return
	}
	c := wire.NewCookie(x.knownCookie(), text, noEnd, x.origin.Secure())
	c.MaxAge = knownSeconds
	x.set(c)
}

// knownBy is what the browser kept of earlier sign-ins.
func (x *Exchange) knownBy() string {
	v, _ := x.cookies.Get(x.knownCookie())
	return v
}

// KeepAttempt makes the browser keep what the next step of its sign-in needs.
func (x *Exchange) KeepAttempt(secret auth.Secret) {
	c := wire.NewCookie(x.attemptCookie(), secret.Reveal(), noEnd, x.origin.Secure())
	c.MaxAge = attemptSeconds
	x.set(c)
}

// Attempt is what the request brings for the next step of its sign-in.
func (x *Exchange) Attempt() auth.Secret {
	v, _ := x.cookies.Get(x.attemptCookie())
	return auth.Secret(v)
}

// DropAttempt makes the browser forget a sign-in under way.
func (x *Exchange) DropAttempt() {
	x.set(wire.DeleteCookie(x.attemptCookie(), x.origin.Secure()))
}

// SendCookies puts the pending Set-Cookie lines into the answer's header. An
// answer that must touch no cookie does not call it.
func (x *Exchange) SendCookies() {
	if len(x.pending) > 0 {
		h := x.W.Header()
		h["Set-Cookie"] = append(h["Set-Cookie"], x.pending...)
		x.pending = nil
	}
}
