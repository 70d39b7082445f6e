package redisstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/gomodule/redigo/redis"
)

// parts is in how many parts a cluster divides its keys (Redis calls them slots).
const parts = 16384

// hops is how often a decision is sent elsewhere: once is usual, when a part has
// moved; more than that is a cluster that does not know itself.
const hops = 3

// servers are the one server, or those of a cluster, and who has which keys. It
// is safe for concurrent use.
type servers struct {
	o *Options
	// moved is told when who has which keys is to be looked up again.
	moved chan struct{}

	mu     sync.RWMutex
	known  map[string]*server // by address
	alone  *server            // if there is no cluster
	has    [parts]*server     // if there is one
	closed bool
}

func newServers(o *Options) *servers {
	return &servers{o: o, moved: make(chan struct{}, 1), known: map[string]*server{}}
}

// run runs a script on the server that has the keys, and follows it where it
// sends. It ends with the deadline of ctx.
func (s *servers) run(ctx context.Context, what script, words []any) (any, error) {
	key, _ := words[2].(string)
	part := partOf(key)
	to, err := s.of(part)
	asking := false
	for range hops {
		if err != nil {
			return nil, err
		}
		var answer any
		answer, err = to.run(ctx, what, words, asking)
		if err == nil {
			return answer, nil
		}
		kind, rest := refusal(err)
		if kind != "MOVED" && kind != "ASK" {
			s.lookAgain()
			return nil, err
		}
		asking = kind == "ASK"
		to, err = s.follow(to, rest, part, asking)
	}
	if err == nil {
		err = errors.New("the servers of the cluster send to one another")
	}
	return nil, err
}

func (s *server) run(ctx context.Context, what script, words []any, asking bool) (any, error) {
	c, err := s.get(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := c.exec(what, words, asking)
	if kind, _ := refusal(err); kind == "MOVED" || kind == "ASK" {
		s.put(c, nil) // nothing is wrong with it
	} else {
		s.put(c, err)
	}
	return answer, err
}

func (s *servers) of(part int) (*server, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch {
	case s.alone != nil:
		return s.alone, nil
	case s.has[part] != nil:
		return s.has[part], nil
	}
	return nil, fmt.Errorf("no server of the cluster has slot %d", part)
}

// follow returns the server that an answer names: "SLOT HOST:PORT".
func (s *servers) follow(from *server, where string, part int, once bool) (*server, error) {
	_, address, _ := strings.Cut(where, " ")
	at := strings.LastIndexByte(address, ':')
	if at < 0 {
		return nil, fmt.Errorf("sent to %q, which is no address", address)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	to := s.named(join(address[:at], address[at+1:], from.address))
	if !once {
		if s.alone == nil {
			s.has[part] = to
		}
		s.lookAgain()
	}
	return to, nil
}

// join makes an address; a server that does not know its host is where it was
// asked.
func join(host, port, asked string) string {
	if host == "" || host == "?" {
		host, _, _ = net.SplitHostPort(asked)
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), port)
}

// named is called with the lock.
func (s *servers) named(address string) *server {
	to := s.known[address]
	if to == nil {
		to = newServer(address, s.o)
		to.closed = s.closed
		s.known[address] = to
	}
	return to
}

func (s *servers) lookAgain() {
	select {
	case s.moved <- struct{}{}:
	default:
	}
}

// find asks the servers that are known, one after the other, who has which keys.
func (s *servers) find(ctx context.Context) error {
	all := map[string]bool{} // whose order is another each time
	for _, address := range s.o.Addresses {
		all[address] = true
	}
	s.mu.RLock()
	for address := range s.known {
		all[address] = true
	}
	s.mu.RUnlock()
	var failed error
	for address := range all {
		err := s.findAt(ctx, address)
		if err == nil || ctx.Err() != nil {
			return err
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

func (s *servers) findAt(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	s.mu.Lock()
	at := s.named(address)
	s.mu.Unlock()
	c, err := at.get(ctx)
	if err != nil {
		return err
	}
	answer, err := redis.Values(c.Do("CLUSTER", "SLOTS"))
	if kind, _ := refusal(err); kind == "ERR" { // there is no cluster, or no such command
		at.put(c, nil)
		if address != s.o.Addresses[0] {
			return fmt.Errorf("%s is no server of a cluster", address)
		}
		return s.learn(at, nil)
	}
	at.put(c, err)
	if err != nil {
		return err
	}
	ranges, err := readRanges(answer, address)
	if err != nil {
		return fmt.Errorf("%s: CLUSTER SLOTS: %w", address, err)
	}
	return s.learn(nil, ranges)
}

// learn forgets the servers that have nothing any more.
func (s *servers) learn(alone *server, ranges []partsOf) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alone = alone
	clear(s.has[:])
	used := map[string]bool{}
	if alone != nil {
		used[alone.address] = true
	}
	for _, r := range ranges {
		to := s.named(r.address)
		used[r.address] = true
		for part := r.first; part <= r.last; part++ {
			s.has[part] = to
		}
	}
	maps.DeleteFunc(s.known, func(address string, one *server) bool {
		if !used[address] {
			one.close()
		}
		return !used[address]
	})
	return nil
}

func (s *servers) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, one := range s.known {
		one.close()
	}
}

// partsOf says which parts a server has, the first and the last included.
type partsOf struct {
	first, last int
	address     string
}

// readRanges reads what CLUSTER SLOTS answers: a list of [first, last, [host,
// port, …], replicas…].
func readRanges(answer []any, asked string) ([]partsOf, error) {
	list := make([]partsOf, 0, len(answer))
	for _, one := range answer {
		var r partsOf
		var master []any
		fields, err := redis.Values(one, nil)
		if err == nil {
			_, err = redis.Scan(fields, &r.first, &r.last, &master)
		}
		if err != nil {
			return nil, err
		}
		var host string // none when it is null
		var port int
		if _, err := redis.Scan(master, &host, &port); err != nil {
			return nil, err
		}
		if r.first < 0 || r.first > r.last || r.last >= parts {
			return nil, fmt.Errorf("slots %d to %d", r.first, r.last)
		}
		r.address = join(host, strconv.Itoa(port), asked)
		list = append(list, r)
	}
	if len(list) == 0 {
		return nil, errors.New("no server has any")
	}
	return list, nil
}

// partOf is the part of a key that has a hash tag: its CRC-16 (XMODEM).
func partOf(key string) int {
	_, tag, _ := strings.Cut(key, "{")
	tag, _, _ = strings.Cut(tag, "}")
	crc := uint16(0)
	for i := range len(tag) {
		crc ^= uint16(tag[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc) % parts
}
