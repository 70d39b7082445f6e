package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/config"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/management"
	"github.com/gatehouse-auth/gatehouse/internal/web/ops"
)

// gate is what the server needs of a Gatehouse.
type gate interface {
	Handler() http.Handler
	Run(ctx context.Context) error
	Ready(ctx context.Context) error
	Close() error
}

// server brings a gate to the network and takes it away again.
type server struct {
	config.Server
	gate   gate
	logger *slog.Logger
	// public and ops are open already; ops may be nil.
	public, ops net.Listener
	// tls is nil for plain http.
	tls *tls.Config

	// management, if not nil, serves the management API on the ops listener.
	management http.Handler
	// operator are endpoints of the ops listener beside health and readiness.
	operator []web.Endpoint

	// greet, if not nil, is called once requests can be answered.
	greet func()
	// notify, if not nil, tells the service manager the state. See notify.go.
	notify func(state string) error

	// tracing is nil when there is none.
	tracing *tracing

	// begun is when the program was started, for the log.
	begun time.Time

	// ending: readiness is withdrawn. See drain.go.
	ending atomic.Bool
	// endingSince is when that was, for the log; cut is how many connections
	// were open when their time was over.
	endingSince time.Time
	cut         int64
}

// startTimeout is how long connections wait in the listener's queue for the
// gate to be ready; after it they are answered 503 until it is.
const startTimeout = 10 * time.Second

var errEnding = errors.New("the server is ending")

// run serves until ctx ends, then ends without losing a request: readiness
// turns to 503, no connection is taken any more, requests under way finish,
// the background work ends, the store is closed. It owns the gate and the
// listeners.
func (s *server) run(ctx context.Context) (err error) {
	defer func() {
		err = errors.Join(err, s.gate.Close())
		if !s.endingSince.IsZero() {
			s.logger.Info("ended", "after", time.Since(s.endingSince).Round(time.Millisecond).String(), "cut_connections", s.cut)
		}
	}()

	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	worked := make(chan error, 1)
	go func() { worked <- s.gate.Run(work) }()
	defer func() {
		stopWork()
		if e := <-worked; e != nil && !errors.Is(e, context.Canceled) {
			err = errors.Join(err, e)
		}
	}()

	if s.ops != nil {
		o := s.opsServer()
		go func() { _ = o.Serve(s.ops) }() // ends with Close
		defer o.Close()
	}
	if err := s.awaitReady(ctx, worked); err != nil {
		return err
	}
	if s.greet != nil {
		s.greet()
	}

	d := newDrain(s)
	served := make(chan error, 1)
	go func() { served <- d.serve() }()
	s.logger.Info("listening", "address", s.public.Addr().String(), "ops", opsAddress(s.ops), "tls", s.tls != nil,
		"after", time.Since(s.begun).Round(time.Millisecond).String())
	s.tell(stateReady)
	forgetStart()

	select {
	case <-ctx.Done():
		s.logger.Info("ending", "timeout", s.ShutdownTimeout.String())
	case err = <-served:
		err = fmt.Errorf("the listener failed: %w", err)
	case err = <-worked:
		worked <- nil // for the deferred wait
		err = fmt.Errorf("the background work ended: %w", cmpErr(err))
	}
	s.ending.Store(true)
	s.endingSince = time.Now()
	s.tell(stateStopping)
	return errors.Join(err, d.end())
}

// opsServer answers the operator: life, readiness, metrics, and the management
// API where the settings put it here.
func (s *server) opsServer() *http.Server {
	h := ops.Handler(s.ready, s.operator...)
	if s.management != nil {
		operator := h
		h = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, management.Base+"/") {
				s.management.ServeHTTP(w, r)
				return
			}
			operator.ServeHTTP(w, r)
		})
	}
	o := s.httpServer(h)
	o.TLSConfig = nil
	return o
}

// ready is the answer of /readyz.
func (s *server) ready(ctx context.Context) error {
	if s.ending.Load() {
		return errEnding
	}
	return s.gate.Ready(ctx)
}

// awaitReady waits until requests can be answered, so that the first ones
// after a restart are not refused: their connections wait in the queue of the
// listener, which is open already.
func (s *server) awaitReady(ctx context.Context, worked chan error) error {
	deadline := time.NewTimer(startTimeout)
	defer deadline.Stop()
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for {
		err := s.gate.Ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case err := <-worked:
			worked <- nil
			return cmpErr(err)
		case <-ctx.Done():
			return nil
		case <-deadline.C:
			s.logger.Error("not ready; serving 503 until it is", "err", err)
			return nil
		case <-again.C:
		}
	}
}

// cmpErr makes an error of background work that ended without one.
func cmpErr(err error) error {
	if err == nil {
		return errors.New("without a reason")
	}
	return err
}

// httpServer has a limit on everything a caller can stretch.
func (s *server) httpServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		TLSConfig:         s.tls,
		ReadHeaderTimeout: s.ReadHeaderTimeout,
		ReadTimeout:       s.ReadTimeout,
		WriteTimeout:      s.WriteTimeout,
		IdleTimeout:       s.IdleTimeout,
		MaxHeaderBytes:    s.MaxHeaderBytes,
		// Handshakes that fail and the like: anybody can cause them at will.
		ErrorLog: slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug),
	}
}
