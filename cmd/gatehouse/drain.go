package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// drain serves the public listener and ends without losing a request.
//
// http.Server.Shutdown alone loses some: it closes connections that are idle,
// while a request may be on its way on one of them, and a listener that is
// closed resets the connections it has not handed out yet. So:
//
//  1. readiness is 503, and for shutdown_delay nothing else changes;
//  2. new connections are refused, and those that wait are taken (closeDoor);
//  3. each answer now says Connection: close, so that callers who keep
//     connections learn it with an answer and not with a reset;
//  4. once nothing has happened on any connection for a while, or after half
//     of shutdown_timeout, Shutdown closes what is idle and waits for the rest.
type drain struct {
	*server
	http    *http.Server
	closing atomic.Bool
	// open counts connections, stirred is when one last changed its state, in
	// nanoseconds of the clock of start.
	open    atomic.Int64
	stirred atomic.Int64
	start   time.Time
	// served is closed when serve has returned.
	served chan struct{}
}

const (
	// settle is how long handshakes under way get to finish.
	settle = 50 * time.Millisecond
	// quiet is how long nothing must have happened.
	quiet = time.Second
)

func newDrain(s *server) *drain {
	d := &drain{server: s, start: time.Now(), served: make(chan struct{})}
	h := s.tracing.adopt(s.gate.Handler())
	d.http = s.httpServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(&closer{ResponseWriter: w, closing: &d.closing}, r)
	}))
	d.http.ConnState = d.connState
	return d
}

func (d *drain) connState(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		d.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		d.open.Add(-1)
	}
	d.stirred.Store(int64(time.Since(d.start)))
}

// serve returns when the listener is closed.
func (d *drain) serve() error {
	defer close(d.served)
	if d.tls != nil {
		return d.http.ServeTLS(d.public, "", "")
	}
	return d.http.Serve(d.public)
}

func (d *drain) end() error {
	time.Sleep(d.ShutdownDelay)
	closeDoor(d.public)
	time.Sleep(settle)
	d.public.Close()
	<-d.served // else Shutdown would close the listener again, and fail
	d.closing.Store(true)

	ctx, cancel := context.WithTimeout(context.Background(), d.ShutdownTimeout)
	defer cancel()
	d.awaitQuiet(d.ShutdownTimeout / 2)
	err := d.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		open := d.open.Load()
		d.cut = open
		d.http.Close()
		return fmt.Errorf("requests were cut off: %d connections were still open after %v; lengthen shutdown_timeout if they were right to take so long",
			open, d.ShutdownTimeout)
	}
	return err
}

// awaitQuiet waits until no connection is left or nothing happens on any.
func (d *drain) awaitQuiet(most time.Duration) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	began := time.Since(d.start)
	for d.open.Load() > 0 {
		now := time.Since(d.start)
		still := now - max(began, time.Duration(d.stirred.Load()))
		if still >= quiet || now-began >= most {
			return
		}
		<-tick.C
	}
}

// closer says Connection: close in answers that begin after closing was set
// (RFC 9112 §9.6; in HTTP/2 it becomes a GOAWAY).
type closer struct {
	http.ResponseWriter
	closing *atomic.Bool
	began   bool
}

func (w *closer) WriteHeader(code int) {
	w.begin()
	w.ResponseWriter.WriteHeader(code)
}

func (w *closer) Write(b []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(b)
}

func (w *closer) begin() {
	if !w.began && w.closing.Load() {
		w.Header().Set("Connection", "close")
	}
	w.began = true
}

// Unwrap serves http.ResponseController.
func (w *closer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
