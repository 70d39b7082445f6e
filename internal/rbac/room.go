package rbac

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
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Changes counts what was heard of changes of roles. A revocation.Index does.
type Changes interface {
	RoleChanges() uint64
}

// Options are what a [Room] is made with. Store and Changes have no default.
type Options struct {
	// Store is the one whose own changes reach Changes: of revocation.Applying.
	Store   store.Store
	Changes Changes
	// Configured are the roles of the settings. Only the settings change them,
	// and they come before stored ones of the same name.
	Configured []auth.Role
	// Given are the roles that the settings give to whoever registers.
	Given []string
	// Logger hears of stored roles that cannot be understood; nil means that
	// nobody does.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Room keeps the roles. It is safe for concurrent use.
type Room struct {
	o       Options
	current atomic.Pointer[reading]

	mu sync.Mutex
	// flight is the reading under way, nil when there is none.
	flight *flight
	// told are the faults of stored roles that were logged.
	told map[string]bool
}

// reading is the Policy of rows that were read when the count was what it says.
type reading struct {
	policy *Policy
	count  uint64
}

// flight is a reading that several may wait for. Its count was taken before it
// began; what came of it is set before done is closed.
type flight struct {
	count uint64
	done  chan struct{}
	got   *reading
	err   error
}

// New returns a Room and reads nothing yet. It refuses settings that [Check]
// finds fault with.
func New(o Options) (*Room, error) {
	o.Configured = slices.Clone(o.Configured)
	for i := range o.Configured {
		r := &o.Configured[i]
		r.Origin, r.Permissions, r.Inherits = auth.RoleConfigured, slices.Clone(r.Permissions), slices.Clone(r.Inherits)
	}
	if problems := Check(o.Configured); len(problems) > 0 {
		return nil, errors.New(problems[0].Text)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Room{o: o, told: map[string]bool{}}, nil
}

// readWithin is how long a reading may take; then nothing can be said.
const readWithin = 2 * time.Second

// Policy returns what the roles allow, as far as this server has heard of
// changes. After one, the roles are read again before anything is decided by
// them. Codes: unavailable, when they cannot be read; the roles of before never
// stand in.
func (r *Room) Policy(ctx context.Context) (*Policy, error) {
	wanted := r.o.Changes.RoleChanges()
	if now := r.current.Load(); now != nil && now.count >= wanted {
		return now.policy, nil
	}
	got, err := r.read(ctx, wanted)
	if err != nil {
		return nil, auth.Unavailable(fmt.Errorf("read roles: %w", err))
	}
	return got.policy, nil
}

// read returns a reading that began when the count was wanted or more. Those who
// ask at the same time share one; one that began before is waited for and of no
// use (guarantees R8).
func (r *Room) read(ctx context.Context, wanted uint64) (*reading, error) {
	for {
		f, mine := r.join(wanted)
		if mine {
			r.fly(ctx, f)
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if f.count >= wanted {
			return f.got, f.err
		}
	}
}

// join returns the reading under way, or a new one, which is the caller's to do.
func (r *Room) join(wanted uint64) (f *flight, mine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flight != nil {
		return r.flight, false
	}
	if now := r.current.Load(); now != nil && now.count >= wanted { // meanwhile
		f = &flight{count: now.count, done: make(chan struct{}), got: now}
		close(f.done)
		return f, false
	}
	r.flight = &flight{count: r.o.Changes.RoleChanges(), done: make(chan struct{})}
	return r.flight, true
}

// fly does a reading. A caller who leaves does not take it away from the others.
func (r *Room) fly(ctx context.Context, f *flight) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readWithin)
	defer cancel()
	f.err = errors.New("rbac: the reading ended without a result")
	defer func() {
		r.mu.Lock()
		r.flight = nil
		r.mu.Unlock()
		close(f.done)
	}()
	stored, err := r.o.Store.ListRoles(ctx)
	if err != nil {
		f.err = err
		return
	}
	f.got, f.err = &reading{policy: Compile(append(slices.Clone(r.o.Configured), stored...)), count: f.count}, nil
	r.current.Store(f.got)
	r.tell(stored)
}

// tell logs once what is wrong with stored roles: what another release wrote, or
// a hand, or what the settings have taken from under them.
func (r *Room) tell(stored []auth.Role) {
	for i := range stored {
		stored[i].Permissions, stored[i].Inherits = slices.Clone(stored[i].Permissions), slices.Clone(stored[i].Inherits)
	}
	problems := Check(stored, r.o.Configured...)
	for _, s := range stored {
		if r.configured(s.Name) {
			problems = append(problems, Problem{Role: s.Name, Text: fmt.Sprintf("role %s: the settings define it too, and theirs is in force", shown(s.Name))})
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range problems {
		if !r.told[p.Text] {
			r.told[p.Text] = true
			r.o.Logger.Warn("a stored role is not as it was meant; what cannot be understood grants nothing", "err", p.Text)
		}
	}
}

func (r *Room) configured(name string) bool {
	return slices.ContainsFunc(r.o.Configured, func(c auth.Role) bool { return c.Name == name })
}

// List returns every role, in order of names. Codes: unavailable.
func (r *Room) List(ctx context.Context) ([]auth.Role, error) {
	p, err := r.Policy(ctx)
	if err != nil {
		return nil, err
	}
	return p.Roles(), nil
}

// Role returns the role of the name. Codes: not_found, unavailable.
func (r *Room) Role(ctx context.Context, name string) (auth.Role, error) {
	p, err := r.Policy(ctx)
	if err != nil {
		return auth.Role{}, err
	}
	role, ok := p.Role(name)
	if !ok {
		return role, noSuchRole(nil)
	}
	return role, nil
}

func noSuchRole(cause error) error { return auth.NewError(auth.CodeNotFound, cause) }

// translate turns what a store says into a refusal; doing says what was tried.
func translate(doing string, err error) error {
	var refused *auth.Error
	if err == nil || errors.As(err, &refused) {
		return err
	}
	return auth.Unavailable(fmt.Errorf("%s: %w", doing, err))
}
