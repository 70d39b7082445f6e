package gatehouse_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
	"github.com/gatehouse-auth/gatehouse/internal/redistest"
)

// shared is three servers on one database and one Redis, and what each logs.
type shared struct {
	all     []*gatehouse.Gatehouse
	routes  []http.Handler
	logs    []*lockedBuffer
	metrics []*prometheus.Registry
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func threeServers(t *testing.T, redis gatehouse.Redis, policy gatehouse.RateLimitPolicy) *shared {
	t.Helper()
	database := gatehouse.Secret(pgtest.Shared(t).NewDatabase(t))
	redis.Timeout = time.Second // the machine that runs tests may be busy
	s := &shared{}
	for range 3 {
		cfg := config(t)
		log, registry := &lockedBuffer{}, prometheus.NewRegistry()
		cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
		cfg.Metrics = registry
		cfg.Database = gatehouse.Database{URL: database, MaxConnections: 4}
		cfg.ClientAddress.PeerIsClient = true
		cfg.Redis, cfg.RateLimits = redis, []gatehouse.RateLimitPolicy{policy}
		g := open(t, cfg)
		run(t, g)
		s.all, s.logs, s.metrics = append(s.all, g), append(s.logs, log), append(s.metrics, registry)
		s.routes = append(s.routes, g.RateLimit(policy.Name)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	}
	s.await(t, "three servers with Redis", func(servers int, away bool) bool { return servers == 3 && !away })
	return s
}

func (s *shared) await(t *testing.T, what string, is func(servers int, away bool) bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		n := 0
		for _, g := range s.all {
			if is(g.LimitsState()) {
				n++
			}
		}
		if n == len(s.all) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited too long for %s: %s", what, s.logs[0])
		}
	}
}

// ask sends n requests to all servers, many at once, and returns how many
// passed.
func (s *shared) ask(t *testing.T, n int) int {
	t.Helper()
	var ok, other atomic.Int32
	var all sync.WaitGroup
	for i := range 30 {
		all.Go(func() {
			for range n / 30 {
				w := httptest.NewRecorder()
				s.routes[i%3].ServeHTTP(w, from("192.0.2.1:1"))
				switch w.Code {
				case 200:
					ok.Add(1)
				case 429:
				default:
					other.Add(1)
				}
			}
		})
	}
	all.Wait()
	if other.Load() > 0 {
		t.Errorf("%d answers were neither 200 nor 429", other.Load())
	}
	return int(ok.Load())
}

func hundredAnHour() gatehouse.RateLimitPolicy {
	return gatehouse.RateLimitPolicy{Name: "api", Per: []string{"address"}, Burst: 90, Period: time.Hour}
}

// Of ten times as many as may, sent at once to three servers, exactly as many
// pass; so in a cluster.
func TestRedis_threeServersShareOneLimitExactly(t *testing.T) {
	s := threeServers(t, gatehouse.Redis{URL: gatehouse.Secret(redistest.Start(t).URL())}, hundredAnHour())
	if got := s.ask(t, 900); got != 90 {
		t.Errorf("%d of 900 passed, want 90", got)
	}
}

func TestRedis_inAClusterThreeServersShareOneLimitExactly(t *testing.T) {
	c := redistest.StartCluster(t)
	s := threeServers(t, gatehouse.Redis{URL: gatehouse.Secret(c.Servers[0].URL()), Addresses: c.Addresses()[1:]}, hundredAnHour())
	if got := s.ask(t, 900); got != 90 {
		t.Errorf("%d of 900 passed, want 90", got)
	}
}

// Killed under load, each of three servers goes on with half of a third, says so
// and stays ready; when Redis is back they share again.
func TestRedis_killedAndBackUnderLoad(t *testing.T) {
	redis := redistest.Start(t)
	s := threeServers(t, gatehouse.Redis{URL: gatehouse.Secret(redis.URL())}, hundredAnHour())
	if got := s.ask(t, 300); got != 90 {
		t.Fatalf("with Redis %d passed, want 90", got)
	}
	var during atomic.Int32
	stop := make(chan struct{})
	var load sync.WaitGroup
	for i := range 6 {
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
				}
				w := httptest.NewRecorder()
				s.routes[i%3].ServeHTTP(w, from("192.0.2.1:1"))
				if w.Code == 200 {
					during.Add(1)
				} else if w.Code != 429 {
					t.Errorf("%d %s", w.Code, w.Body)
				}
			}
		})
	}
	redis.Kill9()
	s.await(t, "each to count by itself", func(_ int, away bool) bool { return away })
	if got := s.ask(t, 900); got+int(during.Load()) != 45 {
		t.Errorf("without Redis %d passed, want three times 15", got+int(during.Load()))
	}
	for i, g := range s.all {
		if err := g.Ready(t.Context()); err != nil {
			t.Errorf("server %d is not ready: %v", i, err)
		}
		if n := strings.Count(s.logs[i].String(), "Redis is out of reach"); n != 1 {
			t.Errorf("server %d said so %d times:\n%s", i, n, s.logs[i])
		}
		if err := testutil.GatherAndCompare(s.metrics[i], strings.NewReader(`
			# HELP gatehouse_ratelimit_fallback 1 while Redis is out of reach and this server counts requests by itself, with its part of each limit; 0 otherwise.
			# TYPE gatehouse_ratelimit_fallback gauge
			gatehouse_ratelimit_fallback 1
		`), "gatehouse_ratelimit_fallback"); err != nil {
			t.Error(err)
		}
	}
	redis.Start(t) // it has forgotten everything
	s.await(t, "each to share again", func(_ int, away bool) bool { return !away })
	more := s.ask(t, 900)
	close(stop)
	load.Wait()
	if all := int(during.Load()) + more; all > 45+90 || more < 1 && all < 90 {
		t.Errorf("with Redis again %d passed, all together %d: want at most 135", more, all)
	}
	if got := s.ask(t, 90); got != 0 {
		t.Errorf("and then %d more", got)
	}
	for i := range s.all {
		if !strings.Contains(s.logs[i].String(), "Redis answers again") {
			t.Errorf("server %d did not say that it is back:\n%s", i, s.logs[i])
		}
	}
}

// What Gatehouse limits by itself is shared too: sign-ups of an address.
func TestRedis_ownLimitsAreShared(t *testing.T) {
	redis := redistest.Start(t)
	database := gatehouse.Secret(pgtest.Shared(t).NewDatabase(t))
	var all []*gatehouse.Gatehouse
	for range 2 {
		cfg := config(t)
		cfg.Database = gatehouse.Database{URL: database, MaxConnections: 4}
		cfg.Redis = gatehouse.Redis{URL: gatehouse.Secret(redis.URL()), Timeout: time.Second}
		cfg.Registration.Mode, cfg.ClientAddress.PeerIsClient, cfg.Limits.Registrations = "open", true, 3
		g := open(t, cfg)
		run(t, g)
		all = append(all, g)
	}
	s := &shared{all: all, logs: []*lockedBuffer{{}, {}}}
	s.await(t, "Redis", func(_ int, away bool) bool { return !away })
	got := map[int]int{}
	for i := range 8 {
		r := httptest.NewRequest("POST", "http://localhost:3000/api/auth/register", strings.NewReader(`{"email":"new`+string(rune('a'+i))+`@example.test","password":"`+password+`"}`))
		r.Header.Set("Content-Type", "application/json")
		w := answerTo(all[i%2].Handler(), r)
		got[w.Code]++
	}
	if got[429] != 5 || got[201] != 3 {
		t.Errorf("answers by status: %v, want three 201 and five 429", got)
	}
}

// Without a Redis that answers a server starts all the same, and counts by
// itself.
func TestRedis_thatIsAwayAtTheStartHindersNothing(t *testing.T) {
	redis := redistest.Start(t)
	redis.Kill9()
	cfg := config(t)
	var log lockedBuffer
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	cfg.Redis.URL = gatehouse.Secret("redis://user:horse-battery@" + redis.Address())
	cfg.RateLimits = []gatehouse.RateLimitPolicy{{Name: "all", Burst: 10, Period: time.Hour}}
	g := open(t, cfg)
	run(t, g)
	h := g.RateLimit("all")(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	if got := passed(t, h, 30, func(int) *http.Request { return from("192.0.2.1:1") }); got != 5 {
		t.Errorf("%d passed, want half of ten", got)
	}
	if err := g.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	if text := log.String(); !strings.Contains(text, "Redis is out of reach") || strings.Contains(text, "horse-battery") {
		t.Errorf("log:\n%s", text)
	}
}
