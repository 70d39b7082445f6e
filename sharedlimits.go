package gatehouse

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
	"github.com/gatehouse-auth/gatehouse/internal/store/redisstore"
	"github.com/gatehouse-auth/gatehouse/internal/telemetry"
)

// sharedLimits keeps the limits going that servers share: the connection to
// Redis, and how many servers there are, should it be away.
type sharedLimits struct {
	redis  *redisstore.Source
	shared *ratelimit.Shared
	store  interface {
		Nodes(ctx context.Context) ([]auth.Node, error)
	}
	nodes atomic.Int64
}

const (
	// nodesEvery is how often the servers are counted; nodesDeadline bounds it.
	nodesEvery    = 2 * time.Second
	nodesDeadline = 2 * time.Second
)

// newLimits is where requests are counted: in the memory of this server, or in
// Redis, where it is named.
func newLimits(cfg Config, redis *redisstore.Source, store interface {
	Nodes(ctx context.Context) ([]auth.Node, error)
}, watch *telemetry.Telemetry) (ratelimit.Source, *sharedLimits) {
	if redis == nil {
		return watch.Limits(ratelimit.NewMemory(0)), nil
	}
	l := &sharedLimits{redis: redis, store: store}
	l.nodes.Store(1)
	l.shared = ratelimit.NewShared(redis, func() int { return int(l.nodes.Load()) }, cfg.Logger, cfg.Now)
	return watch.Limits(l.shared), l
}

// run keeps the connection, counts the servers and sees whether Redis is there,
// until ctx ends.
func (l *sharedLimits) run(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- l.redis.Run(ctx) }()
	look := time.NewTicker(nodesEvery)
	defer look.Stop()
	for {
		l.look(ctx)
		select {
		case <-ctx.Done():
			return <-done
		case <-look.C:
		}
	}
}

// look is one round. While the servers cannot be counted there are as many as
// last time.
func (l *sharedLimits) look(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, nodesDeadline)
	defer cancel()
	if nodes, err := l.store.Nodes(limited); err == nil {
		l.nodes.Store(int64(max(len(nodes), 1)))
	}
	if up, cause := l.redis.Up(); up {
		l.shared.Observe(nil)
	} else if cause != nil && ctx.Err() == nil {
		l.shared.Observe(cause)
	}
}

// away says whether this server counts by itself, though it should not.
func (l *sharedLimits) away() bool {
	if l == nil {
		return false
	}
	up, _ := l.redis.Up()
	return !up
}

// InspectRedis connects to the Redis of the settings and takes from allowances of
// nobody there. The error says why that is not possible; without settings there
// is none.
func (c Config) InspectRedis(ctx context.Context) error {
	c = c.WithDefaults()
	c.Logger = slog.New(slog.DiscardHandler)
	redis, err := openRedis(c, false)
	if redis == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, inspectDeadline)
	done := make(chan error, 1)
	go func() { done <- redis.Run(ctx) }()
	defer func() { cancel(); <-done }()
	for {
		up, cause := redis.Up()
		switch {
		case up:
			return nil
		case cause != nil:
			return cause
		}
		select {
		case <-ctx.Done():
			return errors.New("it does not answer")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// inspectDeadline bounds InspectRedis.
const inspectDeadline = 5 * time.Second
