package roomtest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// ErrAway is what a store that is taken away says.
var ErrAway = errors.New("roomtest: the database is away")

// ErrBroken is what a broken statement says.
var ErrBroken = errors.New("roomtest: this statement fails")

// Faults passes everything on to the store behind it, until it is told not to.
// It is safe for concurrent use.
type Faults struct {
	store.Store

	mu     sync.Mutex
	away   bool
	broken map[string]bool
}

// Away takes the database away (or brings it back): every call of a room fails
// with ErrAway.
func (f *Faults) Away(away bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = away
}

// Break lets the named method of store.Tx fail with ErrBroken, inside
// transactions and outside, until the returned function is called. Those that
// can be broken are the ones Faults and its transactions override.
func (f *Faults) Break(method string) (mend func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken == nil {
		f.broken = make(map[string]bool)
	}
	f.broken[method] = true
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.broken, method)
	}
}

func (f *Faults) fault(method string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.away:
		return ErrAway
	case f.broken[method]:
		return ErrBroken
	}
	return nil
}

// InTx implements store.Store.
func (f *Faults) InTx(ctx context.Context, fn func(tx store.Tx) error) error {
	if err := f.fault("InTx"); err != nil {
		return err
	}
	return f.Store.InTx(ctx, func(tx store.Tx) error { return fn(faultyTx{tx, f}) })
}

// User implements store.Users.
func (f *Faults) User(ctx context.Context, id auth.UserID) (auth.User, error) {
	return faultyTx{f.Store, f}.User(ctx, id)
}

// UserByIdentifier implements store.Users.
func (f *Faults) UserByIdentifier(ctx context.Context, identifier string) (auth.User, error) {
	if err := f.fault("UserByIdentifier"); err != nil {
		return auth.User{}, err
	}
	return f.Store.UserByIdentifier(ctx, identifier)
}

// UserByOldID implements store.OldIDs.
func (f *Faults) UserByOldID(ctx context.Context, mount, value string) (auth.Adoption, error) {
	if err := f.fault("UserByOldID"); err != nil {
		return auth.Adoption{}, err
	}
	return f.Store.UserByOldID(ctx, mount, value)
}

// Session implements store.Sessions.
func (f *Faults) Session(ctx context.Context, id auth.SessionID) (auth.Session, error) {
	if err := f.fault("Session"); err != nil {
		return auth.Session{}, err
	}
	return f.Store.Session(ctx, id)
}

// SessionAndUser implements store.Sessions.
func (f *Faults) SessionAndUser(ctx context.Context, id auth.SessionID) (auth.Session, auth.User, error) {
	if err := f.fault("SessionAndUser"); err != nil {
		return auth.Session{}, auth.User{}, err
	}
	return f.Store.SessionAndUser(ctx, id)
}

// TryChallenge implements store.Challenges.
func (f *Faults) TryChallenge(ctx context.Context, id auth.ChallengeID, kind auth.ChallengeKind, now time.Time) (auth.Challenge, error) {
	if err := f.fault("TryChallenge"); err != nil {
		return auth.Challenge{}, err
	}
	return f.Store.TryChallenge(ctx, id, kind, now)
}

// TouchSessions implements store.Sessions.
func (f *Faults) TouchSessions(ctx context.Context, seen map[auth.SessionID]time.Time) error {
	if err := f.fault("TouchSessions"); err != nil {
		return err
	}
	return f.Store.TouchSessions(ctx, seen)
}

// ListRoles implements store.Roles.
func (f *Faults) ListRoles(ctx context.Context) ([]auth.Role, error) {
	if err := f.fault("ListRoles"); err != nil {
		return nil, err
	}
	return f.Store.ListRoles(ctx)
}

// RoleNames implements store.Roles.
func (f *Faults) RoleNames(ctx context.Context) ([]string, error) {
	if err := f.fault("RoleNames"); err != nil {
		return nil, err
	}
	return f.Store.RoleNames(ctx)
}

// AppendEvent implements store.Events.
func (f *Faults) AppendEvent(ctx context.Context, e auth.Event) error {
	return faultyTx{f.Store, f}.AppendEvent(ctx, e)
}

// faultyTx is one transaction of a Faults.
type faultyTx struct {
	store.Tx
	faults *Faults
}

func (t faultyTx) User(ctx context.Context, id auth.UserID) (auth.User, error) {
	if err := t.faults.fault("User"); err != nil {
		return auth.User{}, err
	}
	return t.Tx.User(ctx, id)
}

func (t faultyTx) AddOldIDs(ctx context.Context, id auth.UserID, ids []auth.OldID) error {
	if err := t.faults.fault("AddOldIDs"); err != nil {
		return err
	}
	return t.Tx.AddOldIDs(ctx, id, ids)
}

func (t faultyTx) RefuseAdoption(ctx context.Context, id auth.UserID, now time.Time) error {
	if err := t.faults.fault("RefuseAdoption"); err != nil {
		return err
	}
	return t.Tx.RefuseAdoption(ctx, id, now)
}

func (t faultyTx) SetPassword(ctx context.Context, p auth.Password) error {
	if err := t.faults.fault("SetPassword"); err != nil {
		return err
	}
	return t.Tx.SetPassword(ctx, p)
}

func (t faultyTx) InsertSession(ctx context.Context, s auth.Session) error {
	if err := t.faults.fault("InsertSession"); err != nil {
		return err
	}
	return t.Tx.InsertSession(ctx, s)
}

func (t faultyTx) AppendEvent(ctx context.Context, e auth.Event) error {
	if err := t.faults.fault("AppendEvent"); err != nil {
		return err
	}
	return t.Tx.AppendEvent(ctx, e)
}

func (t faultyTx) AppendChange(ctx context.Context, c auth.Change) (int64, error) {
	if err := t.faults.fault("AppendChange"); err != nil {
		return 0, err
	}
	return t.Tx.AppendChange(ctx, c)
}
