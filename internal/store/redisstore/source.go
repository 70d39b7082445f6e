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

	"github.com/redis/rueidis"

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
	o      Options
	client atomic.Pointer[rueidis.Client]
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
	return &Source{o: o, down: make(chan struct{}, 1)}, nil
}

// Run keeps the connection until ctx ends, and closes it then: it connects,
// waits until decisions fail, and tries Redis until it answers. It runs once.
func (s *Source) Run(ctx context.Context) error {
	defer func() {
		s.up.Store(false)
		if c := s.client.Swap(nil); c != nil {
			(*c).Close()
		}
	}()
	retry := time.NewTicker(probeEvery)
	defer retry.Stop()
	for {
		if err := s.probe(ctx); err == nil {
			s.up.Store(true)
			select {
			case <-ctx.Done():
				return nil
			case <-s.down:
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

// probe connects if need be, and takes from allowances of nobody all over Redis.
func (s *Source) probe(ctx context.Context) error {
	client := s.client.Load()
	if client == nil {
		c, err := s.connect()
		if err != nil {
			return err
		}
		client = &c
		s.client.Store(client)
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	failed := make(chan error, probes)
	for i := range probes {
		go func() {
			asks := []ratelimit.Ask{{Limit: ratelimit.Limit{Name: "probe", Burst: 1000, Period: time.Second}, Key: strconv.Itoa(i)}}
			_, err := s.ask(ctx, *client, strconv.Itoa(i), asks, 1, time.Now())
			failed <- err
		}()
	}
	var err error
	for range probes {
		if one := <-failed; one != nil {
			err = one
		}
	}
	return err
}

func (s *Source) connect() (rueidis.Client, error) {
	o := rueidis.ClientOption{
		InitAddress: s.o.Addresses, Username: s.o.Username, Password: s.o.Password.Reveal(), SelectDB: s.o.Database, TLSConfig: s.o.TLS,
		ClientName: "gatehouse", Dialer: net.Dialer{Timeout: probeTimeout, KeepAlive: time.Second}, ConnWriteTimeout: 2 * time.Second,
		DisableCache: true, DisableRetry: true, ShuffleInit: true,
		// Small: a command and its answer are some hundred bytes.
		ReadBufferEachConn: 64 << 10, WriteBufferEachConn: 64 << 10,
	}
	return rueidis.NewClient(o)
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
	client, err := s.reach()
	if err != nil {
		return false, err
	}
	// That the caller goes away says nothing of Redis.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.o.Timeout)
	defer cancel()
	taken, err = s.ask(ctx, client, group, asks, cost, now)
	return taken, s.note(err)
}

// Refund implements [ratelimit.Source], for allowances of Take.
func (s *Source) Refund(ctx context.Context, key string, limit ratelimit.Limit, cost int, now time.Time) error {
	ask := ratelimit.Ask{Limit: limit, Key: key}
	if err := ratelimit.ValidAsks([]ratelimit.Ask{ask}, cost); err != nil {
		return err
	}
	client, err := s.reach()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.o.Timeout)
	defer cancel()
	keys := s.keys(limit.Name+"\x00"+key, []ratelimit.Ask{ask})
	return s.note(refund.Exec(ctx, client, keys, s.args([]ratelimit.Ask{ask}, cost, now)).Error())
}

func (s *Source) reach() (rueidis.Client, error) {
	if client := s.client.Load(); client != nil && s.up.Load() {
		return *client, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return nil, errors.Join(ErrAway, s.cause)
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
func (s *Source) ask(ctx context.Context, client rueidis.Client, group string, asks []ratelimit.Ask, cost int, now time.Time) (bool, error) {
	answer, err := take.Exec(ctx, client, s.keys(group, asks), s.args(asks, cost, now)).AsIntSlice()
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

func (s *Source) args(asks []ratelimit.Ask, cost int, now time.Time) []string {
	at := int64(0)
	if s.o.CallersTime {
		at = now.UnixMicro()
	}
	list := make([]string, 0, 2+2*len(asks))
	list = append(list, strconv.FormatInt(at, 10), strconv.Itoa(cost))
	for i := range asks {
		unit, whole := span(asks[i].Limit)
		list = append(list, strconv.FormatInt(unit, 10), strconv.FormatInt(whole, 10))
	}
	return list
}

// keys names the allowances. What stands in braces decides in which part of a
// cluster a key is (Redis calls it a hash tag), so those of one group are in
// one.
func (s *Source) keys(group string, asks []ratelimit.Ask) []string {
	h := hmac.New(sha256.New, s.o.Key)
	_, _ = h.Write([]byte(group))
	prefix := "gatehouse:limit:{" + name(h.Sum(nil)) + "}:"
	list := make([]string, len(asks))
	for i := range asks {
		h.Reset()
		_, _ = h.Write([]byte(asks[i].Limit.Name))
		_, _ = h.Write([]byte{0}) // no name of a limit has it
		_, _ = h.Write([]byte(asks[i].Key))
		list[i] = prefix + name(h.Sum(nil))
	}
	return list
}

// name is 128 bits of a sum.
func name(sum []byte) string { return base64.RawURLEncoding.EncodeToString(sum[:16]) }
