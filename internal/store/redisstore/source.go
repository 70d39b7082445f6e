package redisstore

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
)

// DefaultTimeout is how long a decision waits for Redis.
const DefaultTimeout = 50 * time.Millisecond

// Options say where Redis is.
type Options struct {
	// Addresses are hosts with ports: that of a single server, or of some of a
	// cluster, which tells of the others. Required.
	Addresses []string
	// Username and Password authenticate; without a Username it is the user
	// "default" of Redis.
	Username string
	Password auth.Secret
	// Database is the number of the database, on a single server.
	Database int
	// TLS, if not nil, encrypts the connections and says whom to trust.
	TLS *tls.Config
	// Key is a secret that all servers have: it hides what is counted. Required.
	Key []byte
	// Timeout is how long a decision may take; zero means DefaultTimeout.
	Timeout time.Duration
	// CallersTime says that the time is what the caller of Take says, and not the
	// clock of Redis: for programs whose clock is not the world's.
	CallersTime bool
	// Logger is told of the connection; nil means nobody.
	Logger *slog.Logger
}

// Source is a [ratelimit.Source] in Redis. It is safe for concurrent use. Until
// [Source.Run] has connected, and while Redis is away, every decision fails at
// once with [ErrAway].
type Source struct {
	o     Options
	where *servers
	// up says that the breaker is closed: decisions go to Redis.
	up atomic.Bool
	// down wakes Run when the breaker opens.
	down chan struct{}

	// row is how many decisions in a row have failed.
	row    atomic.Int32
	mu     sync.Mutex
	failed [tooMany]time.Time // when decisions failed last, in a ring
	next   int
	cause  error
}

var _ ratelimit.Source = (*Source)(nil)

// ErrAway says that Redis is out of reach, or was a moment ago.
var ErrAway = errors.New("redis is out of reach")

const (
	// tooMany failures in a row, or within window, open the breaker: until then
	// each costs its request the timeout.
	tooMany = 3
	window  = time.Second
	// probeEvery is how long Run waits before it tries Redis again, and
	// probeTimeout how long it waits for the answers.
	probeEvery   = 500 * time.Millisecond
	probeTimeout = time.Second
	// probes are spread over the parts of a cluster: with three masters, that all
	// of them miss one happens once in 400,000 times.
	probes = 32
	// probers is how many are under way at once.
	probers = 8
)

// New connects to nothing yet. It fails when Options lack something.
func New(o Options) (*Source, error) {
	if len(o.Addresses) == 0 || len(o.Key) < 16 {
		return nil, errors.New("redisstore: Addresses or Key are missing")
	}
	for _, a := range o.Addresses {
		if _, _, err := net.SplitHostPort(a); err != nil {
			return nil, fmt.Errorf("redisstore: %w", err)
		}
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Source{o: o, where: newServers(&o), down: make(chan struct{}, 1)}, nil
}

// Run keeps the connection until ctx ends, and closes it then: it connects,
// waits until decisions fail, and tries Redis until it answers. It runs once.
func (s *Source) Run(ctx context.Context) error {
	defer func() {
		s.up.Store(false)
		s.where.close()
	}()
	retry := time.NewTicker(probeEvery)
	defer retry.Stop()
	for {
		if err := s.probe(ctx); err == nil {
			s.up.Store(true)
			if !s.watch(ctx, retry.C) {
				return nil
			}
		} else {
			s.mu.Lock()
			s.cause = err
			s.mu.Unlock()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-retry.C:
		}
	}
}

// watch returns when the breaker opens, or false when ctx ends. Until then it
// looks again who has which keys when somebody was sent elsewhere or failed: of
// some of a cluster the breaker may know nothing.
func (s *Source) watch(ctx context.Context, tick <-chan time.Time) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-s.down:
			return true
		case <-s.where.moved:
			_ = s.where.find(ctx)
		}
		select { // not more often than Redis is probed
		case <-ctx.Done():
			return false
		case <-s.down:
			return true
		case <-tick:
		}
	}
}

// probe finds the servers, and takes from allowances of nobody all over Redis.
func (s *Source) probe(ctx context.Context) error {
	if err := s.where.find(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	var next atomic.Int32
	failed := make(chan error, probers)
	for range probers {
		go func() {
			var err error
			for i := next.Add(1); i <= probes && err == nil; i = next.Add(1) {
				group := strconv.Itoa(int(i))
				asks := []ratelimit.Ask{{Limit: ratelimit.Limit{Name: "probe", Burst: 1000, Period: time.Second}, Key: group}}
				_, err = s.ask(ctx, group, asks, 1, time.Now())
			}
			failed <- err
		}()
	}
	var err error
	for range probers {
		if one := <-failed; one != nil {
			err = one
		}
	}
	return err
}

// Up says whether decisions go to Redis, and if not, why, as far as known.
func (s *Source) Up() (up bool, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.up.Load(), s.cause
}

// Take implements [ratelimit.Source].
func (s *Source) Take(ctx context.Context, key string, limit ratelimit.Limit, cost int, now time.Time) (ratelimit.Decision, error) {
	asks := []ratelimit.Ask{{Limit: limit, Key: key}}
	// A group of its own: by itself it is asked of in no other.
	_, err := s.takeAll(ctx, limit.Name+"\x00"+key, asks, cost, now)
	return asks[0].Decision, err
}

// TakeAll implements [ratelimit.Source].
func (s *Source) TakeAll(ctx context.Context, group string, asks []ratelimit.Ask, cost int, now time.Time) (bool, error) {
	return s.takeAll(ctx, group, asks, cost, now)
}

func (s *Source) takeAll(ctx context.Context, group string, asks []ratelimit.Ask, cost int, now time.Time) (taken bool, err error) {
	if err := ratelimit.ValidAsks(asks, cost); err != nil {
		return false, err
	}
	if err := s.reach(); err != nil {
		return false, err
	}
	// That the caller goes away says nothing of Redis.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.o.Timeout)
	defer cancel()
	taken, err = s.ask(ctx, group, asks, cost, now)
	return taken, s.note(err)
}

// Refund implements [ratelimit.Source], for allowances of Take.
func (s *Source) Refund(ctx context.Context, key string, limit ratelimit.Limit, cost int, now time.Time) error {
	ask := ratelimit.Ask{Limit: limit, Key: key}
	if err := ratelimit.ValidAsks([]ratelimit.Ask{ask}, cost); err != nil {
		return err
	}
	if err := s.reach(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.o.Timeout)
	defer cancel()
	_, err := s.where.run(ctx, refund, s.words(limit.Name+"\x00"+key, []ratelimit.Ask{ask}, cost, now))
	return s.note(err)
}

func (s *Source) reach() error {
	if s.up.Load() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(ErrAway, s.cause)
}

// note counts failures, and opens the breaker when there are too many.
func (s *Source) note(err error) error {
	if err == nil {
		if s.row.Load() != 0 {
			s.row.Store(0)
		}
		return nil
	}
	row := s.row.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.failed[s.next], s.next, s.cause = now, (s.next+1)%tooMany, err
	first := s.failed[s.next] // of the last tooMany
	if (row >= tooMany || !first.IsZero() && now.Sub(first) < window) && s.up.CompareAndSwap(true, false) {
		clear(s.failed[:])
		s.row.Store(0)
		select {
		case s.down <- struct{}{}:
		default:
		}
	}
	return errors.Join(ErrAway, err)
}

// ask is one round trip.
func (s *Source) ask(ctx context.Context, group string, asks []ratelimit.Ask, cost int, now time.Time) (bool, error) {
	answer, err := redis.Int64s(s.where.run(ctx, take, s.words(group, asks, cost, now)))
	if err != nil {
		return false, err
	}
	if len(answer) != 1+2*len(asks) {
		return false, fmt.Errorf("the script answered with %d numbers", len(answer))
	}
	for i := range asks {
		unit, whole := span(asks[i].Limit)
		late, left := answer[1+2*i], answer[2+2*i]
		asks[i].Decision = ratelimit.Decision{
			Allowed: late == 0, RetryAfter: time.Duration(late), Remaining: int((whole - left) / unit), Whole: time.Duration(left),
		}
	}
	return answer[0] == 1, nil
}

// span is the time in which one unit comes back, and in which all do, in
// nanoseconds.
func span(l ratelimit.Limit) (unit, whole int64) {
	unit = int64(l.Every())
	return unit, unit * int64(l.Burst)
}

// words are those of the command but for the script, whose place is the first:
// how many keys, the keys, and the arguments.
func (s *Source) words(group string, asks []ratelimit.Ask, cost int, now time.Time) []any {
	at := int64(0)
	if s.o.CallersTime {
		at = now.UnixMicro()
	}
	list := make([]any, 2, 4+3*len(asks))
	list[1] = len(asks)
	list = s.keys(list, group, asks)
	list = append(list, at, cost)
	for i := range asks {
		unit, whole := span(asks[i].Limit)
		list = append(list, unit, whole)
	}
	return list
}

// keys names the allowances. What stands in braces decides in which part of a
// cluster a key is (Redis calls it a hash tag), so those of one group are in
// one.
func (s *Source) keys(list []any, group string, asks []ratelimit.Ask) []any {
	h := hmac.New(sha256.New, s.o.Key)
	_, _ = h.Write([]byte(group))
	prefix := "gatehouse:limit:{" + name(h.Sum(nil)) + "}:"
	for i := range asks {
		h.Reset()
		_, _ = h.Write([]byte(asks[i].Limit.Name))
		_, _ = h.Write([]byte{0}) // no name of a limit has it
		_, _ = h.Write([]byte(asks[i].Key))
		list = append(list, prefix+name(h.Sum(nil)))
	}
	return list
}

// name is 128 bits of a sum.
func name(sum []byte) string { return base64.RawURLEncoding.EncodeToString(sum[:16]) }
