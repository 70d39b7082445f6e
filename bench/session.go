package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gatehouse-auth/gatehouse/bench/load"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// entries are live ones in the change feed beside which checks are measured.
const entries = 100_000

// clients is the number of connections of most comparisons.
const clients = 64

// pairsAt: a single client's figures vary less.
func (r *run) pairsAt(clients int) int {
	if clients == 1 {
		return r.few()
	}
	return r.pairs
}

// standard is the site most sections ask, running.
func (r *run) standard(d seal.Dialect) (*site, error) {
	s, err := r.site(string(d), d, people, entries)
	if err != nil {
		return nil, err
	}
	return s, s.running(r)
}

// bareHandler is the reference.
func (r *run) bareHandler(n int) (served, error) {
	if r.barely == nil {
		c, err := r.actor("bare", "bare")
		if err != nil {
			return served{}, err
		}
		r.barely = c
		if err := r.await(c, bareRequest()); err != nil {
			return served{}, err
		}
	}
	return asking(r.barely, n, []request{bareRequest()}), nil
}

// actor starts this program in a role that listens.
func (r *run) actor(name, role string, arguments ...string) (*child, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	c, err := r.child(name, r.self, append([]string{role, "-listen", address}, arguments...)...)
	if err != nil {
		return nil, err
	}
	c.address = address
	return c, c.begin(false)
}

// session is goal 11: GET /api/auth/session over HTTP, opened, judged and sealed
// anew, in both dialects, at 64 connections and at one.
func (r *run) session() error {
	for _, d := range []seal.Dialect{seal.V4, seal.V5} {
		s, err := r.standard(d)
		if err != nil {
			return err
		}
		all := s.sessions(1024, sessionPath)
		if err := r.withCSRF(s, s.server, all); err != nil {
			return err
		}
		if err := r.prove(s.server.address, all[0]); err != nil {
			return err
		}
		name := "GET /api/auth/session, " + string(d)
		for _, n := range []int{clients, 1} {
			base, err := r.bareHandler(n)
			if err != nil {
				return err
			}
			c, err := r.compare(name, n, r.pairsAt(n), base, asking(s.server, n, all), r.time)
			if err != nil {
				return err
			}
			if n == clients {
				r.atLeast(11, name+": requests a second, of the bare handler's", ratio, 0.88, c.Ratio).of(c)
				r.atMost(11, name+": CPU, the same bound", times, 1/0.88, c.CPURatio).of(c)
			}
		}
		if err := r.floor(name, s, all); err != nil {
			return err
		}
		s.stop()
	}
	return nil
}

// floor is what net/http alone costs when it reads such a request and writes
// such an answer: what of the distance is nobody's to save.
func (r *run) floor(name string, s *site, all []request) error {
	a, err := load.Once(r.ctx, s.server.address, all[0].bytes)
	if err != nil {
		return err
	}
	same := answer{Header: http.Header{}, Body: string(a.Body)}
	for line := range strings.Lines(string(a.Header)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if name = textproto.CanonicalMIMEHeaderKey(name); name != "Date" && name != "Content-Length" {
			same.Header.Add(name, value)
		}
	}
	text, err := json.Marshal(same)
	if err != nil {
		return err
	}
	file := filepath.Join(r.folder, "like-"+string(s.dialect)+".json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	like, err := r.actor("like", "bare", "-like", file)
	if err != nil {
		return err
	}
	defer like.kill()
	q := request{bytes: all[0].bytes, has: all[0].has, cookie: all[0].cookie}
	if err := r.await(like, q); err != nil {
		return err
	}
	base, err := r.bareHandler(clients)
	if err != nil {
		return err
	}
	_, err = r.compare("  bare handler with the same bytes in and out", clients, r.few(), base, asking(like, clients, []request{q}), r.time)
	return err
}

// check is goal 1 as a program with Gatehouse built in sees it: the bare handler
// behind Require, against the bare handler alone.
func (r *run) check() error {
	for _, d := range []seal.Dialect{seal.V4, seal.V5} {
		s, err := r.site(string(d), d, people, entries)
		if err != nil {
			return err
		}
		s.stop() // one server on a database
		program, err := r.actor("embedded", "embedded", "-database", s.database, "-dialect", string(d))
		if err != nil {
			return err
		}
		all := s.sessions(1024, "/members")
		for i := range all {
			all[i].has, all[i].cookie, all[i].status = []byte("ada@bench.example"), []byte("bare="), 401
		}
		if err := r.await(program, all[0]); err != nil {
			return err
		}
		if err := r.prove(program.address, all[0]); err != nil {
			return err
		}
		name := "in-process check, " + string(d)
		for _, n := range []int{clients, 1} {
			base, err := r.bareHandler(n)
			if err != nil {
				return err
			}
			c, err := r.compare(name, n, r.pairsAt(n), base, asking(program, n, all), r.time)
			if err != nil {
				return err
			}
			if n == clients {
				r.atLeast(1, name+": requests a second, of the bare handler's", ratio, 0.95, c.Ratio).of(c)
				r.atMost(1, name+": CPU, of the bare handler's", times, 1.10, c.CPURatio).of(c)
			} else {
				r.atMost(1, name+": one client, median above the bare handler's", "%.0f µs", 5, float64((c.P50 - c.BaseP50).Microseconds())).of(c)
			}
		}
		program.kill()
	}
	return nil
}

// profile asks the embedded program for sessions, for access tokens, or with API
// keys, and leaves its CPU profile.
func (r *run) profile() error {
	s, err := r.site(string(seal.V4), seal.V4, people, entries)
	if err != nil {
		return err
	}
	s.stop()
	program, err := r.actor("profiled", "embedded", "-database", s.database, "-dialect", string(s.dialect), "-profile", r.settings.profile)
	if err != nil {
		return err
	}
	all := s.sessions(1024, sessionPath)
	if err := r.await(program, all[0]); err != nil {
		return err
	}
	switch r.of {
	case "apikey":
		if all, err = r.withKeys(s); err != nil {
			return err
		}
	case "token":
		for i := range all {
			all[i] = s.minting(i, "ES256")
		}
	default:
		if err := r.withCSRF(s, program, all); err != nil {
			return err
		}
	}
	done, err := asking(program, clients, all).measure(r.ctx, 5*r.time)
	if err != nil {
		return err
	}
	r.say("  %.0f a second, %s of CPU each; the profile is %s", done.rate, done.cpu.Round(100*time.Nanosecond), r.settings.profile)
	return errors.Join(program.Process.Signal(syscall.SIGTERM), wait(program, 10*time.Second))
}

// wait lets a process end by itself.
func wait(c *child, patience time.Duration) error {
	timer := time.AfterFunc(patience, func() { _ = c.Process.Kill() })
	defer timer.Stop()
	if err := c.Wait(); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(c.Path), err)
	}
	c.kill()
	return nil
}
