package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/jwt"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// What operators ask for by name. Each of them reads the keys first.

// ErrNoKey says that there is no key of that name.
var ErrNoKey = errors.New("there is no such signing key")

// ErrState says that the key's state does not allow what was asked.
var ErrState = errors.New("that cannot be done now")

// Status is a key as operators see it.
type Status struct {
	auth.Key
	// Fault is why it cannot be used here, nil when it can or is retired.
	Fault error
	// Due is when its next step may come, by the schedule: zero when it has
	// none.
	Due time.Time
	// Sealed says that it is sealed under the first master key.
	Sealed bool
	// InUse says that its algorithm is one of those tokens are signed with.
	InUse bool
}

// List returns all keys, the oldest first.
func (r *Ring) List(ctx context.Context) ([]Status, error) {
	rows, err := r.o.Store.ListKeys(ctx)
	if err != nil {
		return nil, auth.Unavailable(fmt.Errorf("list signing keys: %w", err))
	}
	return r.Judge(rows), nil
}

// Judge says of rows that were read elsewhere how they stand. It asks no store.
func (r *Ring) Judge(rows []auth.Key) (list []Status) {
	for _, row := range rows {
		s := Status{
			Key: row, Due: r.due(row), Sealed: r.masters.first(row.Private),
			InUse: slices.Contains(r.o.Algorithms, jwt.Algorithm(row.Algorithm)),
		}
		if row.State != auth.KeyRetired {
			_, s.Fault = r.open(row)
		}
		list = append(list, s)
	}
	return list
}

// due is the earliest moment of the next step.
func (r *Ring) due(row auth.Key) time.Time {
	switch row.State {
	case auth.KeyNext:
		return row.CreatedAt.Add(r.o.Lead)
	case auth.KeyActive:
		return row.ActiveAt.Add(r.o.RotateEvery)
	case auth.KeyRetiring:
		return row.RetiringAt.Add(r.o.Linger)
	}
	return time.Time{}
}

// Rotation says what a rotation did.
type Rotation struct {
	Algorithm jwt.Algorithm
	// From signed, To signs now.
	From, To string
	// Early is why verifiers or servers may not know To yet; nil when all do.
	Early *NotYetError
	// Resealed is how many keys were sealed anew under the first master key.
	Resealed int
}

// Rotate lets the next key of an algorithm sign at once, instead of when the
// schedule says. Without now it does so only when everybody can know that key:
// a [NotYetError] otherwise. With now whoever keeps a copy of the set refuses
// good tokens until he fetches it again.
func (r *Ring) Rotate(ctx context.Context, actor string, a jwt.Algorithm, now bool) (Rotation, error) {
	rot := Rotation{Algorithm: a}
	if !slices.Contains(r.o.Algorithms, a) {
		return rot, fmt.Errorf("%w: no tokens are signed with %q, only with %v", ErrState, a, r.o.Algorithms)
	}
	if err := r.Prepare(ctx); err != nil {
		return rot, err
	}
	next, ok := r.row(a, auth.KeyNext)
	if !ok {
		return rot, fmt.Errorf("there is no next key of %s: %w", a, ErrNoKey)
	}
	if active, ok := r.row(a, auth.KeyActive); ok {
		rot.From = active.ID
	}
	rot.To = next.ID
	if err := r.maySign(ctx, next); err != nil {
		if !errors.As(err, &rot.Early) || !now {
			return rot, err
		}
	}
	if r.set.Load().keys[next.ID] == nil {
		return rot, fmt.Errorf("%w: the next key %s cannot be opened here", ErrState, next.ID)
	}
	if err := r.succeed(ctx, actor, next); err != nil {
		return rot, auth.Unavailable(err)
	}
	if active, _ := r.row(a, auth.KeyActive); active.ID != next.ID {
		return rot, fmt.Errorf("%w: somebody else rotated the keys of %s at the same moment", ErrState, a)
	}
	var err error
	if rot.Resealed, err = r.Reseal(ctx); err != nil {
		return rot, err
	}
	return rot, r.fill(ctx)
}

// Retirement says what became of a key that was given up.
type Retirement struct {
	// Key is as it was.
	Key auth.Key
	// Successor signs in its place; empty when the key signed nothing.
	Successor string
	// Early is why verifiers or servers may not know the successor; nil when
	// all do.
	Early *NotYetError
	// CopiesUntil is until when copies of the key set that verifiers keep may
	// still name the key: so long they may take what it signed.
	CopiesUntil time.Time
}

// Retire ends a key. Without now it is the way of the schedule, at once: a key
// that signs is followed by the next one, as [Ring.Rotate] does, and lingers.
// With now everything the key has signed is refused from this moment on, and
// nothing is waited for: for a key that somebody else has.
func (r *Ring) Retire(ctx context.Context, actor, kid string, now bool) (Retirement, error) {
	if err := r.Load(ctx); err != nil {
		return Retirement{}, auth.Unavailable(err)
	}
	ret := Retirement{CopiesUntil: r.now().Add(min(maxAge, r.o.Lead))}
	i := slices.IndexFunc(r.rows(), func(k auth.Key) bool { return k.ID == kid })
	if i < 0 {
		return ret, ErrNoKey
	}
	ret.Key = r.rows()[i]
	switch state := ret.Key.State; {
	case state == auth.KeyRetired:
		return ret, fmt.Errorf("%w: the key is retired already", ErrState)
	case now:
		return ret, r.retireNow(ctx, actor, &ret)
	case state == auth.KeyRetiring:
		return ret, fmt.Errorf("%w: the key signs no more, and retires by itself when the last of its tokens has ended, at %s UTC",
			ErrState, r.due(ret.Key).UTC().Format("2006-01-02 15:04:05"))
	case state == auth.KeyNext:
		if err := r.change(ctx, func(t *turn) error { return t.move(actor, ret.Key, auth.KeyRetired) }); err != nil {
			return ret, auth.Unavailable(err)
		}
		return ret, r.fill(ctx)
	}
	rot, err := r.Rotate(ctx, actor, jwt.Algorithm(ret.Key.Algorithm), false)
	ret.Successor = rot.To
	return ret, err
}

// retireNow takes the key away, and lets another sign if it did.
func (r *Ring) retireNow(ctx context.Context, actor string, ret *Retirement) error {
	old, a := ret.Key, jwt.Algorithm(ret.Key.Algorithm)
	var successor auth.Key
	made := false
	if old.State == auth.KeyActive && slices.Contains(r.o.Algorithms, a) {
		next, ok := r.row(a, auth.KeyNext)
		if ok && r.set.Load().keys[next.ID] != nil {
			successor = next
			if err := r.maySign(ctx, next); err != nil && !errors.As(err, &ret.Early) {
				return err
			}
		} else {
			var err error
			if successor, err = r.generate(a, auth.KeyActive); err != nil {
				return err
			}
			made = true
			ret.Early = &NotYetError{KeyID: successor.ID, From: successor.CreatedAt.Add(r.o.Lead)}
		}
		ret.Successor = successor.ID
	}
	err := r.change(ctx, func(t *turn) error {
		if err := t.move(actor, old, auth.KeyRetired); err != nil {
			return err
		}
		switch {
		case made:
			return t.insert(actor, successor)
		case successor.ID != "":
			return t.move(actor, successor, auth.KeyActive)
		}
		return nil
	})
	if err != nil {
		return auth.Unavailable(err)
	}
	if i := slices.IndexFunc(r.rows(), func(k auth.Key) bool { return k.ID == old.ID }); i >= 0 && r.rows()[i].State != auth.KeyRetired {
		return fmt.Errorf("the key changed at the same moment; try again: %w", ErrState)
	}
	if r.usable(a) {
		return r.fill(ctx)
	}
	return nil
}

// usable says whether every key of the algorithm can be opened here: only then
// are further ones made.
func (r *Ring) usable(a jwt.Algorithm) bool {
	s := r.set.Load()
	for _, row := range s.rows {
		if row.Algorithm == string(a) && row.State != auth.KeyRetired && s.keys[row.ID] == nil {
			return false
		}
	}
	return true
}

// Lagging names the live servers that still list the key: they have not heard
// yet that it is retired.
func (r *Ring) Lagging(ctx context.Context, kid string) (names []string, err error) {
	if r.o.Nodes == nil {
		return nil, nil
	}
	nodes, err := r.o.Nodes.Nodes(ctx)
	if err != nil {
		return nil, auth.Unavailable(fmt.Errorf("ask which servers live: %w", err))
	}
	for _, n := range nodes {
		if slices.Contains(n.Keys, kid) {
			names = append(names, nodeName(n))
		}
	}
	return names, nil
}

// Reseal seals every key anew under the first master key, where it is sealed
// under another, and returns how many. After it the others may be taken out of
// the configuration.
func (r *Ring) Reseal(ctx context.Context) (n int, err error) {
	if err := r.Load(ctx); err != nil {
		return 0, auth.Unavailable(err)
	}
	for _, row := range r.rows() {
		if row.State == auth.KeyRetired || r.masters.first(row.Private) {
			continue
		}
		private, err := r.masters.open(row.ID, row.Algorithm, row.Private)
		if err != nil {
			return n, fmt.Errorf("signing key %s: %w", row.ID, err)
		}
		sealed := r.masters.seal(row.ID, row.Algorithm, private)
		clear(private)
		switch err := r.o.Store.ResealKey(ctx, row.ID, sealed); {
		case errors.Is(err, store.ErrNotFound): // retired meanwhile
		case err != nil:
			return n, auth.Unavailable(fmt.Errorf("seal a signing key anew: %w", err))
		default:
			n++
		}
	}
	if n > 0 {
		return n, r.Load(ctx)
	}
	return 0, nil
}
