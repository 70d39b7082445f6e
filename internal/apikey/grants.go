package apikey

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
)

// grants are what a key may do, from where and how often. Many keys have the
// same; each is kept once. Nobody changes one.
type grants struct {
	roles, narrowed, scopes []string
	networks                []netip.Prefix
	limit                   ratelimit.Limit // Burst 0 is none
}

// allows says whether the key may be used from the address.
func (g *grants) allows(from netip.Addr) bool {
	if len(g.networks) == 0 {
		return true
	}
	from = from.Unmap()
	return from.IsValid() && slices.ContainsFunc(g.networks, func(n netip.Prefix) bool { return n.Contains(from) })
}

// effective are the roles of a user's key: the user's own, or those of them that
// it names.
func effective(users, named []string) []string {
	if len(named) == 0 {
		return users
	}
	var both []string
	for _, r := range users {
		if slices.Contains(named, r) {
			both = append(both, r)
		}
	}
	return both
}

// grantTable keeps grants, each once, and gives them numbers. When their texts
// become more than mostGrants bytes it begins anew, and what was numbered before
// is read again.
type grantTable struct {
	mu      sync.Mutex
	numbers map[string]uint32
	bytes   int
	current atomic.Pointer[generation]
}

type generation struct {
	number uint32
	list   []*grants
}

// mostGrants bounds the memory of grants, in bytes of their texts: some thousand
// of the longest, some ten thousand ordinary ones.
const mostGrants = 16 << 20

func newGrantTable() *grantTable {
	t := &grantTable{numbers: map[string]uint32{}}
	t.current.Store(&generation{number: 1})
	return t
}

// at returns the grants of a number, nil when their generation is over.
func (t *grantTable) at(number, n uint32) *grants {
	g := t.current.Load()
	if g.number != number || int(n) >= len(g.list) {
		return nil
	}
	return g.list[n]
}

// keep returns the number of the grants.
func (t *grantTable) keep(g *grants) (number, n uint32) {
	text := g.text()
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.current.Load()
	if n, ok := t.numbers[text]; ok {
		return now.number, n
	}
	next := &generation{number: now.number, list: now.list}
	if t.bytes += len(text); t.bytes > mostGrants {
		next = &generation{number: now.number + 1}
		t.bytes = len(text)
		clear(t.numbers)
	}
	n = uint32(len(next.list))
	next.list = append(next.list, g) // whoever has the shorter list does not see it
	t.numbers[text] = n
	t.current.Store(next)
	return next.number, n
}

// text is different for different grants.
func (g *grants) text() string {
	var b strings.Builder
	for _, list := range [][]string{g.roles, g.narrowed, g.scopes} {
		for _, s := range list {
			b.WriteString(s)
			b.WriteByte(0)
		}
		b.WriteByte(1)
	}
	for _, n := range g.networks {
		b.WriteString(n.String())
		b.WriteByte(0)
	}
	fmt.Fprintf(&b, "%d/%d", g.limit.Burst, g.limit.Period)
	return b.String()
}

// limitName is what the limit of keys is called.
const limitName = "api-key"

func limitOf(l auth.RateLimit) ratelimit.Limit {
	return ratelimit.Limit{Name: limitName, Burst: l.Requests, Period: l.Period}
}
