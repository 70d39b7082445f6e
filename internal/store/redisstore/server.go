package redisstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

const (
	// most is how many connections to one server there are at once: each carries
	// one decision at a time, and who finds none waits.
	most = 32
	// A connection that has rested for so long is asked whether it lives before it
	// is used, since a server or what stands between may have ended it.
	restsUnasked = 10 * time.Second
	// rests is after which it is closed.
	rests = 5 * time.Minute
)

// server is one Redis server and the connections to it.
type server struct {
	address string
	o       *Options
	free    chan struct{} // has room while there may be one more connection in use

	mu     sync.Mutex
	idle   []*conn // that was used last at the end
	closed bool
}

// conn is a connection. It belongs to one goroutine at a time.
type conn struct {
	redis.Conn
	net  net.Conn
	used time.Time
}

// undated is a connection whose deadline redigo does not move: it is that of the
// decision, for all its steps.
type undated struct{ net.Conn }

func (undated) SetReadDeadline(time.Time) error { return nil }

func newServer(address string, o *Options) *server {
	return &server{address: address, o: o, free: make(chan struct{}, most)}
}

// get returns a connection that is to be put back. All that it does, and that is
// done with the connection, ends with the deadline of ctx.
func (s *server) get(ctx context.Context) (*conn, error) {
	select {
	case s.free <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a connection to %s: %w", s.address, ctx.Err())
	}
	deadline, _ := ctx.Deadline()
	for c := s.rested(); c != nil; c = s.rested() {
		if err := c.net.SetDeadline(deadline); err == nil {
			if time.Since(c.used) < restsUnasked {
				return c, nil
			}
			if _, err = c.Do("PING"); err == nil {
				return c, nil
			}
		}
		_ = c.Close()
		s.forget()
	}
	c, err := s.dial(ctx)
	if err != nil {
		<-s.free
		return nil, err
	}
	return c, nil
}

func (s *server) rested() *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.idle)
	if n == 0 {
		return nil
	}
	c := s.idle[n-1]
	s.idle[n-1], s.idle = nil, s.idle[:n-1]
	return c
}

// put takes a connection back, or closes it after an error: what Redis says, too,
// may be of this connection alone, as when the name of the server meanwhile means
// another one.
func (s *server) put(c *conn, err error) {
	defer func() { <-s.free }()
	if broken := c.Err(); broken != nil {
		var late net.Error
		if !errors.As(broken, &late) || !late.Timeout() {
			s.forget() // whoever ended this one ended more
		}
	}
	var old *conn
	s.mu.Lock()
	keep := err == nil && c.Err() == nil && !s.closed
	if keep {
		c.used = time.Now()
		if len(s.idle) > 0 && c.used.Sub(s.idle[0].used) > rests {
			old, s.idle = s.idle[0], s.idle[1:]
		}
		s.idle = append(s.idle, c)
	}
	s.mu.Unlock()
	if !keep {
		old = c
	}
	if old != nil {
		_ = old.Close()
	}
}

// close closes the connections that nobody uses, and the others when they are
// put back.
func (s *server) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.forget()
}

// forget closes the connections that nobody uses.
func (s *server) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.idle {
		_ = c.Close()
	}
	s.idle = nil
}

func (s *server) dial(ctx context.Context) (*conn, error) {
	dialer := net.Dialer{KeepAlive: 15 * time.Second}
	raw, err := dialer.DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	err = raw.SetDeadline(deadline)
	if s.o.TLS != nil && err == nil {
		config := s.o.TLS.Clone()
		if config.ServerName == "" {
			config.ServerName, _, _ = net.SplitHostPort(s.address)
		}
		secure := tls.Client(raw, config)
		if err = secure.HandshakeContext(ctx); err == nil {
			raw = secure
		}
	}
	if err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("connect to %s: %w", s.address, err)
	}
	c := &conn{Conn: redis.NewConn(undated{raw}, 0, 0), net: raw}
	if err := c.introduce(s.o); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// introduce says who connects, and to which database.
func (c *conn) introduce(o *Options) error {
	var err error
	switch {
	case o.Username != "":
		_, err = c.Do("AUTH", o.Username, o.Password.Reveal())
	case o.Password != "":
		_, err = c.Do("AUTH", o.Password.Reveal())
	}
	if err == nil && o.Database != 0 {
		_, err = c.Do("SELECT", o.Database)
	}
	return err
}

// exec runs a script by its hash, and sends it when the server does not know it.
// Of the words the first is left for it. With asking the server answers for keys
// that are on their way to it.
func (c *conn) exec(what script, words []any, asking bool) (any, error) {
	run := func(command, first string) (any, error) {
		if asking {
			if err := c.Send("ASKING"); err != nil {
				return nil, err
			}
		}
		words[0] = first
		return c.Do(command, words...)
	}
	answer, err := run("EVALSHA", what.hash)
	if kind, _ := refusal(err); kind == "NOSCRIPT" {
		return run("EVAL", what.source)
	}
	return answer, err
}

// refusal returns the first word of an error that Redis answered with, and the
// rest; nothing for other errors.
func refusal(err error) (kind, rest string) {
	var said redis.Error
	if !errors.As(err, &said) {
		return "", ""
	}
	kind, rest, _ = strings.Cut(string(said), " ")
	return kind, rest
}
