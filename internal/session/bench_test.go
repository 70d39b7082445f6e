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

// BenchmarkCheck is the in-process check: open the seal, verify gh, compare
// times, ask the index.
func BenchmarkCheck(b *testing.B) {
	for _, d := range []seal.Dialect{seal.V4, seal.V5} {
		b.Run(string(d), func(b *testing.B) {
			m, token := benchMount(b, d)
			b.ReportAllocs()
			for b.Loop() {
				s, err := m.Check(b.Context(), token, auth.Device{})
				if err != nil || s.Verdict != session.Live {
					b.Fatal(s.Verdict, err)
				}
			}
		})
	}
}

// BenchmarkRenew is a check and the next seal, as GET /session does.
func BenchmarkRenew(b *testing.B) {
	for _, d := range []seal.Dialect{seal.V4, seal.V5} {
		b.Run(string(d), func(b *testing.B) {
			m, token := benchMount(b, d)
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
}
