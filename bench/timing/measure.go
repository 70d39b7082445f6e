package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// typed are the identifiers of a pair, each used once. Nothing in them tells the
// known from the unknown.
type typed struct{ known, unknown string }

func newTyped(r *rand.Rand) typed {
	one := func() string { return fmt.Sprintf("%016x@timing.example", r.Uint64()) }
	return typed{one(), one()}
}

// series is one kind in one setting.
type series struct {
	kind     kind
	storm    bool
	pairs    []typed
	warm     []typed // sent first, and not measured
	measured []pair
	busy     int // measured requests that were answered 503, and sent again
	judged   int // sign-ins of the others that came to an end meanwhile
	differs  []string
}

// measurer sends the pairs of a series over some connections.
type measurer struct {
	site    *site
	leak    time.Duration
	coin    *rand.Rand
	address *atomic.Uint32
}

// nextAddress is a caller that was not seen before. No real one is asked: the
// addresses of 10.0.0.0/8 are nobody's here.
func (m *measurer) nextAddress() string {
	n := m.address.Add(1)
	return fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255)
}

// run measures with so many connections at once. The coin is thrown before, so
// that the order within pairs is that of the seed.
func (m *measurer) run(ctx context.Context, s *series, connections int) error {
	type job struct {
		typed
		knownFirst, warm bool
	}
	var jobs []job
	for _, t := range s.warm {
		jobs = append(jobs, job{t, m.coin.IntN(2) == 0, true})
	}
	for i, t := range s.pairs {
		first := m.coin.IntN(2) == 0
		if i%2 == 1 {
			first = !jobs[len(jobs)-1].knownFirst
		}
		jobs = append(jobs, job{t, first, false})
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var mu sync.Mutex
	var all sync.WaitGroup
	for range connections {
		all.Go(func() {
			c, err := dial(m.site.address)
			if err != nil {
				cancel(err)
				return
			}
			defer c.conn.Close()
			for ctx.Err() == nil {
				i := int(next.Add(1) - 1)
				if i >= len(jobs) {
					return
				}
				j := jobs[i]
				p, busy, difference, err := m.pair(ctx, c, s.kind, j.typed, j.knownFirst)
				if err != nil {
					cancel(err)
					return
				}
				mu.Lock()
				if !j.warm {
					s.measured = append(s.measured, p)
					s.busy += busy
				}
				if difference != "" {
					s.differs = append(s.differs, difference)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// pair sends both requests, and compares the answers.
func (m *measurer) pair(ctx context.Context, c *client, k kind, t typed, knownFirst bool) (p pair, busy int, difference string, err error) {
	var texts [2]string // of known and unknown
	for i := range 2 {
		known := (i == 0) == knownFirst
		identifier, text := t.unknown, &texts[1]
		c.delay = 0
		if known {
			identifier, text = t.known, &texts[0]
			c.delay = m.leak
		}
		a, again, err := m.one(ctx, c, k, identifier)
		if err != nil {
			return p, 0, "", err
		}
		busy += again
		*text = a.comparable(identifier)
		if known {
			p.known = a.took
		} else {
			p.unknown = a.took
		}
	}
	if texts[0] != texts[1] {
		difference = firstDifference(texts[0], texts[1])
	}
	return p, busy, difference, nil
}

// one sends a request until it is judged.
func (m *measurer) one(ctx context.Context, c *client, k kind, identifier string) (a answer, busy int, err error) {
	request := k.request(c.csrf, identifier).bytes(m.nextAddress())
	for {
		if a, err = c.ask(request); err != nil {
			return a, busy, err
		}
		switch a.status {
		case k.status:
			return a, busy, nil
		case http.StatusServiceUnavailable:
			busy++
			if err := pause(ctx, 10*time.Millisecond); err != nil {
				return a, busy, err
			}
		default:
			return a, busy, fmt.Errorf("%s: the answer is not the one wanted (%d):\n%s", k.name, k.status, a.raw)
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// storm lets people sign in, rightly and one after the other, each as themselves
// and from an address of their own, until it is ended. Who is refused comes again
// at once.
func (m *measurer) storm(ctx context.Context, people []string) (end func() (judged int, err error)) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	var count atomic.Int64
	failed := make([]error, len(people))
	for i, identifier := range people {
		address := m.nextAddress()
		all.Go(func() { failed[i] = m.signIns(ctx, identifier, address, &count) })
	}
	return func() (int, error) {
		cancel()
		all.Wait()
		return int(count.Load()), errors.Join(failed...)
	}
}

func (m *measurer) signIns(ctx context.Context, identifier, address string, count *atomic.Int64) error {
	c, err := dial(m.site.address)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	request := form("/api/auth/callback/credentials", c.csrf.v4, url.Values{
		"identifier": {identifier}, "password": {rightPassword}, "callbackUrl": {origin + "/"}, "json": {"true"},
	}).bytes(address)
	for ctx.Err() == nil {
		a, err := c.ask(request)
		switch {
		case err != nil:
			return err
		case a.status == http.StatusOK:
			count.Add(1)
		case a.status != http.StatusServiceUnavailable:
			return fmt.Errorf("a sign-in of the storm was answered\n%s", a.raw)
		default:
			_ = pause(ctx, 10*time.Millisecond)
		}
	}
	return nil
}
