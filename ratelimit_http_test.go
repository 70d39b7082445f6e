package gatehouse_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse"
)

// limited is a Gatehouse with policies, and a handler that answers 200.
func limited(t *testing.T, change func(cfg *gatehouse.Config), policies ...gatehouse.RateLimitPolicy) (*gatehouse.Gatehouse, http.Handler) {
	t.Helper()
	cfg := config(t)
	cfg.ClientAddress.PeerIsClient = true
	cfg.RateLimits = policies
	if change != nil {
		change(&cfg)
	}
	g := open(t, cfg)
	createAnn(t, g)
	run(t, g)
	return g, http.HandlerFunc(whoAsks)
}

// from is a request of somebody at an address.
func from(address string, headers ...string) *http.Request {
	r := httptest.NewRequest("GET", "http://localhost:3000/page", nil)
	r.RemoteAddr = address
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func answerTo(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// passed is how many of n requests get 200; others must be 429.
func passed(t *testing.T, h http.Handler, n int, request func(i int) *http.Request) (ok int) {
	t.Helper()
	for i := range n {
		switch w := answerTo(h, request(i)); w.Code {
		case 200:
			ok++
		case 429:
		default:
			t.Fatalf("request %d: %d %s", i, w.Code, w.Body)
		}
	}
	return ok
}

// proves: ASVS 2.3.2, NEXT-7
func TestRateLimit_saysWhatIsLeftAndWhenToComeBack(t *testing.T) {
	clock := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	g, next := limited(t, func(cfg *gatehouse.Config) { cfg.Now = func() time.Time { return clock } },
		gatehouse.RateLimitPolicy{Name: "api", Per: []string{"address"}, Burst: 2, Period: 10 * time.Second, Sustained: 3, SustainedPeriod: time.Hour})
	h := g.RateLimit("api")(next)
	type told struct {
		Status               int
		Policy, Limit, Retry string
	}
	const policy = `"api";q=2;w=10, "api:sustained";q=3;w=3600`
	for i, step := range []struct {
		after time.Duration
		want  told
	}{
		{0, told{200, policy, `"api";r=1;t=5, "api:sustained";r=2;t=1200`, ""}},
		{0, told{200, policy, `"api";r=0;t=5, "api:sustained";r=1;t=2400`, ""}},
		{0, told{429, policy, `"api";r=0;t=5, "api:sustained";r=1;t=2400`, "5"}},
		{4500 * time.Millisecond, told{429, policy, `"api";r=0;t=1, "api:sustained";r=1;t=2396`, "1"}},
		{500 * time.Millisecond, told{200, policy, `"api";r=0;t=5, "api:sustained";r=0;t=1195`, ""}},
		{10 * time.Second, told{429, policy, `"api";r=2;t=0, "api:sustained";r=0;t=1185`, "1185"}},
	} {
		clock = clock.Add(step.after)
		w := answerTo(h, from("192.0.2.1:1"))
		if diff := cmp.Diff(step.want, told{w.Code, w.Header().Get("RateLimit-Policy"), w.Header().Get("RateLimit"), w.Header().Get("Retry-After")}); diff != "" {
			t.Errorf("step %d (-want +got):\n%s", i, diff)
		}
		if w.Code != 429 {
			continue
		}
		var problem struct{ Code, Detail string }
		if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || problem.Code != "too_many_attempts" || !strings.Contains(problem.Detail, "Too many requests") ||
			w.Header().Get("Content-Type") != "application/problem+json; charset=utf-8" || w.Header().Get("X-Request-Id") == "" {
			t.Errorf("step %d: %v %v %s", i, err, w.Header(), w.Body)
		}
	}
	if w := answerTo(h, from("192.0.2.2:1")); w.Code != 200 {
		t.Errorf("somebody else: %d", w.Code)
	}
}

// The two fields are those of structured fields, and two limits do not write
// over each other.
func TestRateLimit_twoLimitsBothSayWhatIsLeft(t *testing.T) {
	g, next := limited(t, nil, gatehouse.RateLimitPolicy{Name: "all", Burst: 5}, gatehouse.RateLimitPolicy{Name: "each", Per: []string{"address"}, Burst: 2})
	w := answerTo(g.RateLimit("all")(g.RateLimit("each")(next)), from("192.0.2.1:1"))
	if diff := cmp.Diff([]string{`"all";r=4;t=12`, `"each";r=1;t=30`}, w.Header().Values("RateLimit")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{`"all";q=5;w=60`, `"each";q=2;w=60`}, w.Header().Values("RateLimit-Policy")); diff != "" {
		t.Error(diff)
	}
}

// proves: ASVS 15.3.4, NEXT-8
func TestRateLimit_isNotDodgedByForgedHeaders(t *testing.T) {
	policy := gatehouse.RateLimitPolicy{Name: "each", Per: []string{"address"}, Burst: 10, Period: time.Hour}
	forged := func(i int) string { return fmt.Sprintf("%d.%d.%d.%d", 1+i%200, i>>16&255, i>>8&255, i&255) }
	t.Run("clients that connect directly", func(t *testing.T) {
		g, next := limited(t, nil, policy)
		h := g.RateLimit("each")(next)
		const n = 50_000
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := passed(t, h, n, func(i int) *http.Request {
			return from("192.0.2.1:1", "X-Forwarded-For", forged(i), "Forwarded", "for="+forged(i), "X-Real-IP", forged(i), "True-Client-IP", forged(i))
		})
		runtime.GC()
		runtime.ReadMemStats(&after)
		if got != 10 {
			t.Errorf("%d of %d passed, want 10", got, n)
		}
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 16<<20 {
			t.Errorf("%d bytes more are held", grown)
		}
	})
	t.Run("behind a proxy", func(t *testing.T) {
		g, next := limited(t, func(cfg *gatehouse.Config) {
			cfg.ClientAddress = gatehouse.ClientAddress{TrustedProxies: []string{"10.0.0.2"}}
		}, policy)
		h := g.RateLimit("each")(next)
		if got := passed(t, h, 500, func(i int) *http.Request {
			return from("10.0.0.2:1", "X-Forwarded-For", forged(i)+", 192.0.2.1")
		}); got != 10 {
			t.Errorf("%d passed, want 10", got)
		}
		if got := passed(t, h, 500, func(i int) *http.Request { return from("203.0.113.7:1", "X-Forwarded-For", forged(i)) }); got != 10 {
			t.Errorf("past the proxy %d passed, want 10", got)
		}
		if got := passed(t, h, 500, func(i int) *http.Request { return from("10.0.0.2:1", "X-Forwarded-For", forged(i)) }); got != 500 {
			t.Errorf("of as many clients %d passed", got) // the control
		}
	})
	t.Run("by another address of an IPv6 network", func(t *testing.T) {
		g, next := limited(t, nil, policy)
		h := g.RateLimit("each")(next)
		if got := passed(t, h, 500, func(i int) *http.Request { return from(fmt.Sprintf("[2001:db8:1:2::%x]:1", i+1)) }); got != 10 {
			t.Errorf("of one network of 64 bits %d passed, want 10", got)
		}
		if got := passed(t, h, 500, func(i int) *http.Request { return from(fmt.Sprintf("[2001:db8:2:%x::1]:1", i)) }); got != 160 {
			t.Errorf("of one network of 48 bits %d passed, want 160", got)
		}
	})
}

func TestRateLimit_ofAnAccountIsOneForAllSpellings(t *testing.T) {
	g, next := limited(t, nil, gatehouse.RateLimitPolicy{Name: "reset", Per: []string{"account"}, Burst: 3, Period: time.Hour})
	h := g.RateLimitAccount("reset", func(r *http.Request) string { return r.Header.Get("Account") })(next)
	names := []string{"ann@example.test", "ANN@EXAMPLE.TEST", " ann@example.test\t", "ａｎｎ@example.test", "Ann@Example.Test"}
	if got := passed(t, h, 50, func(i int) *http.Request { return from(fmt.Sprintf("192.0.2.%d:1", i), "Account", names[i%len(names)]) }); got != 3 {
		t.Errorf("%d passed, want 3", got)
	}
	if w := answerTo(h, from("192.0.2.1:1", "Account", "bob@example.test")); w.Code != 200 {
		t.Errorf("bob: %d", w.Code)
	}
}

// The route is the pattern: no spelling of a path makes another one.
func TestRateLimit_ofARouteIsThatOfThePattern(t *testing.T) {
	g, next := limited(t, nil, gatehouse.RateLimitPolicy{Name: "route", Per: []string{"address", "route"}, Burst: 3, Period: time.Hour})
	mux := http.NewServeMux()
	limit := g.RateLimit("route")
	mux.Handle("GET /orders/{id}", limit(next))
	mux.Handle("GET /invoices/{id}", limit(next))
	if got := passed(t, mux, 50, func(i int) *http.Request {
		r := from("192.0.2.1:1")
		r.URL.Path, r.URL.RawQuery = fmt.Sprintf("/orders/%d", i), fmt.Sprint("x=", i)
		return r
	}); got != 3 {
		t.Errorf("%d passed, want 3", got)
	}
	other := from("192.0.2.1:1")
	other.URL.Path = "/invoices/1"
	if w := answerTo(mux, other); w.Code != 200 {
		t.Errorf("another route: %d", w.Code)
	}
}

// By principal: a session and a token of one person are one, wherever the limit
// stands, and whoever is nobody counts by address.
func TestRateLimit_ofAPrincipalIsOneOutsideAndInside(t *testing.T) {
	for name, wrap := range map[string]func(g *gatehouse.Gatehouse, limit func(http.Handler) http.Handler, next http.Handler) http.Handler{
		"outside of Require": func(g *gatehouse.Gatehouse, l func(http.Handler) http.Handler, n http.Handler) http.Handler {
			return l(g.Require()(n))
		},
		"inside of Require": func(g *gatehouse.Gatehouse, l func(http.Handler) http.Handler, n http.Handler) http.Handler {
			return g.Require()(l(n))
		},
		"outside of Authenticate": func(g *gatehouse.Gatehouse, l func(http.Handler) http.Handler, n http.Handler) http.Handler {
			return l(g.Authenticate(n))
		},
		"alone": func(_ *gatehouse.Gatehouse, l func(http.Handler) http.Handler, n http.Handler) http.Handler {
			return l(n)
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := withTokens(t, func(cfg *gatehouse.Config) {
				cfg.ClientAddress.PeerIsClient = true
				cfg.RateLimits = []gatehouse.RateLimitPolicy{{Name: "who", Per: []string{"principal"}, Burst: 4, Period: time.Hour}}
			})
			h := wrap(g, g.RateLimit("who"), http.HandlerFunc(whoAsks))
			cookies := login(t, g)
			token := "Bearer " + askToken(t, g, `,"audience":"https://own.example","refresh":false`).Access
			if got := passed(t, h, 20, func(i int) *http.Request {
				r := from(fmt.Sprintf("192.0.2.%d:1", i))
				if i%2 == 0 {
					r.Header.Set("Authorization", token)
				} else {
					for _, c := range cookies {
						r.AddCookie(c)
					}
				}
				return r
			}); got != 4 {
				t.Errorf("%d passed, want 4", got)
			}
			if name == "inside of Require" {
				return
			}
			many, refused := 0, 0
			for range 20 { // a made-up credential each time
				many++
				w := answerTo(h, from("192.0.2.100:1", "Authorization", fmt.Sprintf("Bearer made-up-%d", many), "Cookie", fmt.Sprintf("next-auth.session-token=x%d", many)))
				if w.Code == 429 {
					refused++
				}
			}
			if refused != 16 {
				t.Errorf("of 20 with made-up credentials %d were refused, want 16", refused)
			}
		})
	}
}

// A foreign page that sends a form with somebody's cookie uses up nothing of
// theirs.
func TestRateLimit_aForeignPageUsesUpNothingOfTheirs(t *testing.T) {
	g, next := limited(t, nil, gatehouse.RateLimitPolicy{Name: "who", Per: []string{"principal"}, Burst: 2, Period: time.Hour})
	h := g.RateLimit("who")(next)
	cookies := login(t, g)
	send := func(method, site string) int {
		r := from("192.0.2.1:1", "Sec-Fetch-Site", site)
		r.Method = method
		for _, c := range cookies {
			r.AddCookie(c)
		}
		return answerTo(h, r).Code
	}
	for range 5 {
		send("POST", "cross-site")
	}
	if got := send("POST", "same-origin"); got != 200 {
		t.Errorf("ann's own: %d", got)
	}
	if first, second := send("POST", "same-origin"), send("POST", "same-origin"); first != 200 || second != 429 {
		t.Errorf("her second and third: %d, %d", first, second)
	}
}

// Behind RateLimit alone nobody is told who asks: nothing was decided.
func TestRateLimit_tellsNobodyWhoAsks(t *testing.T) {
	g, next := limited(t, nil, gatehouse.RateLimitPolicy{Name: "who", Per: []string{"principal"}, Burst: 2})
	r := from("192.0.2.1:1")
	for _, c := range login(t, g) {
		r.AddCookie(c)
	}
	alone, behind := answerTo(g.RateLimit("who")(next), r), answerTo(g.RateLimit("who")(g.Authenticate(next)), r)
	if strings.Contains(alone.Body.String(), "ann") || alone.Body.String() == behind.Body.String() {
		t.Errorf("alone %q, behind Authenticate %q", alone.Body, behind.Body)
	}
}

// A limited request does not reach what is behind, here the hashing of a
// password.
//
// proves: NEXT-9
func TestRateLimit_inFrontOfGatehouseItself(t *testing.T) {
	g, _ := limited(t, nil, gatehouse.RateLimitPolicy{Name: "auth", Per: []string{"address"}, Burst: 3, Period: 15 * time.Minute})
	h := g.RateLimit("auth")(g.Handler())
	got := map[int]int{}
	for range 10 {
		r := httptest.NewRequest("POST", "http://localhost:3000/api/auth/login", strings.NewReader(`{"email":"ann@example.test","password":"not that one at all"}`))
		r.Header.Set("Content-Type", "application/json")
		got[answerTo(h, r).Code]++
	}
	if diff := cmp.Diff(map[int]int{401: 3, 429: 7}, got); diff != "" {
		t.Error(diff)
	}
}

func TestRateLimit_panicsWhereTheProgramIsWiredWrongly(t *testing.T) {
	g := open(t, func() gatehouse.Config {
		cfg := config(t)
		cfg.RateLimits = []gatehouse.RateLimitPolicy{{Name: "account", Per: []string{"account"}, Burst: 1}, {Name: "all", Burst: 1}}
		return cfg
	}())
	who := func(*http.Request) string { return "ann" }
	for what, wrong := range map[string]func(){
		"an unknown name":           func() { g.RateLimit("nothing") },
		"an account without a name": func() { g.RateLimit("account") },
		"a name for nothing":        func() { g.RateLimitAccount("all", who) },
		"no function":               func() { g.RateLimitAccount("account", nil) },
		"no handler":                func() { g.RateLimit("all")(nil) },
		"no burst":                  func() { g.RateLimitBy(gatehouse.RateLimitPolicy{Name: "x"}) },
		"no name":                   func() { g.RateLimitBy(gatehouse.RateLimitPolicy{Burst: 1}) },
		"an unknown dimension":      func() { g.RateLimitBy(gatehouse.RateLimitPolicy{Name: "x", Burst: 1, Per: []string{"ip"}}) },
	} {
		func() {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.HasPrefix(text, "gatehouse: RateLimit") {
					t.Errorf("%s: %s", what, text)
				}
			}()
			wrong()
		}()
	}
	g.RateLimit("all")(http.NotFoundHandler()) // the control
	g.RateLimitAccount("account", who)(http.NotFoundHandler())
}

// Retry-After is true: whoever waits so long passes, and a second less is too
// early.
func TestRateLimit_whoWaitsAsLongAsToldPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config(t)
		g, err := gatehouse.New(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		h := g.RateLimitBy(gatehouse.RateLimitPolicy{Name: "x", Burst: 7, Period: time.Minute})(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		for range 50 {
			w := answerTo(h, from("192.0.2.1:1"))
			if w.Code == 200 {
				continue
			}
			wait, err := time.ParseDuration(w.Header().Get("Retry-After") + "s")
			if err != nil || wait > 9*time.Second {
				t.Fatalf("Retry-After %q", w.Header().Get("Retry-After"))
			}
			time.Sleep(wait - time.Second)
			if w := answerTo(h, from("192.0.2.1:1")); w.Code != 429 {
				t.Errorf("a second early: %d", w.Code)
			}
			time.Sleep(time.Second)
			if w := answerTo(h, from("192.0.2.1:1")); w.Code != 200 {
				t.Errorf("in time: %d", w.Code)
			}
		}
	})
}
