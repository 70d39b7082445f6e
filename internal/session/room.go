package session

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Options are what a Room needs. Durations have no default here: package
// gatehouse states them.
type Options struct {
	Store store.Store
	Index *revocation.Index
	// Secrets authenticate the facts; the first signs, all verify.
	Secrets []auth.Secret
	// Installation is [store.Store.Installation]: facts that another database made
	// under the same secrets are nothing here, where nobody knows what ended there.
	Installation string
	// Idle, Absolute and LocalTrust are the lifetimes of gatehouse.Session.
	Idle, Absolute, LocalTrust time.Duration
	// FamilyIdle is how long a family of refresh tokens lives without being used:
	// one that was not for so long is no longer listed. Zero lists them all.
	FamilyIdle time.Duration
	// MaxPerUser ends the oldest session beyond this many.
	MaxPerUser int
	// MaxStaleness is how old the Index may be.
	MaxStaleness time.Duration
	// Effect says how far a revocation has come; nil means that only MaxStaleness
	// is known of that.
	Effect revocation.EffectFunc
	// NewerSecrets says whether another server has secrets that this one may
	// lack: then a cookie that does not open is left alone. Nil means never.
	NewerSecrets func() bool
	Logger       *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Room keeps the sessions of all mounts. It is safe for concurrent use.
type Room struct {
	Options
	keys   *factsKeys
	seen   lastSeen
	checks checkCounters

	carrying sync.Mutex
	carried  []*copies // of the mounts whose sessions are stored
}

// New returns a Room.
func New(o Options) (*Room, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Store == nil || o.Index == nil || o.Logger == nil {
		return nil, errors.New("session: store, index and logger are needed")
	}
	if o.Idle <= 0 || o.Absolute <= 0 || o.LocalTrust <= 0 || o.MaxPerUser <= 0 || o.MaxStaleness <= 0 {
		return nil, errors.New("session: lifetimes and limits must be positive")
	}
	keys, err := newFactsKeys(o.Installation, o.Secrets)
	if err != nil {
		return nil, err
	}
	return &Room{Options: o, keys: keys}, nil
}

// Mount reads and writes the cookies of one base path. It is safe for
// concurrent use.
type Mount struct {
	*Room
	name    string
	carrier carrier
	// Adopt is asked about a cookie that carries no facts; nil means that it is
	// no session. [Mount.AdoptOldIDs] makes one.
	Adopt AdoptFunc
}

// Mount returns the reader and writer of one base path, whose sessions are sealed
// into the cookie unless [Mount.CarryIron] or [Mount.CarryStored] is called.
// cookieName is the name of the session cookie there: it is the salt of the v5
// seal.
func (r *Room) Mount(basePath string, dialect seal.Dialect, cookieName string, secrets []auth.Secret) (*Mount, error) {
	salt := ""
	if dialect == seal.V5 {
		salt = cookieName
	}
	texts := make([]string, len(secrets))
	for i, s := range secrets {
		texts[i] = s.Reveal()
	}
	sealer, err := seal.New(dialect, salt, texts...)
	if err != nil {
		return nil, fmt.Errorf("session seal of %s: %w", basePath, err)
	}
	m := &Mount{Room: r, name: basePath}
	m.carrier = sealed{m, sealer}
	return m, nil
}

// Name is the base path.
func (m *Mount) Name() string { return m.name }
