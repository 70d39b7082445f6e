package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/gatehouse-auth/gatehouse/bench/load"
	"github.com/gatehouse-auth/gatehouse/bench/proc"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// hashing is the half that asks nobody: the raw capacity of the machine.
type hashing struct {
	worker *child
	orders io.Writer
	lines  *bufio.Reader
}

func (r *run) hashing() (*hashing, error) {
	c, err := r.child("hash", r.self, "hash")
	if err != nil {
		return nil, err
	}
	orders, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := c.begin(true); err != nil {
		return nil, err
	}
	return &hashing{c, orders, c.lines}, nil
}

func (h *hashing) measure(_ context.Context, d time.Duration) (sample, error) {
	before, err := proc.CPU(h.worker.pid())
	if err != nil {
		return sample{}, err
	}
	if _, err := fmt.Fprintln(h.orders, d); err != nil {
		return sample{}, err
	}
	var s sample
	var count int
	if _, err := fmt.Fscan(h.lines, &s.rate, &count); err != nil {
		return sample{}, err
	}
	after, err := proc.CPU(h.worker.pid())
	if err != nil {
		return sample{}, err
	}
	s.cpu = (after - before) / time.Duration(max(count, 1))
	return s, nil
}

// signingIn is a half in which each client signs in as one user after another.
// Who is refused comes again some time after the answer says so, or after the
// impatience when that is sooner.
func signingIn(server *child, clients int, all []request, impatience time.Duration) served {
	h := asking(server, clients, all)
	h.plan.Ramp = time.Second
	right, tries := h.plan.Judge, make([]int, clients)
	h.plan.Judge = func(client int, a *load.Answer) load.Verdict {
		if a.Status != 503 && a.Status != 429 {
			return right(client, a)
		}
		seconds, ok := a.RetryAfter()
		if !ok {
			return load.Verdict{Err: fmt.Errorf("a refusal with %d and without Retry-After: %.200s", a.Status, a.Body)}
		}
		// People are not woken by one clock: up to as long again, by number.
		tries[client]++
		wait := min(time.Duration(seconds)*time.Second, impatience)
		return load.Verdict{Refused: true, Wait: wait + wait*time.Duration((61*client+37*tries[client])%100)/100}
	}
	return h
}

// obedient clients wait as long as they are told.
const obedient = time.Hour

// signIn is goal 5: sign-ins against raw hashing.
func (r *run) signIn() error {
	s, err := r.standard(seal.V4)
	if err != nil {
		return err
	}
	raw, err := r.hashing()
	if err != nil {
		return err
	}
	defer raw.worker.kill()
	all, err := r.signIns(s, people)
	if err != nil {
		return err
	}
	if err := r.prove(s.server.address, all[0]); err != nil {
		return err
	}
	for _, goal := range []struct {
		clients int
		bound   float64
	}{{clients, 0.97}, {512, 0.95}} {
		name := "sign-in, argon2id 19 MiB"
		c, err := r.compare(name, goal.clients, r.pairs, raw, signingIn(s.server, goal.clients, all[1:], obedient), r.queued())
		if err != nil {
			return err
		}
		r.atLeast(5, fmt.Sprintf("%s: a second, of raw hashing, %d clients", name, goal.clients), ratio, goal.bound, c.Ratio).of(c)
		r.atMost(5, fmt.Sprintf("%s: CPU, of a raw hash, %d clients", name, goal.clients), times, 1/goal.bound, c.CPURatio).of(c)
	}
	return nil
}

// queued is the length of a round in which sign-ins wait for each other: several
// times as long as one waits.
func (r *run) queued() time.Duration { return max(3*r.time/2, 3*time.Second) }

// impatient clients come again after so long, whatever they are told.
const impatient = 100 * time.Millisecond

// storm is goal 6: 512 clients who sign in, on a server that has just been
// started, and what is left for session checks meanwhile. The goal is about
// clients who come again when Retry-After says so; what those do who do not is
// printed beside it.
func (r *run) storm() error {
	s, err := r.standard(seal.V4)
	if err != nil {
		return err
	}
	if err := s.restarted(r); err != nil {
		return err
	}
	checks := s.sessions(1024, sessionPath)
	if err := r.withCSRF(s, s.server, checks); err != nil {
		return err
	}
	all, err := r.signIns(s, people)
	if err != nil {
		return err
	}
	if err := r.prove(s.server.address, all[0]); err != nil {
		return err
	}
	base, err := r.bareHandler(clients)
	if err != nil {
		return err
	}
	idle, err := proc.MemoryOf(s.server.pid())
	if err != nil {
		return err
	}
	watch := r.watchMemory(s.server)
	storm := signingIn(s.server, 512, all[1:], obedient)
	alone, err := storm.measure(r.ctx, 2*r.queued())
	if err != nil {
		return err
	}
	calm := asking(s.server, clients, checks)
	c, err := r.compare("session checks in a storm of 512 sign-ins", clients, r.pairs, base, amid{storm, calm}, max(r.time, 2*time.Second))
	if err != nil {
		return err
	}
	if len(alone.refused) == 0 || c.Refused == 0 {
		return errors.New("nobody was refused: that was no storm")
	}
	r.atMost(6, "storm of 512 clients: memory above idle", megas, megabytes(60<<20), megabytes(watch().RSS-idle.RSS)).of(c)
	r.atMost(6, "refusals, 99 of 100 within; storm alone", millis, 10, milliseconds(alone.refused.Quantile(0.99))).of(c)
	r.atMost(6, "refusals, 99 of 100 within; with session checks", millis, 10, milliseconds(c.Refused)).of(c)
	r.atLeast(6, "session checks meanwhile, of the bare handler without storm", ratio, 0.40, c.Ratio).of(c)
	r.atMost(6, "session checks meanwhile, 99 of 100 within", millis, 25, milliseconds(c.P99)).of(c)

	storm = signingIn(s.server, 512, all[1:], impatient)
	_, err = r.compare("the same, refused ones back after 0.1 s", clients, r.few(), base, amid{storm, calm}, max(r.time, time.Second))
	return err
}

// amid measures one half while another goes on around it.
type amid struct{ storm, calm served }

func (a amid) measure(ctx context.Context, d time.Duration) (sample, error) {
	const margin = 200 * time.Millisecond // the storm is there before, and after
	var storm sample
	var failed error
	var all sync.WaitGroup
	all.Go(func() { storm, failed = a.storm.measure(ctx, d+2*margin) })
	time.Sleep(a.storm.plan.Ramp + margin)
	calm, err := a.calm.measure(ctx, d)
	all.Wait()
	calm.refused, calm.cpu = storm.refused, 0 // the server's time was for both
	if err == nil {
		err = failed
	}
	return calm, err
}

// watchMemory looks often until it is asked for the most it has seen.
func (r *run) watchMemory(c *child) (peak func() proc.Memory) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	var seen []proc.Memory
	go func() {
		defer close(stopped)
		for tick := time.Tick(20 * time.Millisecond); ; {
			if m, err := proc.MemoryOf(c.pid()); err == nil {
				seen = append(seen, m)
			}
			select {
			case <-stop:
				return
			case <-tick:
			}
		}
	}()
	return func() proc.Memory {
		close(stop)
		<-stopped
		return slices.MaxFunc(seen, func(a, b proc.Memory) int { return int(a.RSS - b.RSS) })
	}
}
