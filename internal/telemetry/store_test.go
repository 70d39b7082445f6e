package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/password"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/telemetry"
)

// scripted is a store whose transactions run as often as it says and end as it
// says.
type scripted struct {
	store.Store
	runs int
	err  error
}

func (s scripted) InTx(ctx context.Context, fn func(tx store.Tx) error) error {
	for range s.runs {
		if err := fn(noRows{}); err != nil {
			return err
		}
	}
	return s.err
}

// noRows accepts sessions, and knows only the one called "known".
type noRows struct{ store.Tx }

func (noRows) InsertSession(context.Context, auth.Session) error { return nil }
func (noRows) EndSession(_ context.Context, id auth.SessionID, _ auth.EndReason, _ time.Time) error {
	if id != "known" {
		return store.ErrNotFound
	}
	return nil
}
func (noRows) EndUserSessions(context.Context, auth.UserID, auth.SessionID, auth.EndReason, time.Time) (int, error) {
	return 7, nil
}

// counted registers bare telemetry and returns its counters by name and label.
func counted(t *testing.T) (*telemetry.Telemetry, func() map[string]float64) {
	t.Helper()
	registry := prometheus.NewRegistry()
	tele := telemetry.New(telemetry.Options{Metrics: registry})
	err := tele.Register(telemetry.Sources{
		Index: revocation.NewIndex(), Follower: &revocation.Follower{}, Sessions: &session.Room{}, Gate: password.NewGate(1, 1), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return tele, func() map[string]float64 {
		t.Helper()
		all, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]float64{}
		for _, f := range all {
			for _, m := range f.Metric {
				name := f.GetName()
				for _, l := range m.Label {
					name += " " + l.GetValue()
				}
				if v := m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount()); v != 0 {
					out[name] = v
				}
			}
		}
		return out
	}
}

func TestStore_countsWhatWasCommittedAlone(t *testing.T) {
	work := func(tx store.Tx) error {
		ctx := context.Background()
		_ = tx.InsertSession(ctx, auth.Session{})
		_ = tx.EndSession(ctx, "known", auth.EndSignOut, time.Time{})
		_ = tx.EndSession(ctx, "unknown", auth.EndSignOut, time.Time{})
		_ = tx.EndSession(ctx, "known", auth.EndSuperseded, time.Time{})
		_, _ = tx.EndUserSessions(ctx, "u", "", auth.EndRevoked, time.Time{})
		return nil
	}
	committed := map[string]float64{
		"gatehouse_sessions_started_total": 1, "gatehouse_sessions_ended_total sign_out": 1, "gatehouse_sessions_ended_total superseded": 1,
		"gatehouse_sessions_ended_total revoked": 7, "gatehouse_store_transaction_duration_seconds": 1,
	}
	refused := map[string]float64{"gatehouse_store_transaction_duration_seconds": 1}
	failed := map[string]float64{"gatehouse_store_transaction_duration_seconds": 1, "gatehouse_store_transaction_errors_total": 1}
	for name, tt := range map[string]struct {
		s    scripted
		want map[string]float64
	}{
		"once":                 {scripted{runs: 1}, committed},
		"run again":            {scripted{runs: 3}, committed},
		"nothing there":        {scripted{runs: 1, err: fmt.Errorf("x: %w", store.ErrNotFound)}, refused},
		"a conflict":           {scripted{runs: 1, err: store.ErrConflict}, refused},
		"a refusal":            {scripted{runs: 1, err: auth.NewError(auth.CodeTooManyAttempts, nil)}, refused},
		"the caller went away": {scripted{runs: 0, err: context.Canceled}, refused},
		"the disk":             {scripted{runs: 1, err: errors.New("disk I/O error")}, failed},
	} {
		tele, values := counted(t)
		if err := tele.Store(tt.s).InTx(t.Context(), work); !errors.Is(err, tt.s.err) {
			t.Errorf("%s: %v became %v", name, tt.s.err, err)
		}
		if diff := cmp.Diff(tt.want, values()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestPurged_countsRowsAndFailures(t *testing.T) {
	tele, values := counted(t)
	tele.Purged("events", 500, nil)
	tele.Purged("events", 3, nil)
	tele.Purged("changes", 0, errors.New("disk I/O error"))
	tele.Purged("changes", 0, fmt.Errorf("ending: %w", context.Canceled))
	if diff := cmp.Diff(map[string]float64{"gatehouse_purged_rows_total events": 503, "gatehouse_purge_errors_total changes": 1}, values()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCommit_countsFailuresApart(t *testing.T) {
	tele, values := counted(t)
	tele.Commit()(3, time.Millisecond, nil)
	tele.Commit()(0, time.Second, errors.New("disk I/O error"))
	if diff := cmp.Diff(map[string]float64{
		"gatehouse_store_commit_duration_seconds": 1, "gatehouse_store_commit_transactions": 1, "gatehouse_store_commit_errors_total": 1,
	}, values()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Nobody who asks means nothing in the way.
func TestNew_withoutAnybodyWhoAsksHasNoHooks(t *testing.T) {
	tele := telemetry.New(telemetry.Options{})
	s := scripted{}
	if tele.Observer() != nil || tele.Commit() != nil || tele.SignIn() != nil || tele.Registration() != nil || tele.Hash() != nil || tele.Store(s) != store.Store(s) || tele.Limits(nil) != nil {
		t.Error("there are hooks")
	}
	if err := tele.Register(telemetry.Sources{}); err != nil {
		t.Error(err)
	}
	tele.Purged("events", 1, nil)
	tele.Unregister()
}
