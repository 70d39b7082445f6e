package main

import (
	"fmt"
	"os"
	"time"

	"github.com/gatehouse-auth/gatehouse/bench/load"
	"github.com/gatehouse-auth/gatehouse/bench/proc"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// started are figures of one program: medians over its starts.
type started struct {
	Name string `json:"name"`
	// After is from the start of the process to its first right answer, CPU what
	// it had used by then.
	After time.Duration `json:"after_ns"`
	CPU   time.Duration `json:"cpu_ns"`
	Times int           `json:"times"`
}

// start is goal 15.
func (r *run) start() error {
	bare := func() (*child, request, error) {
		address, err := freeAddress()
		if err != nil {
			return nil, request{}, err
		}
		c, err := r.child("bare", r.self, "bare", "-listen", address)
		if err == nil {
			c.address = address
		}
		return c, bareRequest(), err
	}
	if _, err := r.starts("bare handler", r.settings.starts, bare); err != nil {
		return err
	}
	sizes := []struct {
		name    string
		entries int
		bound   time.Duration
		times   int
	}{
		{"empty store", 0, 20 * time.Millisecond, r.settings.starts},
		{"100,000 live entries", entries, 500 * time.Millisecond, r.settings.starts},
		{"1,000,000 live entries", 1_000_000, 3 * time.Second, (r.settings.starts + 2) / 3},
	}
	if r.quick {
		sizes = sizes[:2]
	}
	for _, size := range sizes {
		s, err := r.site(fmt.Sprintf("start-%d", size.entries), seal.V4, 1, size.entries)
		if err != nil {
			return err
		}
		done, err := r.starts("gatehouse serve, "+size.name, size.times, func() (*child, request, error) {
			c, err := s.serve(r)
			return c, s.session(0, sessionPath), err
		})
		if err != nil {
			return err
		}
		r.atMost(15, "start to the first right answer, "+size.name, millis, milliseconds(size.bound), milliseconds(done.After))
	}
	return nil
}

func (r *run) starts(name string, n int, next func() (*child, request, error)) (started, error) {
	var after, cpu []float64
	for range n {
		c, q, err := next()
		if err != nil {
			return started{}, err
		}
		begun := time.Now()
		if err := c.begin(false); err != nil {
			return started{}, err
		}
		if err := r.await(c, q); err != nil {
			return started{}, err
		}
		after = append(after, float64(time.Since(begun)))
		cpu = append(cpu, float64(c.kill()))
	}
	done := started{name, time.Duration(load.Median(after)), time.Duration(load.Median(cpu)), n}
	r.report.Started = append(r.report.Started, done)
	r.say("  %-44s %s, CPU %s", name, done.After.Round(100*time.Microsecond), done.CPU.Round(100*time.Microsecond))
	return done, nil
}

// resident is the memory of a process at a moment.
type resident struct {
	Name string `json:"name"`
	When string `json:"when"`
	proc.Memory
}

// memory is goal 16: a server with as many sessions in use as there are users,
// and the size of its binary.
func (r *run) memory() error {
	s, err := r.site("memory", seal.V4, people, 0)
	if err != nil {
		return err
	}
	if err := s.running(r); err != nil {
		return err
	}
	rest := min(3*time.Second, 2*r.time)
	look := func(when string) (proc.Memory, error) {
		time.Sleep(rest)
		m, err := proc.MemoryOf(s.server.pid())
		r.report.Memory = append(r.report.Memory, resident{"gatehouse serve", when, m})
		return m, err
	}
	idle, err := look("idle")
	if err != nil {
		return err
	}
	all := s.sessions(10_000, sessionPath)
	if err := r.withCSRF(s, s.server, all); err != nil {
		return err
	}
	if err := r.prove(s.server.address, all[0]); err != nil {
		return err
	}
	watch := r.watchMemory(s.server)
	if _, err := asking(s.server, clients, all).measure(r.ctx, 4*r.time); err != nil {
		return err
	}
	loaded := watch()
	r.report.Memory = append(r.report.Memory, resident{"gatehouse serve", "most under load", loaded})
	if _, err := look("after it"); err != nil {
		return err
	}
	s.stop()
	binary, err := os.Stat(r.binary)
	if err != nil {
		return err
	}
	r.atMost(16, "resident memory, idle", megas, 20, megabytes(idle.RSS))
	r.atMost(16, "resident memory, 64 clients, 10,000 sessions", megas, 40, megabytes(loaded.RSS))
	r.atMost(16, "the static stripped binary", megas, 25, megabytes(binary.Size()))
	return nil
}
