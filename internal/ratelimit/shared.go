package ratelimit

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Shared is a [Source] for several servers: the allowances are in Remote, which
// all of them ask. While Remote is out of reach, each server hands out its part
// of every allowance from its own memory: the limit divided by the servers
// there are, as if half of it had been used up when Remote went away (guarantees
// R16). What is taken meanwhile is not told to Remote when it is back.
//
// It is made by [NewShared] and safe for concurrent use.
type Shared struct {
	remote Source
	local  *Memory
	nodes  func() int
	logger *slog.Logger
	now    func() time.Time

	// since is when Remote went away, by the caller's clock, in Unix nanoseconds;
	// 0: it is there.
	since atomic.Int64
	mu    sync.Mutex
	told  time.Time // when the log last had a line
	said  bool      // that Remote is away, and not yet that it is back
}

var _ Source = (*Shared)(nil)

// toldEvery is the least time from one line in the log to the next.
const toldEvery = time.Minute

// NewShared returns a Source on remote. Nodes says how many servers there are;
// less than 1 counts as 1. Now is the clock of the log.
func NewShared(remote Source, nodes func() int, logger *slog.Logger, now func() time.Time) *Shared {
	return &Shared{remote: remote, local: NewMemory(0), nodes: nodes, logger: logger, now: now}
}

// Away says since when allowances are this server's own, and whether they are.
func (s *Shared) Away() (since time.Time, away bool) {
	at := s.since.Load()
	return time.Unix(0, at), at != 0
}

// Observe is for whoever sees by itself whether Remote is there: nil when it is,
// or why it is not. Then the log tells of it before somebody asks, and the part
// of this server is half empty from now.
func (s *Shared) Observe(err error) {
	if err == nil {
		s.back()
		return
	}
	s.away(s.now(), err)
}

// Take implements [Source]. It fails with ErrLimit alone.
func (s *Shared) Take(ctx context.Context, key string, limit Limit, cost int, now time.Time) (Decision, error) {
	d, err := s.remote.Take(ctx, key, limit, cost, now)
	switch {
	case err == nil:
		s.back()
		return d, nil
	case errors.Is(err, ErrLimit):
		return d, err
	}
	ask := [1]Ask{{Limit: limit, Key: key}}
	if _, err := s.takeLocal(ask[:], cost, now, err); err != nil {
		return Decision{}, err
	}
	return ask[0].Decision, nil
}

// TakeAll implements [Source], as Take does.
func (s *Shared) TakeAll(ctx context.Context, group string, asks []Ask, cost int, now time.Time) (bool, error) {
	taken, err := s.remote.TakeAll(ctx, group, asks, cost, now)
	switch {
	case err == nil:
		s.back()
		return taken, nil
	case errors.Is(err, ErrLimit):
		return taken, err
	}
	return s.takeLocal(asks, cost, now, err)
}

// Refund implements [Source], as Take does.
func (s *Shared) Refund(ctx context.Context, key string, limit Limit, cost int, now time.Time) error {
	err := s.remote.Refund(ctx, key, limit, cost, now)
	if err == nil || errors.Is(err, ErrLimit) {
		return err
	}
	part := limit.part(s.nodes())
	return s.local.Refund(ctx, key, part, min(cost, part.Burst), now)
}

// takeLocal takes from this server's part.
func (s *Shared) takeLocal(asks []Ask, cost int, now time.Time, cause error) (bool, error) {
	since := s.away(now, cause)
	nodes := s.nodes()
	var room [MostAsks]Ask
	parts := room[:copy(room[:], asks)]
	most := cost
	for i := range parts {
		parts[i].Limit = parts[i].Limit.part(nodes)
		most = min(most, parts[i].Limit.Burst) // what is more than a part has at once takes all of it
	}
	taken, err := s.local.take(parts, most, now.UnixNano(), since)
	copy(asks, parts)
	return taken, err
}

// part is what one of n servers may hand out: as much in the same time as all of
// them together, divided by n. What cannot be divided comes later, not sooner.
func (l Limit) part(n int) Limit {
	if n <= 1 {
		return l
	}
	p := l
	p.Burst = max(l.Burst/n, 1)
	p.Period = longestPeriod
	if every := l.Every(); every <= longestPeriod/time.Duration(n*p.Burst) {
		p.Period = every * time.Duration(n*p.Burst)
	}
	return p
}

// away notes that Remote is out of reach, and says so now and then.
func (s *Shared) away(now time.Time, cause error) (since int64) {
	s.since.CompareAndSwap(0, now.UnixNano())
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := s.now(); s.told.IsZero() || at.Sub(s.told) >= toldEvery || at.Before(s.told) {
		s.told, s.said = at, true
		s.logger.Error("Redis is out of reach: this server counts requests by itself, with its part of each limit", "servers", max(s.nodes(), 1), "err", cause)
	}
	return cmp.Or(s.since.Load(), now.UnixNano()) // it may just have come back
}

// back notes that Remote has answered.
func (s *Shared) back() {
	if s.since.Load() == 0 {
		return
	}
	s.since.Store(0)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.said {
		s.said = false
		s.logger.Info("Redis answers again: requests are counted for all servers together")
	}
}
