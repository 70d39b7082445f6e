package faults_test

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/seam/faults"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// nothing is a store, its transaction and its feed, of which no method may be
// reached: each would panic.
type nothing struct{ store.Store }

func (nothing) InTx(_ context.Context, fn func(tx store.Tx) error) error { return fn(nothing{}) }
func (nothing) OpenFeed(context.Context) (store.Feed, error)             { return noFeed{}, nil }

type noFeed struct{ store.Feed }

// Every method of the contract asks before it reaches what is below, under its
// own name.
func TestOver_asksBeforeEveryMethod(t *testing.T) {
	var asked []string
	failing := true
	s := faults.Over(nothing{}, func(_ context.Context, name string, do func() error) error {
		if asked = append(asked, name); !failing {
			return do()
		}
		return faults.ErrInjected
	})
	seen := 0
	every := func(on any, contract reflect.Type, prefix string) {
		for i := range contract.NumMethod() {
			m := contract.Method(i)
			args := []reflect.Value{}
			for n := range m.Type.NumIn() {
				args = append(args, reflect.Zero(m.Type.In(n)))
				if m.Type.In(n) == reflect.TypeFor[context.Context]() {
					args[n] = reflect.ValueOf(t.Context())
				}
			}
			asked = nil
			out := reflect.ValueOf(on).MethodByName(m.Name).Call(args)
			err, _ := out[len(out)-1].Interface().(error)
			if !errors.Is(err, faults.ErrInjected) || len(asked) != 1 || asked[0] != prefix+m.Name {
				t.Errorf("%s%s: %v, asked %v", prefix, m.Name, err, asked)
			}
			seen++
		}
	}
	every(s, reflect.TypeFor[store.Store](), "")
	failing = false
	feed, err := s.OpenFeed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = s.InTx(t.Context(), func(tx store.Tx) error {
		failing = true
		every(tx, reflect.TypeFor[store.Tx](), "tx.")
		every(feed, reflect.TypeFor[store.Feed](), "feed.")
		return nil
	})
	if err != nil || seen < 90 {
		t.Errorf("%v; %d methods seen", err, seen)
	}
}

// counted is a store that counts what reaches it.
type counted struct {
	store.Store
	pings int
}

func (c *counted) Ping(context.Context) error { c.pings++; return nil }

func TestScript_failsTheCallItIsToldTo(t *testing.T) {
	for _, mode := range faults.Modes {
		below := &counted{}
		s := faults.Over(below, nil)
		script := faults.Script{At: 2, Mode: mode}
		ctx := script.Context(t.Context())
		first, second := s.Ping(ctx), s.Ping(ctx)
		others := s.Ping(t.Context()) // below another context
		want, reached := faults.ErrInjected, 2
		switch mode {
		case faults.Hang:
			want = context.DeadlineExceeded
		case faults.Lost:
			reached = 3
		}
		if first != nil || !errors.Is(second, want) || others != nil || below.pings != reached || !script.Hit() || script.Stuck() || len(script.Calls()) != 2 {
			t.Errorf("%s: %v, %v, %v; %d reached, hit %t, stuck %t, %v", mode, first, second, others, below.pings, script.Hit(), script.Stuck(), script.Calls())
		}
	}
}

// A call below a context that nothing ends would hang for ever: that is told.
func TestScript_tellsACallThatNothingWouldEnd(t *testing.T) {
	script := faults.Script{At: 1, Mode: faults.Hang}
	err := faults.Over(&counted{}, nil).Ping(context.WithoutCancel(script.Context(t.Context())))
	if err == nil || !script.Stuck() {
		t.Errorf("%v, stuck %t", err, script.Stuck())
	}
}
