package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/bench/load"
)

func TestParseBenchmarks(t *testing.T) {
	got := parseBenchmarks([]byte(`goos: linux
BenchmarkOpen_v4-2   	  345678	      3456 ns/op	     416.0 claim-bytes	      12 B/op	       1 allocs/op
BenchmarkSessionCreation
    bench_test.go:47: raw-each           5000/s
BenchmarkSessionCreation-16	       1	         0 ns/op	         3.900 x-one-each
BenchmarkOdd-name	5	1.5 ns/op
PASS
`))
	want := map[string]map[string]float64{
		"BenchmarkOpen_v4":         {"ns/op": 3456, "claim-bytes": 416, "B/op": 12, "allocs/op": 1},
		"BenchmarkSessionCreation": {"ns/op": 0, "x-one-each": 3.9},
		"BenchmarkOdd-name":        {"ns/op": 1.5},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTheReferenceIsAsLongAsItIsSaid(t *testing.T) {
	a := bareAnswer()
	if len(a.Body) != 200 || len(a.Header.Get("Set-Cookie")) != 120 {
		t.Errorf("body of %d bytes, cookie of %d", len(a.Body), len(a.Header.Get("Set-Cookie")))
	}
}

// Only the right answer is a figure.
func TestJudge(t *testing.T) {
	q := request{has: []byte("ada@"), cookie: []byte("session=ey")}
	right := load.Answer{Status: 200, Header: []byte("Set-Cookie: session=eyJ; Path=/\r\n"), Body: []byte(`{"email":"ada@x"}`)}
	if err := q.judge(&right); err != nil {
		t.Errorf("the right answer: %v", err)
	}
	for what, spoil := range map[string]func(*load.Answer){
		"status":         func(a *load.Answer) { a.Status = 503 },
		"nobody":         func(a *load.Answer) { a.Body = []byte("{}") },
		"no cookie":      func(a *load.Answer) { a.Header = nil },
		"cookie deleted": func(a *load.Answer) { a.Header = []byte("Set-Cookie: session=; Max-Age=0\r\n") },
	} {
		a := right
		spoil(&a)
		if q.judge(&a) == nil {
			t.Errorf("%s: taken for right", what)
		}
	}
}

// Goals are compared with their figure in the right direction.
func TestGoals(t *testing.T) {
	r := new(run)
	r.atLeast(1, "more", ratio, 0.9, 0.9)
	r.atLeast(1, "too little", ratio, 0.9, 0.89)
	r.atMost(2, "less", millis, 20, 20)
	r.atMost(2, "too much", millis, 20, 20.1).of(compared{Noisy: 1})
	var b strings.Builder
	r.report.write(&b)
	for _, line := range []string{
		"| 1 | more | ≥ 0.900 | 0.900 | stands |", "| 1 | too little | ≥ 0.900 | 0.890 | **misses** |",
		"| 2 | less | ≤ 20.0 ms | 20.0 ms | stands |", "| 2 | too much | ≤ 20.0 ms | 20.1 ms | **misses**, disturbed |",
	} {
		if !strings.Contains(b.String(), line+"\n") {
			t.Errorf("no line %s in\n%s", line, b.String())
		}
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "–", 13500 * time.Nanosecond: "13.5 µs", 250 * time.Microsecond: "250 µs", 17300 * time.Microsecond: "17.3 ms", 2 * time.Second: "2000 ms",
	} {
		if got := short(d); got != want {
			t.Errorf("short(%d) = %s, want %s", d, got, want)
		}
	}
}

func TestFlags(t *testing.T) {
	if _, err := parse([]string{"-only", "session,nothing"}); err == nil || !strings.Contains(err.Error(), "storm") {
		t.Errorf("an unknown section: %v", err)
	}
	s, err := parse([]string{"-only", "session"})
	if err != nil || !s.wants("session") || s.wants("storm") {
		t.Errorf("-only session: %+v, %v", s, err)
	}
	if s, err = parse(nil); err != nil || !s.wants("storm") || s.wants("profile") {
		t.Errorf("no flags: %+v, %v", s, err)
	}
}
