package token

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/jwt"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Keys are what signs and verifies, as a keyring has them.
type Keys interface {
	// Sign signs the JSON of an object with the key that signs in the algorithm
	// now. Code: unavailable.
	Sign(a jwt.Algorithm, typ string, claims []byte) (string, error)
	// Verify judges a token by the keys that count. Its error is a jwt.Refusal, or
	// has the Code unavailable.
	Verify(token string, e jwt.Expect) (jwt.Claims, error)
	// Knows says whether what the key of that ID signed still counts.
	Knows(id string) bool
}

// Options are what a Room needs. Durations have no default here: package
// gatehouse states them.
type Options struct {
	Store store.Store
	Index *revocation.Index
	Keys  Keys
	// Secrets are what refresh tokens are derived from; the first makes new ones,
	// all verify. Installation is [store.Store.Installation].
	Secrets      []auth.Secret
	Installation string
	// Audiences are whom tokens may be for; the first is whom they are for when
	// nobody is named. At least one is needed.
	Audiences []Audience
	Clients   []Client
	// Idle ends a family that is not used for so long; Absolute ends it however
	// much it is used.
	Idle, Absolute time.Duration
	// MaxPerUser ends the user's oldest family with offline_access beyond this
	// many.
	MaxPerUser int
	// MaxStaleness is how old the Index may be.
	MaxStaleness time.Duration
	// Limits bounds how often tokens are made; nil bounds nothing.
	Limits ratelimit.Source
	// Seen, if not nil, is told that a session was used.
	Seen func(id auth.SessionID)
	// Ended, if not nil, is told, in the transaction, of a family that ends before
	// its time: a session that was begun for it ends too.
	Ended func(ctx context.Context, tx store.Tx, f auth.Family, now time.Time) error
	// More, if not nil, gives further claims for a token.
	More func(ctx context.Context, audience string, s Subject) (map[string]any, error)
	// Logger receives what an operator must act on.
	Logger *slog.Logger
	// Effect says how far a revocation has come; nil means that only MaxStaleness
	// is known of that.
	Effect revocation.EffectFunc
	// Now is this node's clock; nil means time.Now. Ahead is how far the
	// database's, which all nodes share, is ahead of it; nil means that it is the
	// same one. Times in rows and in tokens are by the database's (guarantees R10).
	Now   func() time.Time
	Ahead func() time.Duration
}

// Room makes and judges tokens of all mounts. It is safe for concurrent use.
type Room struct {
	Options
	roots   rootKeys
	shared  map[string]*jwt.Key // by audience
	issuers []*Issuer
	cache   cache
	counts  counters
}

// Issuer is the room as one mount has it.
type Issuer struct {
	*Room
	// URL is the claim iss: the address of the base path.
	URL string
	// Mount is the base path.
	Mount string
}

// New returns a Room.
func New(o Options) (*Room, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Store == nil || o.Index == nil || o.Keys == nil || o.Logger == nil {
		return nil, errors.New("token: store, index, keys and logger are needed")
	}
	if o.Idle <= 0 || o.Absolute <= 0 || o.MaxPerUser <= 0 || o.MaxStaleness <= 0 || len(o.Audiences) == 0 {
		return nil, errors.New("token: lifetimes and limits must be positive, and an audience is needed")
	}
	r := &Room{Options: o, shared: map[string]*jwt.Key{}}
	var err error
	if r.roots, err = newRootKeys(o.Installation, o.Secrets); err != nil {
		return nil, err
	}
	for _, a := range o.Audiences {
		if a.Lifetime <= 0 {
			return nil, fmt.Errorf("token: tokens for %q have no lifetime", a.ID)
		}
		if !a.Shared() {
			continue
		}
		if r.shared[a.ID], err = jwt.NewSecret("", a.Algorithm, []byte(a.Secret.Reveal())); err != nil {
			return nil, fmt.Errorf("secret shared with %q: %w", a.ID, err)
		}
	}
	return r, nil
}

// Issuer returns the room of the mount at basePath, whose address is url. Make
// them before use.
func (r *Room) Issuer(url, basePath string) *Issuer {
	i := &Issuer{Room: r, URL: url, Mount: basePath}
	r.issuers = append(r.issuers, i)
	return i
}

// Algorithms are those that the tokens of some audience are signed with, but
// for shared secrets.
func (r *Room) Algorithms() (list []jwt.Algorithm) {
	for _, a := range r.Audiences {
		if !a.Shared() && !slices.Contains(list, a.Algorithm) {
			list = append(list, a.Algorithm)
		}
	}
	return list
}

// audience finds one by its name; empty is the first.
func (i *Issuer) audience(name string) (Audience, bool) {
	for n, a := range i.Audiences {
		if a.ID == "" {
			a.ID = i.URL
		}
		if a.ID == name || n == 0 && name == "" {
			return a, true
		}
	}
	return Audience{}, false
}

// own are the names under which Gatehouse takes tokens for its own guards.
func (i *Issuer) own() []string {
	names := []string{i.URL}
	for _, a := range i.Audiences {
		if a.Own && a.ID != "" && !a.Shared() {
			names = append(names, a.ID)
		}
	}
	return names
}

// now is the time by the clock that all nodes share: of two that refresh one
// family, one would otherwise take the other's grace for over, or as not over yet.
func (r *Room) now() time.Time {
	if r.Ahead == nil {
		return r.Now()
	}
	return r.Now().Add(r.Ahead())
}

// fresh refuses while the index does not hear of what ended. Its age is by this
// node's own clock, by which the follower marks it.
func (r *Room) fresh() error {
	switch age := r.Index.Staleness(r.Now()); {
	case age == revocation.Never:
		return auth.Unavailable(errors.New("change feed never read"))
	case age > r.MaxStaleness:
		return auth.Unavailable(fmt.Errorf("change feed not read for %s", age.Round(time.Millisecond)))
	}
	return nil
}

// mayBeUnseen says whether a family that the store does not find may have been
// begun at a primary that this node does not reach. Anybody can make up an ID of
// this moment, so it is asked only when the feed is not read.
func (r *Room) mayBeUnseen(id auth.FamilyID) bool {
	u, err := id.UUID()
	now := r.Now()
	return err == nil && !r.Index.Hears(now) && r.Index.MayBeUnseen(u, now)
}

var errUnseen = auth.Unavailable(errors.New("a family is not found, and the change feed cannot be read"))

// limited takes one unit of the limit.
func (r *Room) limited(ctx context.Context, key string, limit ratelimit.Limit, now time.Time) error {
	if r.Limits == nil {
		return nil
	}
	d, err := r.Limits.Take(ctx, key, limit, 1, now)
	if err != nil {
		return auth.Unavailable(fmt.Errorf("count requests for tokens: %w", err))
	}
	if !d.Allowed {
		return &auth.Error{Code: auth.CodeTooManyAttempts, RetryAfter: d.RetryAfter}
	}
	return nil
}

// Limits on how often tokens are made. They bound the rows and the work that one
// session, one family or one address can cause; whoever asks as often as tokens
// end is far below.
var (
	perSession = ratelimit.Limit{Name: "token-session", Burst: 120, Period: time.Minute}
	perFamily  = ratelimit.Limit{Name: "token-family", Burst: 240, Period: time.Minute}
	perAddress = ratelimit.Limit{Name: "token-address", Burst: 1200, Period: time.Minute}
)

// byAddress bounds what an address may have judged; unknown ones share nothing,
// because all the world may stand behind a proxy that hides it.
func (r *Room) byAddress(ctx context.Context, from auth.Device, now time.Time) error {
	key, known := ratelimit.AddressKey(from.Address)
	if !known {
		return nil
	}
	return r.limited(ctx, key, perAddress, now)
}
