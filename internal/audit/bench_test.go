package audit_test

import (
	"fmt"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// fill appends n events in few transactions.
func (g *ground) fill(b *testing.B, n int) {
	for n > 0 {
		some := min(n, 500)
		err := g.InTx(b.Context(), func(tx store.Tx) error {
			for range some {
				now := g.clock.Now()
				id := auth.NewUserID(now)
				if err := tx.AppendEvent(b.Context(), auth.Event{
					ID: auth.NewEventID(now), At: now, Type: auth.EventSignInSucceeded, Actor: string(id), UserID: id, SessionID: auth.NewSessionID(now),
					Client: "/api/auth", Agent: "Firefox on Windows",
				}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		n -= some
	}
}

func onEach(b *testing.B, bench func(b *testing.B, g *ground)) {
	b.Run("SQLite", func(b *testing.B) { bench(b, onSQLite(b)) })
	b.Run("PostgreSQL", func(b *testing.B) { bench(b, onPostgres(b)) })
}

// BenchmarkChain is one event that gets its place, in rounds of many.
func BenchmarkChain(b *testing.B) {
	onEach(b, func(b *testing.B, g *ground) {
		r := g.room(b)
		g.fill(b, b.N)
		b.ReportAllocs()
		b.ResetTimer()
		if n := chain(b, r); n != b.N {
			b.Fatal(fmt.Sprint(n, " were chained, want ", b.N))
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
}

// BenchmarkVerify is one event of a whole look.
func BenchmarkVerify(b *testing.B) {
	onEach(b, func(b *testing.B, g *ground) {
		r := g.room(b)
		g.fill(b, b.N)
		chain(b, r)
		b.ReportAllocs()
		b.ResetTimer()
		good(b, r, int64(b.N))
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
}
