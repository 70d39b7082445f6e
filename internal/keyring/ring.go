package keyring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/jwt"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Nodes says which servers may be answering, this one included, and which keys
// each of them lists in its beat. Every store.Store is one.
type Nodes interface {
	Nodes(ctx context.Context) ([]auth.Node, error)
}

// Options are what a [Ring] is made with. Store, Masters, Algorithms and the
// durations have no default.
type Options struct {
	Store store.Store
	// Masters are the secrets whose keys seal the private parts: the first
	// seals, all open. None of them is ever in the database.
	Masters []auth.Secret
	// Algorithms are those in use, each of [jwt.Own]; the first is what is
	// signed with when nobody asks for another.
	Algorithms []jwt.Algorithm
	// Lead is how long a key is published before it signs.
	Lead time.Duration
	// RotateEvery is how long a key signs.
	RotateEvery time.Duration
	// Linger is how long a key is published after it has signed last: no less
	// than the longest life of a token, and what clocks may differ by.
	Linger time.Duration
	// Nodes are asked before a key begins to sign; nil means that this server is
	// alone with its database.
	Nodes  Nodes
	Logger *slog.Logger
	// Now is this node's clock; nil means time.Now. Ahead is how far the clock of
	// the database is ahead of it, where nodes share one; nil means not at all.
	Now   func() time.Time
	Ahead func() time.Duration
}

// Ring is the keys that tokens are signed with. It is safe for concurrent use.
// Until [Ring.Prepare] or [Ring.Load] has succeeded it signs and verifies
// nothing.
type Ring struct {
	o       Options
	masters masters
	set     atomic.Pointer[set]
	wake    chan struct{}

	mu sync.Mutex
	// gone are the keys that were heard to be retired. They never come back,
	// however old the rows are that a reading under way brings (guarantees R8).
	gone map[string]bool
	// told are the keys whose faults were logged.
	told map[string]bool
	// reminded: it was logged that keys want to be sealed anew.
	reminded bool
}

// set is what the rows were at one moment. It is immutable.
type set struct {
	rows   []auth.Key
	keys   map[string]*jwt.Key // next, active and retiring ones, by kid
	active map[jwt.Algorithm]*jwt.Key
	ids    []string
	jwks   []byte
}

// New returns a Ring and reads nothing yet.
func New(o Options) (*Ring, error) {
	m, err := newMasters(o.Masters)
	if err != nil {
		return nil, err
	}
	if len(o.Algorithms) == 0 {
		return nil, errors.New("keyring: no algorithm")
	}
	for _, a := range o.Algorithms {
		if !a.IsOwn() {
			return nil, fmt.Errorf("keyring: no keys are kept for %q", a)
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Ring{o: o, masters: m, wake: make(chan struct{}, 1), gone: map[string]bool{}, told: map[string]bool{}}, nil
}

// now is the time by the clock that all nodes share: one whose own clock is wrong
// would otherwise let keys sign before anybody knows them, and take keys away
// whose tokens are good.
func (r *Ring) now() time.Time {
	if r.o.Ahead == nil {
		return r.o.Now()
	}
	return r.o.Now().Add(r.o.Ahead())
}

// Load reads the keys. One that cannot be opened is left out, and said once in
// the log: it is not listed in this node's beat, so it will not sign anywhere.
func (r *Ring) Load(ctx context.Context) error {
	_, err := r.load(ctx)
	return err
}

// load returns the faults of the keys that were left out.
func (r *Ring) load(ctx context.Context) (faults []error, err error) {
	rows, err := r.o.Store.ListKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	opened, faults := r.openAll(rows)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, row := range rows {
		if row.State == auth.KeyRetired {
			r.gone[row.ID] = true
		}
	}
	r.set.Store(newSet(rows, opened, r.gone))
	return faults, nil
}

// openAll opens every key that is not retired; those that were open already are
// taken over.
func (r *Ring) openAll(rows []auth.Key) (map[string]*jwt.Key, []error) {
	before := r.set.Load()
	opened := make(map[string]*jwt.Key, len(rows))
	var faults []error
	for _, row := range rows {
		if row.State == auth.KeyRetired {
			continue
		}
		if before != nil && before.keys[row.ID] != nil {
			opened[row.ID] = before.keys[row.ID]
			continue
		}
		k, err := r.open(row)
		if err != nil {
			err = fmt.Errorf("signing key %s (%s, %s): %w", row.ID, row.Algorithm, row.State, err)
			faults = append(faults, err)
			r.tell(row.ID, err)
			continue
		}
		opened[row.ID] = k
		if !r.masters.first(row.Private) {
			r.remind()
		}
	}
	return opened, faults
}

// remind logs once that the master key which comes first is not the one that
// opens the keys: whoever takes that one out now has a server that does not
// start.
func (r *Ring) remind() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.reminded {
		r.reminded = true
		r.o.Logger.Warn("signing keys are sealed under an older secret than the first: run gatehouse key reseal before that is taken out")
	}
}

// open makes a key out of its sealed private part, and of nothing else.
func (r *Ring) open(row auth.Key) (*jwt.Key, error) {
	private, err := r.masters.open(row.ID, row.Algorithm, row.Private)
	if err != nil {
		return nil, err
	}
	defer clear(private)
	k, err := jwt.ParsePrivate(jwt.Algorithm(row.Algorithm), private)
	if err != nil {
		return nil, err
	}
	if k.ID() != row.ID || !k.Algorithm().IsOwn() {
		return nil, errors.New("it is not the key that its name says")
	}
	return k, nil
}

// tell logs the fault of a key once.
func (r *Ring) tell(kid string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.told[kid] {
		r.told[kid] = true
		r.o.Logger.Error("a signing key cannot be used", "err", err)
	}
}

// newSet leaves out what is known to be gone.
func newSet(rows []auth.Key, opened map[string]*jwt.Key, gone map[string]bool) *set {
	s := &set{keys: map[string]*jwt.Key{}, active: map[jwt.Algorithm]*jwt.Key{}, jwks: []byte(`{"keys":[`)}
	for _, row := range rows {
		s.rows = append(s.rows, row)
		k := opened[row.ID]
		if k == nil || gone[row.ID] {
			continue
		}
		text, err := k.AppendJWK(nil)
		if err != nil {
			continue // a key pair always has a public part
		}
		if len(s.ids) > 0 {
			s.jwks = append(s.jwks, ',')
		}
		s.jwks = append(s.jwks, text...)
		s.ids = append(s.ids, row.ID)
		s.keys[row.ID] = k
		if row.State == auth.KeyActive {
			s.active[k.Algorithm()] = k
		}
	}
	s.jwks = append(s.jwks, `]}`...)
	return s
}

// Changed hears of a row of the change feed. It does no I/O: a key that was
// retired is refused from here on, and [Ring.Run] reads the others anew.
func (r *Ring) Changed(c auth.Change) {
	if c.Kind != auth.ChangeKeys {
		return
	}
	if c.Value == retiredValue {
		r.drop(c.KeyID)
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// drop takes a key out of what is held.
func (r *Ring) drop(kid string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone[kid] {
		return
	}
	r.gone[kid] = true
	if s := r.set.Load(); s != nil {
		r.set.Store(newSet(s.rows, s.keys, r.gone))
	}
}

// isGone says whether the key was heard to be retired.
func (r *Ring) isGone(kid string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.gone[kid]
}

// KeyIDs are the keys this node knows, for its beat: what it lists here it can
// verify.
func (r *Ring) KeyIDs() []string {
	if s := r.set.Load(); s != nil {
		return slices.Clone(s.ids)
	}
	return nil
}

// Algorithms are those that tokens can be signed with.
func (r *Ring) Algorithms() []jwt.Algorithm { return slices.Clone(r.o.Algorithms) }
