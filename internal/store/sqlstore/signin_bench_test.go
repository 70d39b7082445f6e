//go:build unix

package sqlstore_test

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// BenchmarkSignInRows is what a sign-in writes: a session and its event, in one
// transaction. The time of the processor is this process's, which on SQLite is all
// there is.
func BenchmarkSignInRows(b *testing.B) {
	for name, db := range map[string]store.Store{"SQLite": openNew(b), "PostgreSQL": openPostgres(b, newPostgres(b))} {
		b.Run(name, func(b *testing.B) {
			ctx, now := context.Background(), time.Now()
			u := auth.User{ID: auth.NewUserID(now), Email: "ada@example.org", Epoch: 1, Version: 1, CreatedAt: now, UpdatedAt: now}
			if err := db.CreateUser(ctx, u); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			begun := processor(b)
			for b.Loop() {
				now := time.Now()
				s := auth.Session{ID: auth.NewSessionID(now), UserID: u.ID, Epoch: 1, CreatedAt: now, LastSeenAt: now, AbsoluteEnd: now.Add(time.Hour), Version: 1}
				err := db.InTx(ctx, func(tx store.Tx) error {
					if err := tx.InsertSession(ctx, s); err != nil {
						return err
					}
					return tx.AppendEvent(ctx, auth.Event{ID: auth.NewEventID(now), At: now, Type: auth.EventSignInSucceeded, Actor: string(u.ID), UserID: u.ID, SessionID: s.ID})
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((processor(b)-begun).Microseconds())/float64(b.N), "cpu-µs/op")
			if err := db.DeleteUser(ctx, u.ID); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// processor is the time of the processor that this process has had.
func processor(b *testing.B) time.Duration {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
