package ratelimit

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Dimension is something that a Policy tells requests apart by.
type Dimension string

// The Dimensions. Whoever has none of what is asked for (no API key, nobody
// signed in) is told apart by address in its place, so that leaving it out
// dodges nothing.
const (
	// PerAddress: the client's address as package clientip finds it; see
	// [Subject.Address].
	PerAddress Dimension = "address"
	// PerAccount: the account that the request is about, signed in or not.
	PerAccount Dimension = "account"
	// PerKey: the API key.
	PerKey Dimension = "key"
	// PerRoute: the pattern that the request came by, never the path.
	PerRoute Dimension = "route"
	// PerPrincipal: who is signed in, with whatever credential.
	PerPrincipal Dimension = "principal"
)

// Dimensions returns all, in the order in which keys have them.
func Dimensions() []Dimension {
	return []Dimension{PerAddress, PerAccount, PerKey, PerRoute, PerPrincipal}
}

// Policy is a named limit on requests, told apart by all of Per together, or
// shared by everybody when Per is empty. All of its windows must have room.
type Policy struct {
	// Name is 1 to 64 lower-case letters, digits, hyphens, dots and underscores.
	Name string
	Per  []Dimension
	// Windows are one to [MostWindows]; their Names are set by [NewLimiter].
	Windows []Window
}

// Window is one allowance of a Policy: Burst at once, whole again after Period.
type Window struct {
	// Name is put behind the Policy's, where there is more than one; the first
	// has none.
	Name   string
	Burst  int
	Period time.Duration
}

const (
	// MostWindows a Policy can have.
	MostWindows = MostAsks / 2
	// Wide is how many times the allowance of one network of 64 bits a network
	// of 48 bits has: who is given one has 65,536 of the former to call from.
	// Callers whose address is not known share as much.
	Wide = 16
	// wideBits is how long the prefix of such a network is.
	wideBits = 48
)

var policyName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// Validate returns an error, matched by ErrLimit, that says what is wrong.
func (p Policy) Validate() error {
	if !policyName.MatchString(p.Name) {
		return fmt.Errorf("%w: %q is not a name for a policy", ErrLimit, p.Name)
	}
	if len(p.Windows) == 0 || len(p.Windows) > MostWindows {
		return fmt.Errorf("%w: %s: has %d windows and must have from 1 to %d", ErrLimit, p.Name, len(p.Windows), MostWindows)
	}
	for i, d := range p.Per {
		if !slices.Contains(Dimensions(), d) || slices.Contains(p.Per[:i], d) {
			return fmt.Errorf("%w: %s: per %q is unknown or said twice", ErrLimit, p.Name, d)
		}
	}
	for i, w := range p.Windows {
		if i > 0 && !policyName.MatchString(w.Name) {
			return fmt.Errorf("%w: %s: %q is not a name for a window", ErrLimit, p.Name, w.Name)
		}
		if err := (Limit{Name: p.Name, Burst: w.Burst, Period: w.Period}).Validate(); err != nil {
			return err
		}
		if err := (Limit{Name: p.Name, Burst: w.Burst * Wide, Period: w.Period}).Validate(); err != nil {
			return err
		}
	}
	return nil
}

// Subject is what is known of a request. Empty members are not known.
type Subject struct {
	// Address is counted by itself, an IPv6 address by its network of 64 bits and
	// that of 48 bits beside it.
	Address netip.Addr
	// Account is a name as somebody typed it: all spellings of one are one.
	Account string
	// APIKey is the ID of the API key.
	APIKey string
	// Principal is the ID of who is signed in.
	Principal string
	// Route is a pattern.
	Route string
}

// Limiter decides by one Policy. It is safe for concurrent use.
type Limiter struct {
	policy  Policy
	source  Source
	names   []string // of the windows, as clients are told
	narrow  []Limit
	wide    []Limit
	scratch sync.Pool
}

// NewLimiter refuses a Policy that is none.
func NewLimiter(p Policy, source Source) (*Limiter, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	l := &Limiter{policy: p, source: source}
	// Keys have their parts in one order, however the policy names them.
	l.policy.Per = nil
	for _, d := range Dimensions() {
		if slices.Contains(p.Per, d) {
			l.policy.Per = append(l.policy.Per, d)
		}
	}
	for i, w := range p.Windows {
		name := p.Name
		if i > 0 {
			name += ":" + w.Name
		}
		l.names = append(l.names, name)
		l.narrow = append(l.narrow, Limit{Name: "policy:" + name, Burst: w.Burst, Period: w.Period})
		l.wide = append(l.wide, Limit{Name: "policy:" + name + "/" + strconv.Itoa(wideBits), Burst: w.Burst * Wide, Period: w.Period})
	}
	l.scratch.New = func() any { return new(scratch) }
	return l, nil
}

// Policy returns what it decides by, its Dimensions in the order of
// [Dimensions].
func (l *Limiter) Policy() Policy { return l.policy }

// Needs says whether the Policy tells requests apart by d.
func (l *Limiter) Needs(d Dimension) bool { return slices.Contains(l.policy.Per, d) }

// scratch is what one decision needs, kept for the next.
type scratch struct {
	key  []byte
	asks [MostAsks]Ask
}

// Outcome is what a Policy said.
type Outcome struct {
	Allowed bool
	// RetryAfter is how long to wait; 0 when allowed.
	RetryAfter time.Duration
	states     [MostWindows]State
	n          int
}

// State is how much of a window is left.
type State struct {
	// Name is the Policy's, and behind a colon the window's.
	Name string
	// Burst and Period are the window's.
	Burst  int
	Period time.Duration
	// Remaining is how many more may come now.
	Remaining int
	// Reset is the time after which there is more: one again when there is none
	// left, all of Burst otherwise.
	Reset time.Duration
}

// States returns those of the windows, in order.
func (o *Outcome) States() []State { return o.states[:o.n] }

// Take counts one request. The error is the Source's.
func (l *Limiter) Take(ctx context.Context, who Subject, now time.Time) (o Outcome, err error) {
	s := l.scratch.Get().(*scratch)
	defer l.scratch.Put(s)
	key, kind := l.appendKey(s.key[:0], who, false)
	cut := len(key)
	if kind == aNetwork {
		key, _ = l.appendKey(key, who, true)
	}
	s.key = key
	text := string(key)
	asks := s.asks[:0]
	group := text[cut:]
	if kind != aNetwork {
		group = text
	}
	for i := range l.narrow {
		if kind != aCrowd {
			asks = append(asks, Ask{Limit: l.narrow[i], Key: text[:cut]})
		}
		if kind != anAddress {
			asks = append(asks, Ask{Limit: l.wide[i], Key: group})
		}
	}
	o.Allowed, err = l.source.TakeAll(ctx, group, asks, 1, now)
	if err == nil {
		l.tell(&o, asks)
	}
	clear(asks)
	return o, err
}

// tell puts the decisions into o: of each window the narrowest.
func (l *Limiter) tell(o *Outcome, asks []Ask) {
	o.n = len(l.narrow)
	each := len(asks) / o.n
	for i := range o.n {
		w := &l.policy.Windows[i]
		state := State{Name: l.names[i], Burst: w.Burst, Period: w.Period, Remaining: w.Burst}
		for _, ask := range asks[i*each : (i+1)*each] {
			d := ask.Decision
			o.RetryAfter = max(o.RetryAfter, d.RetryAfter)
			reset := d.Whole
			if d.Remaining == 0 { // the time until one is there
				reset = max(d.RetryAfter, d.Whole-time.Duration(ask.Limit.Burst-1)*ask.Limit.Every())
			}
			if d.Remaining < state.Remaining {
				state.Remaining, state.Reset = d.Remaining, reset
			} else if d.Remaining == state.Remaining {
				state.Reset = max(state.Reset, reset)
			}
		}
		o.states[i] = state
	}
}

// kindOfKey says which allowances a key has.
type kindOfKey uint8

const (
	anAddress kindOfKey = iota // or whatever else is one caller: its own allowance
	aNetwork                   // an IPv6 network: its own, and that of the wider one
	aCrowd                     // callers whom nothing tells apart: a wide one
)

// appendKey appends the parts of the key, each of which says what it is and
// where it ends. With wide, the wider network stands in the place of an
// address.
func (l *Limiter) appendKey(dst []byte, who Subject, wide bool) (key []byte, kind kindOfKey) {
	addressed := false
	address := func() {
		if !addressed {
			addressed = true
			dst, kind = appendNetwork(dst, who.Address, wide)
		}
	}
	for _, d := range l.policy.Per {
		switch {
		case d == PerAccount:
			dst = appendText(append(dst, 'n'), accountName(who.Account))
		case d == PerRoute:
			dst = appendText(append(dst, 'r'), who.Route)
		case d == PerKey && who.APIKey != "":
			dst = appendText(append(dst, 'k'), who.APIKey)
		case d == PerPrincipal && who.Principal != "":
			dst = appendText(append(dst, 'p'), who.Principal)
		default:
			address()
		}
	}
	return dst, kind
}

// appendNetwork is for keys that nobody reads; see [AppendAddressKey].
func appendNetwork(dst []byte, addr netip.Addr, wide bool) ([]byte, kindOfKey) {
	addr = addr.Unmap()
	switch {
	case !addr.IsValid():
		return append(dst, '?'), aCrowd
	case addr.Is4():
		b := addr.As4()
		return append(append(dst, '4'), b[:]...), anAddress
	case wide:
		b := addr.As16()
		return append(append(dst, 'w'), b[:wideBits/8]...), aNetwork
	}
	b := addr.As16()
	return append(append(dst, '6'), b[:8]...), aNetwork
}

func appendText(dst []byte, text string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

// accountName is the one normal form of a name. What cannot be anybody's name is
// one and the same: it belongs to nobody who could be locked out.
func accountName(text string) string {
	id, err := auth.ParseIdentifier(text)
	if err != nil {
		return ""
	}
	return id.Value
}
