package faults

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// ErrInjected is what a call answers that was made to fail. Nothing outside may
// show its text; the log has it.
var ErrInjected = errors.New("faults: kilroy broke this call")

// Seam is asked for each call: it runs do, or does not, and returns what the
// caller is told. name is the method's, with "tx." before those of a transaction
// and "feed." before those of a feed.
type Seam func(ctx context.Context, name string, do func() error) error

// Over returns the store with a fault line in front. Each call asks the [Script]
// in its context first and then s, which may be nil.
func Over(below store.Store, s Seam) store.Store {
	return wrapped{below, func(ctx context.Context, name string, do func() error) error {
		if pause, ok := ctx.Value(pauseKey{}).(func(string)); ok {
			pause(name)
		}
		script, _ := ctx.Value(scriptKey{}).(*Script)
		return script.call(ctx, name, func() error {
			if s == nil {
				return do()
			}
			return s(ctx, name, do)
		})
	}}
}

// Mode is a way to fail.
type Mode string

// The Modes.
const (
	// Fail: the call has no effect and an error.
	Fail Mode = "error"
	// Hang: the call has no effect and returns when its context has ended, which
	// a test brings about by [Script.Context].
	Hang Mode = "time-out"
	// Lost: the call has its effect, a transaction commits, and the caller gets
	// an error nevertheless.
	Lost Mode = "answer lost"
)

// Modes are all of them.
var Modes = []Mode{Fail, Hang, Lost}

// Script records the calls that are made below one context, and fails one of
// them. The zero value fails none. It is safe for concurrent use.
type Script struct {
	// At is which call fails, counted from one; zero fails none.
	At   int
	Mode Mode

	mu     sync.Mutex
	calls  []string
	hit    bool
	stuck  bool
	expire func()
}

type scriptKey struct{}

// Context returns a context whose calls the Script sees. It ends when a call
// hangs, as a deadline does that passes meanwhile.
func (s *Script) Context(parent context.Context) context.Context {
	d := &deadline{Context: context.WithValue(parent, scriptKey{}, s), passed: make(chan struct{})}
	s.expire = sync.OnceFunc(func() { close(d.passed) })
	return d
}

type pauseKey struct{}

// Pausing returns a context below which fn hears of each call before it is made,
// and may keep it waiting.
func Pausing(ctx context.Context, fn func(name string)) context.Context {
	return context.WithValue(ctx, pauseKey{}, fn)
}

// Calls are the names of the calls so far, in order.
func (s *Script) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.calls...)
}

// Hit says whether the call came that was to fail.
func (s *Script) Hit() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hit
}

// Stuck says whether a call hung that no context would ever have ended.
func (s *Script) Stuck() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stuck
}

func (s *Script) call(ctx context.Context, name string, do func() error) error {
	if s == nil || !s.next(name) {
		return do()
	}
	switch s.Mode {
	case Hang:
		s.expire()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Second): // longer than any call of a room may take by its own rules
			s.mu.Lock()
			defer s.mu.Unlock()
			s.stuck = true
			return ErrInjected
		}
	case Lost:
		_ = do() // whatever it was, the caller does not hear of it
	}
	return ErrInjected
}

// next counts the call and says whether it is the one.
func (s *Script) next(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, name)
	if len(s.calls) != s.At {
		return false
	}
	s.hit = true
	return true
}

// deadline is a context whose deadline passes when a test says so.
type deadline struct {
	context.Context
	passed chan struct{}
}

// Done implements context.Context.
func (d *deadline) Done() <-chan struct{} { return d.passed }

// Err implements context.Context.
func (d *deadline) Err() error {
	select {
	case <-d.passed:
		return context.DeadlineExceeded
	default:
		return nil
	}
}
