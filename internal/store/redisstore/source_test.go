package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit/sourcetest"
	"github.com/gatehouse-auth/gatehouse/internal/redistest"
	"github.com/gatehouse-auth/gatehouse/internal/store/redisstore"
)

var key = []byte("a key that hides what is counted")

// open runs a Source until the test ends, and returns when it is up.
func open(t testing.TB, addresses []string, change ...func(*redisstore.Options)) *redisstore.Source {
	t.Helper()
	o := redisstore.Options{Addresses: addresses, Key: key, Timeout: 10 * time.Second}
	for _, c := range change {
		c(&o)
	}
	s, err := redisstore.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	awaitUp(t, s, true)
	return s
}

func awaitUp(t testing.TB, s *redisstore.Source, want bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		up, cause := s.Up()
		if up == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("up is %v for too long: %v", up, cause)
		}
	}
}

func callersTime(o *redisstore.Options) { o.CallersTime = true }

// keyed gives each case of the suite keys of its own on one server.
func keyed(n *atomic.Int32) func(*redisstore.Options) {
	return func(o *redisstore.Options) { o.Key = fmt.Appendf(nil, "a key of a case of the suite %d", n.Add(1)) }
}

// proves: ASVS 1.3.9
func TestSource_isASource(t *testing.T) {
	server := redistest.Start(t)
	var n atomic.Int32
	sourcetest.Run(t, func(t *testing.T) ratelimit.Source {
		return open(t, []string{server.Address()}, callersTime, keyed(&n))
	})
}

func TestSource_inAClusterIsASource(t *testing.T) {
	cluster := redistest.StartCluster(t)
	var n atomic.Int32
	sourcetest.Run(t, func(t *testing.T) ratelimit.Source {
		return open(t, cluster.Addresses()[:1], callersTime, keyed(&n))
	})
}

// The script decides as the Go code does, in any order of things.
func TestSource_decidesAsMemoryDoes(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, []string{server.Address()}, callersTime)
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		memory := ratelimit.NewMemory(0)
		limits := make([]ratelimit.Limit, 3)
		for i := range limits {
			limits[i] = ratelimit.Limit{Name: fmt.Sprint(seed, i), Burst: 1 + random.IntN(30), Period: time.Duration(1+random.IntN(1_000_000_007)) * time.Microsecond}
			if limits[i].Period < 30*time.Microsecond {
				limits[i].Period = time.Second
			}
		}
		now := time.UnixMicro(1_700_000_000_000_000)
		for step := range 60 {
			switch now = now.Add(time.Duration(random.IntN(60_000_000)) * time.Microsecond); random.IntN(12) {
			case 0:
				now = now.Add(-time.Duration(random.IntN(600)) * time.Second)
			case 1:
				now = now.Add(time.Duration(random.IntN(100)) * time.Hour)
			case 2: // a limit is changed
				i := random.IntN(len(limits))
				limits[i].Burst = 1 + random.IntN(30)
			}
			order := random.Perm(3)[:1+random.IntN(3)]
			cost := 30
			var mine, theirs []ratelimit.Ask
			for _, i := range order {
				mine = append(mine, ratelimit.Ask{Limit: limits[i], Key: fmt.Sprint(random.IntN(2))})
				cost = min(cost, limits[i].Burst)
			}
			theirs = slices.Clone(mine)
			cost = 1 + random.IntN(cost)
			a, errA := memory.TakeAll(t.Context(), "g", mine, cost, now)
			b, errB := s.TakeAll(t.Context(), "g", theirs, cost, now)
			if errA != nil || errB != nil {
				t.Fatal(errA, errB)
			}
			if diff := cmp.Diff(mine, theirs); diff != "" || a != b {
				t.Fatalf("seed %d, step %d: memory says %v, Redis %v (-memory +redis):\n%s", seed, step, a, b, diff)
			}
		}
	}
}

var perHour = ratelimit.Limit{Name: "per-hour", Burst: 100, Period: time.Hour}

// By the clock of Redis: three servers whose own clocks are years apart share
// one allowance.
func TestSource_theTimeIsThatOfRedis(t *testing.T) {
	server := redistest.Start(t)
	passed := 0
	for _, off := range []time.Duration{-10 * 365 * 24 * time.Hour, 0, 10 * 365 * 24 * time.Hour} {
		s := open(t, []string{server.Address()})
		for range 60 {
			d, err := s.Take(t.Context(), "a", perHour, 1, time.Now().Add(off))
			if err != nil {
				t.Fatal(err)
			}
			if d.Allowed {
				passed++
			}
		}
	}
	if passed != 100 {
		t.Errorf("%d of 180 passed, want 100", passed)
	}
}

// A decision over several allowances is one round trip, and the script is sent
// once.
func TestSource_aDecisionIsOneCommand(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, []string{server.Address()})
	asks := func(key string) []ratelimit.Ask {
		return []ratelimit.Ask{{Limit: perHour, Key: key}, {Limit: ratelimit.Limit{Name: "x", Burst: 5, Period: time.Second}, Key: "b" + key}}
	}
	if _, err := s.TakeAll(t.Context(), "g", asks("a"), 1, time.Now()); err != nil {
		t.Fatal(err)
	}
	server.Ask(t, "CONFIG RESETSTAT")
	const n = 50
	for range n {
		if _, err := s.TakeAll(t.Context(), "g", asks("a"), 1, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	stats := server.Ask(t, "INFO commandstats")
	if !strings.Contains(stats, fmt.Sprintf("cmdstat_evalsha:calls=%d,", n)) || strings.Contains(stats, "cmdstat_eval:") {
		t.Errorf("commands of %d decisions:\n%s", n, stats)
	}
	server.Ask(t, "SCRIPT FLUSH")
	if _, err := s.TakeAll(t.Context(), "g", asks("a"), 1, time.Now()); err != nil {
		t.Errorf("after the script was forgotten: %v", err)
	}
}

// What somebody sees who reads the Redis: no address, no name; and nothing stays.
//
// proves: ASVS 14.2.4, ASVS 1.3.9
func TestSource_keysTellNothingAndGo(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, []string{server.Address()})
	short := ratelimit.Limit{Name: "short", Burst: 10, Period: 100 * time.Millisecond}
	for _, key := range []string{"192.0.2.1", "ada@app.example"} {
		if _, err := s.Take(t.Context(), key, short, 10, time.Now()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Take(t.Context(), key, perHour, 1, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	all := server.Ask(t, "KEYS *")
	for _, k := range strings.Split(all, "\n") {
		if !strings.HasPrefix(k, "gatehouse:limit:{") || len(k) != len("gatehouse:limit:{}:")+44 {
			t.Errorf("key %q", k)
		}
		if ttl := server.Ask(t, "PTTL "+k); strings.HasPrefix(ttl, "-1") {
			t.Errorf("%s never goes", k)
		}
		if strings.Contains(server.Ask(t, "GET "+k), "ada") {
			t.Errorf("%s says whose it is", k)
		}
	}
	for deadline := time.Now().Add(20 * time.Second); server.Ask(t, "DBSIZE") != "2"; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("left: %s", server.Ask(t, "KEYS *"))
		}
	}
}

// All that is asked of together lies on one server of a cluster, and different
// groups do not.
func TestSource_inAClusterADecisionIsOfOneServer(t *testing.T) {
	cluster := redistest.StartCluster(t)
	s := open(t, cluster.Addresses()[1:2])
	for _, server := range cluster.Servers {
		server.Ask(t, "FLUSHALL")
	}
	const n = 60
	for i := range n {
		asks := []ratelimit.Ask{{Limit: perHour, Key: fmt.Sprint("narrow ", i)}, {Limit: perHour, Key: fmt.Sprint("wide ", i)}}
		if taken, err := s.TakeAll(t.Context(), fmt.Sprint("wide ", i), asks, 1, time.Now()); err != nil || !taken {
			t.Fatal(taken, err)
		}
	}
	all := 0
	for i, server := range cluster.Servers {
		var has int
		fmt.Sscan(server.Ask(t, "DBSIZE"), &has)
		if has == 0 || has%2 != 0 {
			t.Errorf("server %d has %d keys", i, has)
		}
		all += has
	}
	if all != 2*n {
		t.Errorf("%d keys, want %d", all, 2*n)
	}
}

// Killed while decisions are made, and back: after the first failures nobody
// waits, and it comes back by itself. Exactly as many pass as may.
func TestSource_aDeadRedisCostsNoTime(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, []string{server.Address()}, func(o *redisstore.Options) { o.Timeout = time.Second })
	takeOne := func() error {
		_, err := s.Take(t.Context(), "a", perHour, 1, time.Now())
		return err
	}
	if err := takeOne(); err != nil {
		t.Fatal(err)
	}
	for what, end := range map[string]func(){"killed": server.Kill9, "frozen": server.Freeze} {
		end()
		for deadline := time.Now().Add(60 * time.Second); ; {
			if err := takeOne(); err != nil && !errors.Is(err, redisstore.ErrAway) {
				t.Fatalf("%s: %v", what, err)
			}
			if up, _ := s.Up(); !up {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: the breaker does not open", what)
			}
		}
		begun := time.Now()
		for range 1000 {
			if err := takeOne(); !errors.Is(err, redisstore.ErrAway) {
				t.Fatalf("%s: %v", what, err)
			}
		}
		if took := time.Since(begun); took > 2*time.Second { // two that wait take as long
			t.Errorf("%s: a thousand decisions took %v", what, took)
		}
		if what == "killed" {
			server.Start(t)
		} else {
			server.Thaw()
		}
		awaitUp(t, s, true)
		if err := takeOne(); err != nil {
			t.Errorf("%s and back: %v", what, err)
		}
	}
}

// A server of a cluster dies and comes back with its part of the keys empty.
func TestSource_aClusterThatLosesAServerComesBack(t *testing.T) {
	cluster := redistest.StartCluster(t)
	s := open(t, cluster.Addresses()[:1])
	cluster.Servers[2].Kill9()
	for i, deadline := 0, time.Now().Add(60*time.Second); ; i++ {
		_, _ = s.Take(t.Context(), fmt.Sprint(i), perHour, 1, time.Now())
		if up, _ := s.Up(); !up {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the breaker does not open")
		}
	}
	cluster.Servers[2].Start(t)
	cluster.Await(t)
	awaitUp(t, s, true)
	if _, err := s.Take(t.Context(), "a", perHour, 1, time.Now()); err != nil {
		t.Error(err)
	}
}

func TestSource_ofManyAtOnceOnThreeServersExactlyBurstPass(t *testing.T) {
	server := redistest.Start(t)
	var passed atomic.Int32
	var all sync.WaitGroup
	for range 3 {
		s := open(t, []string{server.Address()})
		for range 20 {
			all.Go(func() {
				for range 17 {
					d, err := s.Take(t.Context(), "a", perHour, 1, time.Now())
					if err != nil {
						t.Error(err)
					}
					if d.Allowed {
						passed.Add(1)
					}
				}
			})
		}
	}
	all.Wait()
	if passed.Load() != 100 {
		t.Errorf("%d of 1020 passed, want 100", passed.Load())
	}
}

func TestSource_needsItsPassword(t *testing.T) {
	server := redistest.Start(t, "--requirepass", "right")
	s, err := redisstore.New(redisstore.Options{Addresses: []string{server.Address()}, Key: key, Password: "wrong"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if up, cause := s.Up(); up || cause != nil {
			if up || strings.Contains(cause.Error(), "wrong") && !strings.Contains(cause.Error(), "WRONGPASS") {
				t.Errorf("up: %v, %v", up, cause)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing was said")
		}
	}
	cancel()
	<-done
	open(t, []string{server.Address()}, func(o *redisstore.Options) { o.Password = "right" }) // the control
}

func TestNew_refusesWhatCannotWork(t *testing.T) {
	for what, o := range map[string]redisstore.Options{
		"no address": {Key: key}, "no key": {Addresses: []string{"127.0.0.1:1"}}, "no port": {Addresses: []string{"127.0.0.1"}, Key: key},
	} {
		if _, err := redisstore.New(o); err == nil {
			t.Errorf("%s was taken", what)
		}
	}
	s, err := redisstore.New(redisstore.Options{Addresses: []string{"127.0.0.1:1"}, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Take(t.Context(), "a", perHour, 1, time.Now()); !errors.Is(err, redisstore.ErrAway) {
		t.Errorf("before Run: %v", err)
	}
}

func BenchmarkSource(b *testing.B) {
	server := redistest.Start(b)
	s := open(b, []string{server.Address()})
	limit := ratelimit.Limit{Name: "bench", Burst: 1_000_000, Period: time.Second}
	for _, n := range []int{1, 2, 4} {
		asks := make([]ratelimit.Ask, n)
		for i := range asks {
			asks[i] = ratelimit.Ask{Limit: limit, Key: fmt.Sprint(i)}
		}
		b.Run(fmt.Sprintf("allowances=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.TakeAll(b.Context(), "g", asks, 1, time.Now()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			asks := []ratelimit.Ask{{Limit: limit, Key: "a"}}
			for pb.Next() {
				if _, err := s.TakeAll(b.Context(), "g", asks, 1, time.Now()); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// The rights that docs/rate-limits.md tells the operator to give are enough, and
// not all there are.
func TestSource_needsNoMoreThanTheDocumentedRights(t *testing.T) {
	text, err := os.ReadFile("../../../docs/rate-limits.md")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^ACL SETUSER gatehouse .*$`).Find(text)
	server := redistest.Start(t)
	if got := server.Ask(t, string(line)); got != "OK" {
		t.Fatalf("%s: %s", line, got)
	}
	as := func(o *redisstore.Options) { o.Username, o.Password = "gatehouse", "password" }
	s := open(t, []string{server.Address()}, as)
	for range 3 {
		if _, err := s.Take(t.Context(), "a", perHour, 1, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Refund(t.Context(), "a", perHour, 1, time.Now()); err != nil {
		t.Fatal(err)
	}
	if got := server.Ask(t, "ACL LOG"); strings.Contains(got, "reason") {
		t.Errorf("something was denied:\n%s", got)
	}
	if got := server.Ask(t, "ACL DRYRUN gatehouse GET other"); got == "OK" {
		t.Error("the account reads other keys")
	}
	cluster := redistest.StartCluster(t)
	for _, one := range cluster.Servers {
		one.Ask(t, string(line))
	}
	s = open(t, cluster.Addresses()[:1], as)
	if _, err := s.Take(t.Context(), "a", perHour, 1, time.Now()); err != nil {
		t.Error(err)
	}
}
