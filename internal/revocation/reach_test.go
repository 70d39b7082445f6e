package revocation_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// asked is a store that answers Reach from a script: the last answer stays.
type asked struct {
	answers []store.Reach
	err     error
	hang    bool
	times   int
	seqs    []int64
}

func (a *asked) Reach(ctx context.Context, self auth.NodeID, seqs []int64) (store.Reach, error) {
	if self != "nod_self" {
		return store.Reach{}, errors.New("asked for somebody else")
	}
	a.times, a.seqs = a.times+1, seqs
	if a.hang {
		<-ctx.Done()
		return store.Reach{}, ctx.Err()
	}
	if a.err != nil {
		return store.Reach{}, a.err
	}
	answer := a.answers[0]
	if len(a.answers) > 1 {
		a.answers = a.answers[1:]
	}
	return answer, nil
}

func TestReach_saysWhereARevocationIsInForce(t *testing.T) {
	behind := func(within time.Duration) store.Reach {
		return store.Reach{Behind: []auth.Node{{Name: "other"}}, Within: within}
	}
	for name, c := range map[string]struct {
		asked asked
		// latest is how long after the question, zero for everywhere.
		latest, took time.Duration
	}{
		"every node has told":                   {asked: asked{answers: []store.Reach{{}}}},
		"the other one tells after two looks":   {asked: asked{answers: []store.Reach{behind(29 * time.Second), behind(28 * time.Second), {}}}, took: 40 * time.Millisecond},
		"the other one is silent":               {asked: asked{answers: []store.Reach{behind(12 * time.Second)}}, latest: 12 * time.Second, took: time.Second},
		"the other one's limit is longer":       {asked: asked{answers: []store.Reach{behind(40 * time.Second)}}, latest: 30 * time.Second, took: time.Second},
		"nothing is known of the other one":     {asked: asked{answers: []store.Reach{behind(0)}}, latest: 30 * time.Second, took: time.Second},
		"the database is away after the commit": {asked: asked{err: errors.New("away")}, latest: 30 * time.Second, took: time.Second},
		"the database does not answer":          {asked: asked{hang: true}, latest: 30 * time.Second, took: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				r := revocation.Reach{Store: &c.asked, Self: "nod_self", MaxStaleness: 30 * time.Second}
				got := r.Effect(t.Context(), noted(t, 7, 9))
				want := revocation.Effect{Effective: revocation.Everywhere}
				if c.latest > 0 {
					want = revocation.Effect{Effective: revocation.Pending, Latest: begun.Add(c.latest)}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("effect (-want +got):\n%s", diff)
				}
				if took := time.Since(begun); took != c.took {
					t.Errorf("it took %v, want %v", took, c.took)
				}
				if !cmp.Equal(c.asked.seqs, []int64{7, 9}) {
					t.Errorf("asked for %v", c.asked.seqs)
				}
			})
		})
	}
}

// numbered is a store whose rows get the numbers it was given.
type numbered struct {
	store.Store
	seqs []int64
}

func (n *numbered) InTx(_ context.Context, fn func(store.Tx) error) error {
	return fn(numberedTx{n: n})
}

type numberedTx struct {
	store.Tx
	n *numbered
}

func (t numberedTx) AppendChange(context.Context, auth.Change) (int64, error) {
	seq := t.n.seqs[0]
	t.n.seqs = t.n.seqs[1:]
	return seq, nil
}

// noted commits rows of these numbers and returns what was noted of them.
func noted(t *testing.T, seqs ...int64) *revocation.Noted {
	t.Helper()
	n := &numbered{seqs: seqs}
	ctx, note := revocation.Note(t.Context())
	err := revocation.Applying(n, revocation.NewIndex()).InTx(ctx, func(tx store.Tx) error {
		for len(n.seqs) > 0 {
			if _, err := tx.AppendChange(ctx, ended(auth.NewSessionID(start), 0, start, start)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return note
}

func TestNote_forgetsWhatWasRolledBack(t *testing.T) {
	n := &numbered{seqs: []int64{1, 2, 3}}
	ctx, note := revocation.Note(t.Context())
	s, broken := revocation.Applying(n, revocation.NewIndex()), errors.New("broken")
	for _, result := range []error{nil, broken, nil} {
		err := s.InTx(ctx, func(tx store.Tx) error {
			_, _ = tx.AppendChange(ctx, ended(auth.NewSessionID(start), 0, start, start))
			return result
		})
		if !errors.Is(err, result) {
			t.Fatal(err)
		}
	}
	if got := note.Seqs(); !cmp.Equal(got, []int64{1, 3}) {
		t.Errorf("noted %v, want what was committed", got)
	}
}

func TestReach_ofNothingIsEverywhere(t *testing.T) {
	r := revocation.Reach{Store: &asked{err: errors.New("nobody is asked")}}
	_, note := revocation.Note(t.Context())
	if e := r.Effect(t.Context(), note); e.Effective != revocation.Everywhere {
		t.Errorf("got %+v", e)
	}
}

func TestReach_waitsNoLongerThanItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		begun := time.Now()
		r := revocation.Reach{Store: &asked{hang: true}, Self: "nod_self", MaxStaleness: 30 * time.Second}
		e := r.Effect(ctx, noted(t, 1))
		if e.Effective != revocation.Pending || time.Since(begun) != 100*time.Millisecond {
			t.Errorf("%+v after %v", e, time.Since(begun))
		}
	})
}

// That the store cannot be asked stands in the log, with the cause, and not once
// for each of a thousand revocations; that whoever asked has gone does not.
func TestReach_tellsOnceAMinuteThatNothingCanBeFoundOut(t *testing.T) {
	for name, s := range map[string]*asked{"fails": {err: errors.New("kilroy")}, "hangs": {hang: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log said
				r := revocation.Reach{Store: s, Self: "nod_self", MaxStaleness: 30 * time.Second, Logger: slog.New(slog.NewTextHandler(&log, nil))}
				lines := func() int { return strings.Count(log.String(), "level=WARN") }
				gone, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				r.Effect(gone, noted(t, 1))
				if s.hang && lines() != 0 {
					t.Errorf("whoever asked has gone: %s", log.String())
				}
				for range 30 { // half a minute
					r.Effect(t.Context(), noted(t, 1))
				}
				if lines() != 1 || !strings.Contains(log.String(), "kilroy") && !strings.Contains(log.String(), context.DeadlineExceeded.Error()) {
					t.Errorf("in half a minute %d lines: %s", lines(), log.String())
				}
				time.Sleep(time.Minute)
				r.Effect(t.Context(), noted(t, 1))
				if lines() != 2 {
					t.Errorf("a minute later %d lines: %s", lines(), log.String())
				}
			})
		})
	}
	var log said
	r := revocation.Reach{Store: &asked{answers: []store.Reach{{}}}, Self: "nod_self", Logger: slog.New(slog.NewTextHandler(&log, nil))}
	if r.Effect(t.Context(), noted(t, 1)); log.String() != "" {
		t.Errorf("nothing is wrong, and the log has %s", log.String())
	}
}

func TestEffect_isOneWordAndAMomentInJSON(t *testing.T) {
	at := time.Date(2026, 3, 9, 13, 37, 59, 0, time.UTC)
	for want, e := range map[string]revocation.Effect{
		`{"effective":"everywhere"}`:                              {Effective: revocation.Everywhere},
		`{"effective":"pending","latest":"2026-03-09T13:37:59Z"}`: {Effective: revocation.Pending, Latest: at},
	} {
		if got, err := json.Marshal(e); err != nil || string(got) != want {
			t.Errorf("%s %v, want %s", got, err, want)
		}
	}
}
