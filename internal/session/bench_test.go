package session_test

import (
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

// benchMount returns a mount and the cookie of a live session on it.
func benchMount(b *testing.B, d seal.Dialect) (*session.Mount, string) {
	b.Helper()
	db, err := sqlstore.Open(b.Context(), sqlstore.Options{Path: filepath.Join(b.TempDir(), "g.db"), Migrate: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	index := revocation.NewIndex()
	index.MarkFresh(time.Now())
	room, err := session.New(session.Options{
		Store: revocation.Applying(db, index), Index: index, Secrets: []auth.Secret{"a secret of Gatehouse alone, 0123456789"},
		Idle: time.Hour, Absolute: 24 * time.Hour, LocalTrust: time.Hour, MaxPerUser: 100, MaxStaleness: time.Hour,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		b.Fatal(err)
	}
	m, err := room.Mount("/api/auth", d, "next-auth.session-token", []auth.Secret{"the application's secret, 0123456789abc"})
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	u := auth.User{ID: auth.NewUserID(now), Email: "ada@example.test", Name: "Ada Lovelace", Roles: []string{"admin", "user"}, Version: 1}
	row := auth.Session{ID: auth.NewSessionID(now), UserID: u.ID, Mount: "/api/auth", CreatedAt: now, AbsoluteEnd: now.Add(24 * time.Hour)}
	_, token, err := m.Seal(b.Context(), session.Begun{Session: row}, session.Proof{User: u}, nil)
	if err != nil {
		b.Fatal(err)
	}
	return m, token.Text
}

// benchCarried is benchMount for the other carriers.
func benchCarried(b *testing.B, carrier string) (*session.Mount, string) {
	b.Helper()
	m, _ := benchMount(b, seal.V4)
	var err error
	if carrier == "iron" {
		err = m.CarryIron(seal.IronPassword{ID: "1", Secret: "the application's password, 0123456789"})
	} else {
		err = m.CarryStored(100_000)
	}
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	u := auth.User{
		ID: auth.NewUserID(now), Email: "ada@example.test", Name: "Ada Lovelace", Roles: []string{"admin", "user"}, Epoch: 1, Version: 1,
		CreatedAt: now, UpdatedAt: now,
	}
	var row session.Begun
	err = m.Store.InTx(b.Context(), func(tx store.Tx) (err error) {
		if err := tx.CreateUser(b.Context(), u); err != nil {
			return err
		}
		row, err = m.Begin(b.Context(), tx, session.Proof{User: u})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	_, token, err := m.Seal(b.Context(), row, session.Proof{User: u}, nil)
	if err != nil {
		b.Fatal(err)
	}
	return m, token.Text
}

// benchEach runs a benchmark for each carrier, and sealed in both dialects.
func benchEach(b *testing.B, run func(b *testing.B, m *session.Mount, token string)) {
	for _, d := range []seal.Dialect{seal.V4, seal.V5} {
		b.Run(string(d), func(b *testing.B) {
			m, token := benchMount(b, d)
			run(b, m, token)
		})
	}
	for _, carrier := range []string{"iron", "stored"} {
		b.Run(carrier, func(b *testing.B) {
			m, token := benchCarried(b, carrier)
			run(b, m, token)
		})
	}
}

// BenchmarkCheck is the in-process check: open the seal, verify gh, compare
// times, ask the index.
func BenchmarkCheck(b *testing.B) {
	benchEach(b, func(b *testing.B, m *session.Mount, token string) {
		b.ReportAllocs()
		for b.Loop() {
			s, err := m.Check(b.Context(), token, auth.Device{})
			if err != nil || s.Verdict != session.Live {
				b.Fatal(s.Verdict, err)
			}
		}
	})
}

// BenchmarkRenew is a check and the next seal, as GET /session does.
func BenchmarkRenew(b *testing.B) {
	benchEach(b, func(b *testing.B, m *session.Mount, token string) {
		b.ReportAllocs()
		for b.Loop() {
			s, err := m.Check(b.Context(), token, auth.Device{})
			if err != nil {
				b.Fatal(err)
			}
			if t, err := m.Renew(b.Context(), &s, nil); err != nil || t.Text == "" {
				b.Fatal(err)
			}
		}
	})
}
