package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Verdict is what an answer is worth.
type Verdict struct {
	// Err: it is none of those that were wanted, and the round is void.
	Err error
	// Refused: the server said, as it should, that it has no time. It is
	// counted apart, and the client comes again after Wait.
	Refused bool
	Wait    time.Duration
}

// Plan is one round.
type Plan struct {
	// Address is host and port.
	Address string
	// Clients ask at once, each on a connection of its own.
	Clients int
	// Ramp is how long the clients are at work already when the round begins; a
	// twentieth of a second at least.
	Ramp time.Duration
	// For is how long the round is. What is answered in it counts, whenever it
	// was asked; what is under way at the end is waited for and does not.
	For time.Duration
	// Next is the n-th request of a client, from 0. The bytes are only read.
	Next func(client, n int) []byte
	// Judge says what an answer is worth.
	Judge func(client int, a *Answer) Verdict
	// Begin and End, if not nil, are called at these two moments.
	Begin, End func()
}

// Result are the figures of a round.
type Result struct {
	Good, Refused Latencies
	Took          time.Duration
}

// Rate is good answers a second.
func (r Result) Rate() float64 { return float64(len(r.Good)) / r.Took.Seconds() }

// patience is how long a client waits for an answer.
const patience = 2 * time.Minute

// The states of a round.
const (
	ramping = iota
	counting
	over
)

// Run carries the plan out. Any answer that is not wanted ends it with an error.
func Run(ctx context.Context, p Plan) (Result, error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	waiting, wake := context.WithCancel(ctx) // for refused clients
	defer wake()
	var state atomic.Int32
	clients := make([]*client, p.Clients)
	var connected, all sync.WaitGroup
	connected.Add(len(clients))
	for i := range clients {
		c := &client{plan: &p, number: i, state: &state}
		clients[i] = c
		all.Go(func() {
			err := c.open(ctx)
			connected.Done()
			if err == nil {
				err = c.loop(waiting)
				c.conn.Close()
			}
			if err != nil && ctx.Err() == nil {
				fail(fmt.Errorf("client %d: %w", c.number, err))
			}
		})
	}
	connected.Wait()
	pause(ctx, max(p.Ramp, 50*time.Millisecond))
	if p.Begin != nil {
		p.Begin()
	}
	begun := time.Now()
	state.Store(counting)
	pause(ctx, p.For)
	state.Store(over)
	took := time.Since(begun)
	if p.End != nil {
		p.End()
	}
	wake()
	all.Wait()
	r := Result{Took: took}
	for _, c := range clients {
		r.Good, r.Refused = append(r.Good, c.good...), append(r.Refused, c.refused...)
	}
	return r, context.Cause(ctx)
}

// client is one connection.
type client struct {
	plan          *Plan
	number, asked int
	state         *atomic.Int32
	conn          net.Conn
	r             *bufio.Reader
	answer        Answer
	good, refused Latencies
}

func (c *client) open(ctx context.Context) (err error) {
	if c.conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", c.plan.Address); err != nil {
		return err
	}
	c.r = bufio.NewReaderSize(c.conn, 32<<10)
	return c.conn.SetDeadline(time.Now().Add(c.plan.Ramp + c.plan.For + patience))
}

func (c *client) ask() (Verdict, error) {
	request := c.plan.Next(c.number, c.asked)
	c.asked++
	if _, err := c.conn.Write(request); err != nil {
		return Verdict{}, err
	}
	if err := c.answer.read(c.r); err != nil {
		return Verdict{}, err
	}
	return c.plan.Judge(c.number, &c.answer), nil
}

// loop asks until the round is over, or the context ends.
func (c *client) loop(ctx context.Context) error {
	for begun := time.Now(); c.state.Load() != over && ctx.Err() == nil; {
		v, err := c.ask()
		if err = errors.Join(err, v.Err); err != nil {
			return err
		}
		now, counts := time.Now(), c.state.Load() == counting
		switch {
		case v.Refused:
			if counts {
				c.refused.add(now.Sub(begun))
			}
			pause(ctx, v.Wait)
			now = time.Now()
		case counts:
			c.good.add(now.Sub(begun))
		}
		begun = now
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// Once asks one request on a connection of its own.
func Once(ctx context.Context, address string, request []byte) (*Answer, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := conn.Write(request); err != nil {
		return nil, err
	}
	a := new(Answer)
	return a, a.read(bufio.NewReader(conn))
}
