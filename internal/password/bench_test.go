package password_test

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/gatehouse-auth/gatehouse/internal/password"
)

// BenchmarkHash compares 64 callers of a gated Hasher with raw hashing by as
// many goroutines as cores, in alternating rounds. The goal is 0.97 of raw.
//
//	go test -run=- -bench=Hash -benchtime=20x ./internal/password
func BenchmarkHash(b *testing.B) {
	h, err := password.New(password.Options{Gate: password.NewGate(0, 64)})
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	salt := []byte("0123456789abcdef")
	raw := func() { argon2.IDKey([]byte("correct horse battery"), salt, 2, 19*1024, 1, 32) }
	gated := func() {
		if _, err := h.Hash(ctx, "correct horse battery"); err != nil {
			b.Error(err)
		}
	}
	const perRound = 64
	var ratios, rates []float64
	for b.Loop() {
		rawTime := spread(runtime.GOMAXPROCS(0), perRound, raw)
		gatedTime := spread(64, perRound, gated)
		ratios = append(ratios, rawTime.Seconds()/gatedTime.Seconds())
		rates = append(rates, perRound/gatedTime.Seconds())
	}
	b.ReportMetric(median(rates), "gated/s")
	b.ReportMetric(median(ratios), "gated/raw")
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

// spread runs work n times in all on the given number of goroutines.
func spread(goroutines, n int, work func()) time.Duration {
	var all sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(n))
	begun := time.Now()
	for range goroutines {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				work()
			}
		})
	}
	all.Wait()
	return time.Since(begun)
}

// BenchmarkGate is the cost of the gate itself.
func BenchmarkGate(b *testing.B) {
	g := password.NewGate(0, 0)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		g.Do(ctx, 1, func() {})
	}
}
