package guard

import (
	"bufio"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
)

// heldBack is how many bytes of a body an answer holds back. It is what
// net/http buffers before it makes up the header, so Content-Length and
// Content-Type come out as they would without us.
const heldBack = 2048

// answer settles the session's cookie at the last moment. A server does not
// send what a handler writes at once: it waits for more. A cookie that were
// settled at the first Write could therefore leave minutes later, over the
// cookie of whoever has signed in meanwhile. So the beginning is held back
// here, and the cookie is settled when it can wait no longer: because there is
// too much, because the handler flushes, or because it is done.
type answer struct {
	http.ResponseWriter
	caller *Caller
	// code is the status once the handler has written its header, which is then
	// header; later changes to the map are too late for it.
	code   int
	header http.Header
	held   []byte
	// sent: the header is below, or somebody else sees to it.
	sent bool
}

// WriteHeader takes the final header down; informational ones (RFC 9110
// §15.2) go on.
func (a *answer) WriteHeader(code int) {
	switch {
	case code == http.StatusSwitchingProtocols && a.code == 0:
		a.code, a.header = code, a.Header().Clone()
		_ = a.send()
	case code < http.StatusOK || a.sent:
		a.ResponseWriter.WriteHeader(code)
	case a.code == 0:
		a.code, a.header = code, a.Header().Clone()
	}
}

// Write holds back the beginning. When that becomes too much it goes out at
// once, and with a cookie in it all the way: what the server buffers would be
// as late.
func (a *answer) Write(b []byte) (int, error) {
	if a.code == 0 && !a.sent {
		a.WriteHeader(http.StatusOK)
	}
	switch {
	case a.sent:
		return a.ResponseWriter.Write(b)
	case a.code == http.StatusNoContent || a.code == http.StatusNotModified:
		return 0, http.ErrBodyNotAllowed
	case len(a.held)+len(b) <= heldBack:
		a.held = append(a.held, b...)
		return len(b), nil
	}
	settled, err := a.sendHeader()
	if err != nil {
		return 0, err
	}
	n, err := a.ResponseWriter.Write(b)
	if settled && err == nil {
		_ = http.NewResponseController(a.ResponseWriter).Flush() // where that is possible
	}
	return n, err
}

// ReadFrom lets the connection below copy in its own way, a file by sendfile,
// once the beginning is out: the source may be slow.
func (a *answer) ReadFrom(from io.Reader) (n int64, err error) {
	if !a.sent {
		n, err = io.CopyN(struct{ io.Writer }{a}, from, heldBack+1)
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
	rest, err := io.Copy(a.ResponseWriter, from)
	return n + rest, err
}

// send settles the cookie and hands on what is held back.
func (a *answer) send() error {
	_, err := a.sendHeader()
	return err
}

// sendHeader is send; it says whether a cookie was put into the header.
func (a *answer) sendHeader() (settled bool, err error) {
	if a.sent {
		return false, nil
	}
	a.sent = true
	h := a.Header()
	if a.code == 0 { // whoever is below makes the header up
		return a.caller.settle(h), nil
	}
	late := maps.Clone(h)
	changed := !maps.EqualFunc(h, a.header, slices.Equal)
	if changed {
		replace(h, a.header)
	}
	settled = a.caller.settle(h)
	a.ResponseWriter.WriteHeader(a.code)
	if changed {
		replace(h, late) // trailers are among them
	}
	if len(a.held) > 0 {
		_, err = a.ResponseWriter.Write(a.held)
		a.held = nil
	}
	return settled, err
}

// replace makes h what with is.
func replace(h, with http.Header) {
	clear(h)
	maps.Copy(h, with)
}

// finish sends what the handler has left, once it is done. After a panic it is
// not called: then no more of the answer is sent than the server would have.
func (a *answer) finish() { _ = a.send() }

// FlushError serves http.ResponseController.
func (a *answer) FlushError() error {
	if a.code == 0 && !a.sent {
		a.WriteHeader(http.StatusOK)
	}
	if err := a.send(); err != nil {
		return err
	}
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// Flush serves handlers that ask for an http.Flusher.
func (a *answer) Flush() { _ = a.FlushError() }

// Unwrap serves http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// hijackable is an answer on a connection that can be taken over. Whoever does
// so before writing writes the header too, and no cookie is settled.
type hijackable struct {
	*answer
	below http.Hijacker
}

// Hijack implements http.Hijacker.
func (a hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if a.code != 0 {
		if err := a.send(); err != nil {
			return nil, nil, err
		}
	}
	conn, buffer, err := a.below.Hijack()
	if err == nil {
		a.sent = true
	}
	return conn, buffer, err
}
