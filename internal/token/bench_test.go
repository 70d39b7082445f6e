package token_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/token"
)

// benchSite is a room with one grant for Gatehouse's own guards.
func benchSite(b *testing.B) (*roomtest.Rooms, *token.Issuer, token.Grant) {
	b.Helper()
	r := roomtest.New(b)
	i := r.Tokens(b, r.TokenOptions(b))
	return r, i, r.GrantTo(b, i, r.NewUser(b, "ann", "user"), own)
}

// What signing alone costs: the floor of issuing.
func BenchmarkRawES256(b *testing.B) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	text := make([]byte, 700)
	b.ReportAllocs()
	for b.Loop() {
		sum := sha256.Sum256(text)
		if _, err := ecdsa.SignASN1(rand.Reader, key, sum[:]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRawES256Verify(b *testing.B) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	text := make([]byte, 700)
	sum := sha256.Sum256(text)
	signature, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		sum := sha256.Sum256(text)
		if !ecdsa.VerifyASN1(&key.PublicKey, sum[:], signature) {
			b.Fatal("wrong")
		}
	}
}

// An access token for a session, without a refresh token: two reads and a
// signature.
func BenchmarkIssue(b *testing.B) {
	r, i, g := benchSite(b)
	plan, err := i.Plan(token.Demand{Audience: roomtest.OwnAPI, WithoutRefresh: true})
	if err != nil {
		b.Fatal(err)
	}
	row, err := r.DB.Session(ctx, g.SessionID)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := plan.FromSession(ctx, row.ID, row.Epoch); err != nil {
			b.Fatal(err)
		}
	}
}

// Refreshes that rotate, of many families at once: the commits are shared.
func BenchmarkRefresh(b *testing.B) {
	r, i, _ := benchSite(b)
	const clients = 64
	tokens := make([]auth.Secret, clients)
	for n := range tokens {
		tokens[n] = r.GrantTo(b, i, r.NewUser(b, "user"+string(rune('a'+n/26))+string(rune('a'+n%26))), own).Refresh
	}
	var next atomic.Int64
	b.SetParallelism(max(clients/runtime.GOMAXPROCS(0), 1))
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		n := (next.Add(1) - 1) % clients
		for p.Next() {
			g, err := i.Refresh(ctx, tokens[n], token.Client{}, auth.Device{})
			if err != nil {
				b.Error(err)
				return
			}
			tokens[n] = g.Refresh
			r.Clock.Advance(15 * time.Second / clients)
			r.Index.MarkFresh(r.Clock.Now())
		}
	})
	st := i.Stats()
	b.ReportMetric(float64(st.Rotated)/float64(b.N), "rotations/op")
}

// The check of a token that was seen before.
func BenchmarkCheck_cached(b *testing.B) {
	_, i, g := benchSite(b)
	if _, err := i.Check(ctx, g.Access); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := i.Check(ctx, g.Access); err != nil {
			b.Fatal(err)
		}
	}
}

// The check of a token that was never seen.
func BenchmarkCheck_firstSight(b *testing.B) {
	_, i, g := benchSite(b)
	b.ReportAllocs()
	for b.Loop() {
		i.Forget()
		if _, err := i.Check(ctx, g.Access); err != nil {
			b.Fatal(err)
		}
	}
}

// A cached check allocates nothing: the guard's request is as cheap as that of a
// cookie.
func TestCheck_cachedAllocatesNothing(t *testing.T) {
	s := newSite(t)
	text := s.grant(own).Access
	if !s.good(text) {
		t.Fatal("not good")
	}
	if n := testing.AllocsPerRun(200, func() {
		if _, err := s.tokens.Check(ctx, text); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations for a check of a token that was seen before", n)
	}
}
