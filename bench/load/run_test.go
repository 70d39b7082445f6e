package load_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/bench/load"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		of   []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := load.Median(c.of); got != c.want {
			t.Errorf("Median(%v) = %v, want %v", c.of, got, c.want)
		}
	}
}

func TestQuantile(t *testing.T) {
	var hundred load.Latencies
	for i := range 100 {
		hundred = append(hundred, int32(100-i))
	}
	for q, want := range map[float64]time.Duration{0: 1, 0.5: 50, 0.99: 99, 1: 100} {
		if got := hundred.Quantile(q); got != want*time.Microsecond {
			t.Errorf("Quantile(%v) = %v, want %dµs", q, got, want)
		}
	}
	if got := load.Latencies(nil).Quantile(0.99); got != 0 {
		t.Errorf("Quantile of none = %v", got)
	}
}

// plan asks a server that answers as answer says.
func plan(t *testing.T, answer http.HandlerFunc) load.Plan {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	request := []byte("GET / HTTP/1.1\r\nHost: bench\r\n\r\n")
	return load.Plan{
		Address: strings.TrimPrefix(s.URL, "http://"), Clients: 3, For: 50 * time.Millisecond,
		Next: func(int, int) []byte { return request },
		Judge: func(_ int, a *load.Answer) load.Verdict {
			switch {
			case a.Status == http.StatusServiceUnavailable:
				return load.Verdict{Refused: true, Wait: time.Millisecond}
			case string(a.Body) != "right":
				return load.Verdict{Err: errors.New("not the answer that was wanted")}
			}
			return load.Verdict{}
		},
	}
}

func TestRun_countsGoodAnswersAndRefusalsApart(t *testing.T) {
	var asked atomic.Int64
	p := plan(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1)%4 == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = w.Write([]byte("right"))
	})
	r, err := load.Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	counted := int64(len(r.Good) + len(r.Refused))
	if len(r.Good) == 0 || len(r.Refused) == 0 || counted >= asked.Load() {
		t.Errorf("%d good and %d refused of %d, of which the first do not count", len(r.Good), len(r.Refused), asked.Load())
	}
	if r.Took < p.For || r.Rate() <= 0 {
		t.Errorf("took %v, %v a second", r.Took, r.Rate())
	}
}

func TestRun_endsWithAnAnswerThatIsNotWanted(t *testing.T) {
	var asked atomic.Int64
	p := plan(t, func(w http.ResponseWriter, _ *http.Request) {
		text := "right"
		if asked.Add(1) == 20 {
			text = "wrong"
		}
		_, _ = w.Write([]byte(text))
	})
	p.For = time.Minute
	if _, err := load.Run(t.Context(), p); err == nil || !strings.Contains(err.Error(), "not the answer that was wanted") {
		t.Errorf("err = %v", err)
	}
}

func TestRun_endsWithItsContext(t *testing.T) {
	p := plan(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("right")) })
	p.For = time.Minute
	ctx, stop := context.WithCancel(t.Context())
	p.Begin = stop
	if _, err := load.Run(ctx, p); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
}
