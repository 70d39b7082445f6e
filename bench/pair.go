package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-auth/gatehouse/bench/load"
	"github.com/gatehouse-auth/gatehouse/bench/proc"
)

// half is one side of a comparison.
type half interface {
	measure(ctx context.Context, d time.Duration) (sample, error)
}

// sample is what one side did in one round. Latencies are of good answers.
type sample struct {
	rate     float64       // a second
	cpu      time.Duration // of the server, for one
	p50, p99 time.Duration
	refused  load.Latencies
}

// served is a half that asks a server.
type served struct {
	server *child
	plan   load.Plan
}

func (h served) measure(ctx context.Context, d time.Duration) (sample, error) {
	var began, ended time.Duration
	var failed [2]error
	p := h.plan
	p.Address, p.For = h.server.address, d
	p.Begin = func() { began, failed[0] = proc.CPU(h.server.pid()) }
	p.End = func() { ended, failed[1] = proc.CPU(h.server.pid()) }
	result, err := load.Run(ctx, p)
	if err = errors.Join(err, failed[0], failed[1]); err != nil {
		return sample{}, err
	}
	return sample{
		rate: result.Rate(), cpu: (ended - began) / time.Duration(max(len(result.Good), 1)),
		p50: result.Good.Quantile(0.5), p99: result.Good.Quantile(0.99), refused: result.Refused,
	}, nil
}

// request is what one client asks, and how the right answer is known.
type request struct {
	bytes []byte
	// has stands in the right body, and in no other one's.
	has []byte
	// cookie begins a Set-Cookie line of the right answer; empty: not asked for.
	cookie []byte
	// control is the same request without the credential, answered with the
	// status and without has.
	control []byte
	status  int
}

func (q request) judge(a *load.Answer) error {
	switch {
	case a.Status != 200:
		return fmt.Errorf("status %d: %.200s", a.Status, a.Body)
	case !bytes.Contains(a.Body, q.has):
		return fmt.Errorf("the answer lacks %q: %.200s", q.has, a.Body)
	case len(q.cookie) > 0 && !a.Sets(q.cookie):
		return fmt.Errorf("the answer sets no cookie %q: %.300s", q.cookie, a.Header)
	}
	return nil
}

// prove shows that the check is really made: the right request is answered
// rightly and its control is not.
func (r *run) prove(address string, q request) error {
	a, err := load.Once(r.ctx, address, q.bytes)
	if err != nil {
		return err
	}
	if err := q.judge(a); err != nil {
		return fmt.Errorf("before measuring: %w", err)
	}
	if q.control == nil {
		return nil
	}
	if a, err = load.Once(r.ctx, address, q.control); err != nil {
		return err
	}
	if a.Status != q.status || bytes.Contains(a.Body, q.has) {
		return fmt.Errorf("the control was answered with %d %.200s: the check is not made", a.Status, a.Body)
	}
	return nil
}

// asking is a half in which each client asks its share of the requests, one
// after another and again.
func asking(server *child, clients int, all []request) served {
	share := func(client, n int) request { return all[(client+n*clients)%len(all)] }
	asked := make([]int, clients)
	return served{server, load.Plan{
		Clients: clients,
		Next: func(client, n int) []byte {
			asked[client] = n
			return share(client, n).bytes
		},
		Judge: func(client int, a *load.Answer) load.Verdict {
			return load.Verdict{Err: share(client, asked[client]).judge(a)}
		},
	}}
}

// compared is the outcome of a comparison: medians over the pairs.
type compared struct {
	Name    string  `json:"name"`
	Clients int     `json:"clients"`
	Rate    float64 `json:"per_second"`
	Base    float64 `json:"reference_per_second"`
	// Ratio is of rates, CPURatio of processor time for one; each the median of
	// the pairs' ratios.
	Ratio    float64       `json:"ratio"`
	CPU      time.Duration `json:"cpu_ns"`
	BaseCPU  time.Duration `json:"reference_cpu_ns"`
	CPURatio float64       `json:"cpu_ratio"`
	P50      time.Duration `json:"p50_ns"`
	P99      time.Duration `json:"p99_ns"`
	BaseP50  time.Duration `json:"reference_p50_ns"`
	Refused  time.Duration `json:"refused_p99_ns,omitempty"`
	Pairs    int           `json:"pairs"`
	// Noisy pairs were disturbed by other processes, and no quiet ones were to
	// be had.
	Noisy int `json:"noisy_pairs"`
}

// few is the number of pairs of a comparison on which no goal depends.
func (r *run) few() int { return min(r.pairs, 3) }

// compare measures pairs, after a shorter round of each side that does not count.
// Their order alternates, so that what drifts meanwhile favours neither.
func (r *run) compare(name string, clients, pairs int, reference, subject half, d time.Duration) (compared, error) {
	c := compared{Name: name, Clients: clients}
	var rate, base, ratio, cpu, baseCPU, cpuRatio, p50, p99, baseP50 []float64
	var refused load.Latencies
	for _, h := range []half{reference, subject} { // caches, heap and compilers
		if _, err := h.measure(r.ctx, d/2); err != nil {
			return c, fmt.Errorf("%s: %w", name, err)
		}
	}
	left := r.retries
	for c.Pairs < pairs {
		first, second := reference, subject
		if c.Pairs%2 == 1 {
			first, second = second, first
		}
		before, err := r.cast.strangers()
		if err != nil {
			return c, err
		}
		begun := time.Now()
		a, err := first.measure(r.ctx, d)
		if err != nil {
			return c, fmt.Errorf("%s: %w", name, err)
		}
		b, err := second.measure(r.ctx, d)
		if err != nil {
			return c, fmt.Errorf("%s: %w", name, err)
		}
		after, err := r.cast.strangers()
		if err != nil {
			return c, err
		}
		if (after - before).Seconds() > r.noise*time.Since(begun).Seconds() {
			if left--; left >= 0 {
				continue
			}
			c.Noisy++
		}
		if c.Pairs%2 == 1 {
			a, b = b, a
		}
		if a.rate == 0 || b.rate == 0 {
			return c, fmt.Errorf("%s: no good answer in a whole round", name)
		}
		c.Pairs++
		rate, base, ratio = append(rate, b.rate), append(base, a.rate), append(ratio, b.rate/a.rate)
		cpu, baseCPU = append(cpu, float64(b.cpu)), append(baseCPU, float64(a.cpu))
		cpuRatio = append(cpuRatio, float64(b.cpu)/float64(a.cpu))
		p50, p99, baseP50 = append(p50, float64(b.p50)), append(p99, float64(b.p99)), append(baseP50, float64(a.p50))
		refused = append(refused, b.refused...)
	}
	c.Rate, c.Base, c.Ratio, c.CPURatio = load.Median(rate), load.Median(base), load.Median(ratio), load.Median(cpuRatio)
	c.CPU, c.BaseCPU = time.Duration(load.Median(cpu)), time.Duration(load.Median(baseCPU))
	c.P50, c.P99, c.BaseP50 = time.Duration(load.Median(p50)), time.Duration(load.Median(p99)), time.Duration(load.Median(baseP50))
	c.Refused = refused.Quantile(0.99)
	r.report.Compared = append(r.report.Compared, c)
	r.say("  %-44s c%-3d %.3f of the reference, CPU %.2f times", name, clients, c.Ratio, c.CPURatio)
	return c, nil
}
