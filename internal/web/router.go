package web

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// RouterOptions are what a Router needs besides its Endpoints.
type RouterOptions struct {
	Logger *slog.Logger
	// ClientAddress resolves who calls; an invalid address means unknown. Nil
	// means unknown for everybody.
	ClientAddress func(r *http.Request) netip.Addr
	// HTTPS: the public origin is https, so answers carry HSTS.
	HTTPS bool
	// Page shows people who navigate to an address that no Endpoint has that
	// there is nothing; nil gives them the problem document that everybody else
	// gets.
	Page FailFunc
	// Seen, if not nil, is told of every request before it is answered.
	Seen func(r *http.Request, f *Facts)
	// Observe, if not nil, is asked once for each Endpoint, when the Router is
	// built, who measures its requests; nil means nobody.
	Observe func(e Endpoint) Observer
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Deadline is how long a request may wait for what its answer needs, all
	// calls together; then they fail, and it is answered 503. Zero means that
	// each call has its own limits alone.
	Deadline time.Duration
}

// Router serves Endpoints: it gives each request its facts, sets the headers
// that its posture demands, survives panics, and writes one log line.
type Router struct {
	RouterOptions
	mux     *http.ServeMux
	nowhere http.Handler
}

// NewRouter refuses an Endpoint without a full posture, and two that are the
// same.
func NewRouter(endpoints []Endpoint, o RouterOptions) (rt *Router, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	rt = &Router{RouterOptions: o, mux: http.NewServeMux()}
	nothing := nowhere(o.Page)
	rt.nowhere = rt.serve(nothing)
	for _, e := range append(slices.Clone(endpoints), nothing) {
		if err := e.check(); err != nil {
			return nil, err
		}
		if err := rt.add(e); err != nil {
			return nil, err
		}
	}
	return rt, nil
}

// add turns the mux's panic about clashing patterns into an error.
func (rt *Router) add(e Endpoint) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("endpoint %s %s: %v", e.Method, e.Pattern, p)
		}
	}()
	pattern := e.Pattern
	if e.Method != "*" {
		pattern = e.Method + " " + pattern
	}
	rt.mux.Handle(pattern, rt.serve(e))
	return nil
}

// ServeHTTP answers with the Endpoint that the address names; every other
// address is 404. An address that is not written in its one clean way names
// nothing: it is refused, not repaired.
func (rt *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !isClean(r.URL.Path) {
		rt.nowhere.ServeHTTP(w, r)
		return
	}
	rt.mux.ServeHTTP(w, r)
}

// isClean says whether p is rooted and what path.Clean makes of it, but for a
// final slash.
func isClean(p string) bool {
	if !strings.HasPrefix(p, "/") {
		return false
	}
	c := path.Clean(p)
	return c == p || c != "/" && c+"/" == p
}

// nowhere answers for every address that no Endpoint has, with page to those who
// navigate.
func nowhere(page FailFunc) Endpoint {
	return Endpoint{
		Method: "*", Pattern: "/", Guard: Public, CSRF: SafeMethod, Rate: Unlimited, Cache: NoStore,
		Handle: func(http.ResponseWriter, *http.Request) error { return auth.NewError(auth.CodeNotFound, nil) },
		Fail: func(w http.ResponseWriter, r *http.Request, err error) {
			if page != nil && Navigates(r) {
				page(w, r, err)
				return
			}
			FailProblem(w, r, err)
		},
	}
}

const (
	// maxUserAgent is how much of User-Agent is kept, in bytes.
	maxUserAgent = 255
	// maxMethod is how long a method may be that is logged: an invented one may
	// be as long as the header.
	maxMethod = 16
)

func (rt *Router) serve(e Endpoint) http.Handler {
	var observer Observer
	if rt.Observe != nil {
		observer = rt.Observe(e)
	}
	headers := rt.headers(e)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := rt.Now()
		facts := &Facts{RequestID: newRequestID()}
		if rt.ClientAddress != nil {
			facts.Device.Address = rt.ClientAddress(r)
		}
		facts.Device.UserAgent = cleanUserAgent(r.UserAgent())
		if rt.Seen != nil {
			rt.Seen(r, facts)
		}
		limited := &requestContext{Context: r.Context(), facts: facts, limit: rt.Deadline}
		defer limited.release()
		ctx := context.Context(limited)
		if observer != nil {
			ctx = observer.Begin(ctx, r, facts)
		}
		r = r.WithContext(ctx)
		out := &recorder{ResponseWriter: w}
		aborted := true
		defer func() { // also when the answer was aborted, whose panic goes on
			took, status := rt.Now().Sub(begun), out.status()
			if aborted && !out.written {
				status = 0
			}
			if observer != nil {
				observer.End(ctx, r, facts, status, took)
			}
			rt.log(e, r, status, facts, took)
		}()
		out.Header()["X-Request-Id"] = []string{facts.RequestID}
		headers.put(out.Header())
		err := rt.handle(e, out, r)
		if err != nil {
			facts.Err = err // logged also when a panic came too late to be answered
			if !out.written {
				e.Fail(out, r, err)
			}
		}
		aborted = false
	})
}

// handle turns a panic into an error: it is logged with its stack, answered as
// any fault of ours, and the process lives on.
func (rt *Router) handle(e Endpoint, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if p == http.ErrAbortHandler {
			FactsFrom(r.Context()).Err = fmt.Errorf("the answer was cut off: %w", context.Canceled)
			panic(p)
		}
		err = auth.NewError(auth.CodeInternal, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
	}()
	return e.Handle(w, r)
}

// requestIDs writes request IDs in letters and digits that nobody confuses.
var requestIDs = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567")

// newRequestID returns 80 random bits in 16 characters.
func newRequestID() string {
	var b [10]byte
	rand.Read(b[:]) // never fails, see crypto/rand
	var text [16]byte
	requestIDs.Encode(text[:], b[:])
	return string(text[:])
}

// headers are those that every answer of the Endpoint carries; pages override
// the policy with one that lets their own style in.
func (rt *Router) headers(e Endpoint) (f fixedHeaders) {
	f.add("X-Content-Type-Options", "nosniff")
	f.add("Referrer-Policy", "no-referrer")
	f.add("X-Frame-Options", "DENY")
	f.add("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox")
	if e.Cache == Published {
		f.add("Cross-Origin-Resource-Policy", "cross-origin")
		f.add("Access-Control-Allow-Origin", "*")
	} else {
		f.add("Cross-Origin-Resource-Policy", "same-origin")
	}
	if rt.HTTPS {
		f.add("Strict-Transport-Security", "max-age=63072000")
	}
	switch e.Cache {
	case Immutable:
		f.add("Cache-Control", "public, max-age=31536000, immutable")
	case Published:
		f.add("Cache-Control", "public, max-age=600")
	default:
		f.add("Cache-Control", "no-store")
	}
	return f
}

// fixedHeaders are headers with one value each, the same in every answer. The
// names are in canonical form.
type fixedHeaders struct{ names, values []string }

func (f *fixedHeaders) add(name, value string) {
	f.names, f.values = append(f.names, name), append(f.values, value)
}

// put sets them in h. The values are one slice, made for h alone because
// whoever serves behind it may change them in place, and each is cut so that
// appending to it reaches no other.
func (f fixedHeaders) put(h http.Header) {
	values := slices.Clone(f.values)
	for i, name := range f.names {
		h[name] = values[i : i+1 : i+1]
	}
}

// log writes the one line of a request: IDs and codes, never what was typed,
// never a query, never a cookie.
func (rt *Router) log(e Endpoint, r *http.Request, status int, f *Facts, took time.Duration) {
	level := slog.LevelInfo
	attrs := make([]slog.Attr, 0, 12)
	attrs = append(attrs,
		slog.String("request_id", f.RequestID), slog.String("method", loggedMethod(r.Method)), slog.String("endpoint", e.Pattern),
		slog.Int("status", status), slog.Duration("took", took.Round(time.Microsecond)))
	if f.UserID != "" {
		attrs = append(attrs, slog.String("user_id", string(f.UserID)))
	}
	if f.SessionID != "" {
		attrs = append(attrs, slog.String("session_id", string(f.SessionID)))
	}
	if f.TraceID != "" {
		attrs = append(attrs, slog.String("trace_id", f.TraceID), slog.String("span_id", f.SpanID))
	}
	if f.Err != nil {
		refused := auth.AsError(f.Err)
		attrs = append(attrs, slog.String("code", string(refused.Code)))
		switch refused.Code.Kind() {
		case auth.KindInternal, auth.KindUnavailable:
			level = slog.LevelError
			attrs = append(attrs, slog.String("err", f.Err.Error()))
			switch {
			case errors.Is(f.Err, context.Canceled):
				level = slog.LevelInfo // the caller went away
			case refused.Code == auth.CodeBusy:
				level = slog.LevelWarn // as designed, and anybody can bring it about
			}
		}
	}
	rt.Logger.LogAttrs(r.Context(), level, "request", attrs...)
}

// loggedMethod keeps out of the log what is no method, which is an outsider's
// text like any other; "_OTHER" is what traces call it too.
func loggedMethod(m string) string {
	if len(m) > maxMethod || strings.Trim(m, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" {
		return "_OTHER"
	}
	return m
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	code    int
	written bool
}

func (w *recorder) WriteHeader(code int) {
	if !w.written && code >= 200 {
		w.code, w.written = code, true
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *recorder) Write(b []byte) (int, error) {
	w.written = true
	return w.ResponseWriter.Write(b)
}

// Unwrap serves http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recorder) status() int {
	if w.code == 0 {
		return http.StatusOK
	}
	return w.code
}
