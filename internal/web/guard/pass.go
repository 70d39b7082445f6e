package guard

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
)

// The Cache-Control that an answer begins with when the request brought a
// session cookie; a handler that sets its own has the last word.
const (
	// Personal is for answers that may look different to whoever is signed in:
	// a browser may keep them and must ask again, nobody else may.
	Personal = "private, no-cache"
	// Private is for answers that only somebody signed in gets.
	Private = "no-store"
)

// Pass hands the request on to next. The answer begins with "Vary: Cookie" and,
// when the request brought a session cookie, with the given Cache-Control. What
// may be done to the cookie is decided when the header is written, however long
// next takes (guarantees R14); nothing is done that next has done itself, and
// nothing in an answer that next lets shared caches keep.
func (c *Caller) Pass(w http.ResponseWriter, r *http.Request, next http.Handler, cacheControl string) {
	h := w.Header()
	vary(h)
	c.preset = cacheControl
	if len(c.brought) > 0 && h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", cacheControl)
	}
	if !c.due() {
		next.ServeHTTP(w, r)
		return
	}
	a := &answer{ResponseWriter: w, caller: c}
	var out http.ResponseWriter = a
	if below, ok := w.(http.Hijacker); ok {
		out = hijackable{a, below}
	}
	next.ServeHTTP(out, r)
	a.settle() // of an answer without a body, perhaps nobody wrote the header
}

// PassOn is Pass for a request that has come through Pass already: its cookie
// is seen to, and the earlier Cache-Control gives way unless a handler between
// has set another.
func (c *Caller) PassOn(w http.ResponseWriter, r *http.Request, next http.Handler, cacheControl string) {
	h := w.Header()
	if now := h.Get("Cache-Control"); now == c.preset || now == "" {
		h.Set("Cache-Control", cacheControl)
	}
	next.ServeHTTP(w, r)
}

// vary tells caches that another cookie gets another answer.
func vary(h http.Header) {
	if !slices.Contains(h["Vary"], "Cookie") {
		h.Add("Vary", "Cookie")
	}
}

// due says whether the answer may have to carry a cookie.
func (c *Caller) due() bool {
	if c.failed != nil || len(c.brought) == 0 {
		return false
	}
	if !c.signedIn {
		return true // unless it has just ended; see SettleSession
	}
	x := c.brought[len(c.brought)-1]
	s, err := x.Session() // asked before: nothing is checked again
	return err == nil && x.Sessions.RenewalDue(s)
}

// settle puts the session cookie into the answer's header h, which is that of
// Identify's w: a fresh one where renewal is due, a deletion where the cookie
// is definitely void. Somebody signed in at one mount keeps a void cookie of
// another until they ask that one.
func (c *Caller) settle(h http.Header) {
	if !c.due() || !keepFromSharedCaches(h) {
		return
	}
	list := c.brought
	if c.signedIn {
		list = list[len(list)-1:]
	}
	for _, x := range list {
		s, err := x.Session()
		if err == nil && !x.SessionAnswered() {
			_, err = x.SettleSession(s, nil)
		}
		if err != nil {
			c.guard.Logger.Error("a session cookie could not be sealed", "session_id", c.facts.SessionID(), "err", err)
			continue
		}
		x.SendCookies()
	}
}

// keepFromSharedCaches says whether a Set-Cookie may go into the answer. Where
// the handler's own Cache-Control says neither yes nor no to shared caches, it
// becomes a no.
func keepFromSharedCaches(h http.Header) bool {
	private := false
	for _, line := range h["Cache-Control"] {
		for part := range strings.SplitSeq(strings.ToLower(line), ",") {
			name, _, _ := strings.Cut(strings.TrimSpace(part), "=")
			switch name {
			case "public", "s-maxage":
				return false
			case "private", "no-store":
				private = true
			}
		}
	}
	if !private {
		h.Add("Cache-Control", "private")
	}
	return true
}

// answer settles the session's cookie at the last moment.
type answer struct {
	http.ResponseWriter
	caller  *Caller
	settled bool
}

func (a *answer) settle() {
	if !a.settled {
		a.settled = true
		a.caller.settle(a.ResponseWriter.Header())
	}
}

// WriteHeader settles before the final header; informational ones (RFC 9110
// §15.2) go first.
func (a *answer) WriteHeader(code int) {
	if code >= http.StatusOK || code == http.StatusSwitchingProtocols {
		a.settle()
	}
	a.ResponseWriter.WriteHeader(code)
}

func (a *answer) Write(b []byte) (int, error) {
	a.settle()
	return a.ResponseWriter.Write(b)
}

// ReadFrom lets the connection below copy in its own way, a file by sendfile.
func (a *answer) ReadFrom(from io.Reader) (int64, error) {
	a.settle()
	return io.Copy(a.ResponseWriter, from)
}

// FlushError serves http.ResponseController.
func (a *answer) FlushError() error {
	a.settle()
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// Flush serves handlers that ask for an http.Flusher.
func (a *answer) Flush() { _ = a.FlushError() }

// Unwrap serves http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// hijackable is an answer on a connection that can be taken over. Whoever does
// so writes the header too, and no cookie is settled.
type hijackable struct {
	*answer
	below http.Hijacker
}

// Hijack implements http.Hijacker.
func (a hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	a.settled = true
	return a.below.Hijack()
}
