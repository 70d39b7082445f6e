package apikey

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Why a key is not good, for the log. Outside they are one answer.
var (
	errText        = errors.New("apikey: no key, or one with a typing error")
	errEnvironment = errors.New("apikey: of another environment")
	errUnknown     = errors.New("apikey: unknown")
	errSecret      = errors.New("apikey: the secret is not the key's")
	errRevoked     = errors.New("apikey: revoked")
	errExpired     = errors.New("apikey: expired")
	errUser        = errors.New("apikey: its user was disabled or deleted, or all that was handed out for the user was ended")
	errNetwork     = errors.New("apikey: used from an address that it is not for")
	errRate        = errors.New("apikey: used too often")
)

// invalid is the one answer to every key that is not good; why is for the log.
func invalid(why error) error { return auth.NewError(auth.CodeInvalidAPIKey, why) }

// perAddress bounds how many keys that are not known here may be asked of the
// database for one address; those that turn out good do not count.
var perAddress = ratelimit.Limit{Name: "api-key-unknown", Burst: 240, Period: time.Minute}

// ofNobody is the same for all whose address is not known, together: they are to
// flood the database no more than others, and not to shut each other out easily.
var ofNobody = ratelimit.Limit{Name: "api-key-unknown-nowhere", Burst: 240 * ratelimit.Wide, Period: time.Minute}

// Verify says who asks with the key text from the address, which is invalid when
// it is unknown. Codes: invalid_api_key, whatever is wrong with it; forbidden (it
// may not be used from there); too_many_attempts (it was used too often, or too
// many unknown keys came from the address); unavailable, when nothing can be
// said.
//
// A key that was found good before is known by its SHA-256, without a database
// call. What may have changed is asked of the index each time (guarantees R8),
// and when the key's row or its user's has, it is read.
func (r *Room) Verify(ctx context.Context, text string, from netip.Addr) (auth.Principal, error) {
	p, err := r.verify(ctx, text, from)
	r.counts.note(err)
	return p, err
}

func (r *Room) verify(ctx context.Context, text string, from netip.Addr) (auth.Principal, error) {
	if len(text) < minText || len(text) > MaxText {
		return auth.Principal{}, invalid(errText)
	}
	now := r.now()
	if err := r.fresh(r.Now()); err != nil {
		return auth.Principal{}, err
	}
	var room [MaxText]byte
	sum := sha256.Sum256(append(room[:0], text...))
	e, due, found := r.cache.find(&sum, uint32(now.Unix()), usedEvery)
	var g *grants
	if found {
		g = r.grants.at(e.generation, e.grants)
	}
	current := false
	if g != nil {
		var err error
		if current, err = r.current(e, now); err != nil {
			r.tell(ctx, auth.APIKeyIDFromUUID(e.key), e.user, from, err, now)
			return auth.Principal{}, err
		}
	}
	if !current {
		var err error
		if e, g, err = r.read(ctx, text, &sum, from, now); err != nil {
			return auth.Principal{}, err
		}
		due = true
	}
	return r.admit(ctx, e, g, due, from, now)
}

// current asks the index about a copy. false without an error: it is out of
// date, or the index, being full, cannot say; the rows must be read.
func (r *Room) current(e copied, now time.Time) (bool, error) {
	version, ended := r.Index.APIKey(e.key)
	switch {
	case ended:
		return false, invalid(errRevoked)
	case now.UnixMicro() >= e.expires:
		return false, invalid(errExpired)
	case e.version < version:
		return false, nil
	}
	if e.user != ([16]byte{}) {
		if least, known := r.Index.User(e.user); known {
			if e.epoch < least.Epoch {
				return false, invalid(errUser)
			}
			if e.userVersion < least.Version {
				return false, nil
			}
		}
	}
	return !r.Index.DoubtsAPIKey(e.key, e.user), nil
}

// admit looks at what is different at each use, and says who it is.
func (r *Room) admit(ctx context.Context, e copied, g *grants, due bool, from netip.Addr, now time.Time) (auth.Principal, error) {
	id := auth.APIKeyIDFromUUID(e.key)
	if !g.allows(from) {
		err := &auth.Error{Code: auth.CodeForbidden, Message: "This API key may not be used from this address.", Cause: errNetwork}
		r.tell(ctx, id, e.user, from, err, now)
		return auth.Principal{}, err
	}
	if g.limit.Burst > 0 {
		if err := r.take(ctx, string(id), g.limit, now, "This API key was used too often. Wait, then try again."); err != nil {
			return auth.Principal{}, err
		}
	}
	if due {
		r.used.note(e.key, now)
	}
	p := auth.Principal{APIKeyID: id, Roles: g.roles, NarrowedRoles: g.narrowed, Scopes: g.scopes}
	if e.user != ([16]byte{}) {
		p.UserID = auth.UserIDFromUUID(e.user)
	}
	return p, nil
}

// take takes one unit of the limit.
func (r *Room) take(ctx context.Context, key string, limit ratelimit.Limit, now time.Time, message string) error {
	if r.Limits == nil {
		return nil
	}
	d, err := r.Limits.Take(ctx, key, limit, 1, now)
	if err != nil {
		return auth.Unavailable(fmt.Errorf("count uses of API keys: %w", err))
	}
	if !d.Allowed {
		return &auth.Error{Code: auth.CodeTooManyAttempts, Message: message, RetryAfter: d.RetryAfter, Cause: errRate}
	}
	return nil
}

// read is the way of a key of which there is no copy that counts. What is no key
// to the letter, or one of another environment, is refused unread.
func (r *Room) read(ctx context.Context, text string, sum *[32]byte, from netip.Addr, now time.Time) (e copied, g *grants, err error) {
	t, ok := Parse(text)
	if !ok {
		return e, nil, invalid(errText)
	}
	if t.Environment != r.Environment {
		return e, nil, invalid(errEnvironment)
	}
	address, bound := "", ofNobody
	if a, known := ratelimit.AddressKey(from); known {
		address, bound = a, perAddress
	}
	if err := r.take(ctx, address, bound, now, "Too many unknown API keys came from this address. Wait, then try again."); err != nil {
		return e, nil, err
	}
	e, g, err = r.judgeRow(ctx, t, from, now)
	if err != nil {
		return e, nil, err
	}
	if r.Limits != nil {
		_ = r.Limits.Refund(ctx, address, bound, 1, now) // it was good; a unit more or less is all that can go wrong
	}
	e.generation, e.grants = r.grants.keep(g)
	e.noted = uint32(now.Unix())
	r.cache.put(sum, e)
	return e, g, nil
}

// judgeRow judges a key by its row. An ID that nobody has, and a secret that is
// not the key's, take the same way to the same answer.
func (r *Room) judgeRow(ctx context.Context, t Text, from netip.Addr, now time.Time) (e copied, g *grants, err error) {
	for range 2 {
		row, err := r.reads.Of(ctx, t.ID, r.row)
		missing := errors.Is(err, store.ErrNotFound)
		if err != nil && !missing {
			return e, nil, auth.Unavailable(fmt.Errorf("read an API key: %w", err))
		}
		if missing {
			row.key.SecretHash = nobodysHash
		}
		right := t.is(row.key.SecretHash) && !missing
		switch {
		case missing && !r.Index.Hears(r.Now()) && r.Index.MayBeUnseen(t.ID, r.Now()):
			// Made elsewhere, while we ask a database that was deposed.
			return e, nil, auth.Unavailable(errors.New("an API key is not found that may have been made since the change feed was last read"))
		case missing:
			return e, nil, invalid(errUnknown)
		}
		if e, g, err = r.copyOf(row); err != nil {
			return e, nil, fmt.Errorf("API key %s: %w", row.key.ID, err)
		}
		why := standing(row, now)
		if !right || row.key.Environment != t.Environment {
			why = errSecret
		}
		if why != nil {
			err = invalid(why)
			r.tell(ctx, row.key.ID, e.user, from, err, now)
			return e, nil, err
		}
		// Read before a change was committed, by whom we have joined perhaps?
		switch old, err := r.outdated(e); {
		case err != nil:
			return e, nil, err
		case !old:
			return e, g, nil
		}
	}
	return e, nil, auth.Unavailable(errors.New("the API key's row is older than the change feed"))
}

// nobodysHash is the hash of no secret.
const nobodysHash = "0000000000000000000000000000000000000000000000000000000000000000"

// outdated says whether what was just read is older than the index. What the
// index holds has ended, has ended whatever the row says.
func (r *Room) outdated(e copied) (bool, error) {
	version, ended := r.Index.APIKey(e.key)
	if ended {
		return false, invalid(errRevoked)
	}
	if e.version < version {
		return true, nil
	}
	if e.user == ([16]byte{}) {
		return false, nil
	}
	least, _ := r.Index.User(e.user)
	if e.epoch < least.Epoch {
		return false, invalid(errUser)
	}
	return e.userVersion < least.Version, nil
}

// row is a key as it was read.
type row struct {
	key   auth.APIKey
	owner store.Owner
}

// readsAtOnce is how many keys of which there is no copy are read at a time: when
// a server has just started every key is one.
const readsAtOnce = 16

func (r *Room) row(ctx context.Context, id [16]byte) (row row, err error) {
	row.key, row.owner, err = r.Store.APIKeyAndOwner(ctx, auth.APIKeyIDFromUUID(id))
	return row, err
}

// standing says why a row is good for nothing, nil when it is good.
func standing(row row, now time.Time) error {
	switch {
	case !row.key.RevokedAt.IsZero():
		return errRevoked
	case !row.key.ExpiresAt.After(now):
		return errExpired
	case row.key.UserID != "" && (row.owner.Disabled || row.key.Epoch < row.owner.Epoch):
		return errUser
	}
	return nil
}

// copyOf is what is kept of a row.
func (r *Room) copyOf(row row) (e copied, g *grants, err error) {
	k := row.key
	e = copied{expires: k.ExpiresAt.UnixMicro(), version: k.Version, epoch: k.Epoch, userVersion: row.owner.Version}
	if e.key, err = k.ID.UUID(); err != nil {
		return e, nil, err
	}
	roles := k.Roles
	if k.UserID != "" {
		if e.user, err = k.UserID.UUID(); err != nil {
			return e, nil, err
		}
		roles = effective(row.owner.Roles, k.Roles)
	}
	g = &grants{roles: roles, scopes: k.Scopes, networks: k.Networks, limit: limitOf(r.RateLimit)}
	if len(k.Scopes) > 0 {
		g.roles, g.narrowed = nil, roles
	}
	if k.RateLimit.Requests > 0 {
		g.limit = limitOf(k.RateLimit)
	}
	return e, g, nil
}

// perRefusal is how often it is recorded that a key was refused: whoever uses it
// so may do it without end.
var perRefusal = ratelimit.Limit{Name: "api-key-refused", Burst: 1, Period: time.Hour}

// word says in the record why a key was refused.
func word(refused error) string {
	switch {
	case errors.Is(refused, errRevoked):
		return "revoked"
	case errors.Is(refused, errExpired):
		return "expired"
	case errors.Is(refused, errNetwork):
		return "wrong_network"
	case errors.Is(refused, errSecret):
		return "wrong_secret"
	}
	return "user_disabled"
}

// tell records that a key there is was refused: it is still in use somewhere, or
// somebody else has it, or guesses at it.
func (r *Room) tell(ctx context.Context, id auth.APIKeyID, user [16]byte, from netip.Addr, refused error, now time.Time) {
	if r.Limits == nil {
		return
	}
	if d, err := r.Limits.Take(ctx, string(id), perRefusal, 1, now); err != nil || !d.Allowed {
		return
	}
	event := auth.Event{
		ID: auth.NewEventID(now), At: now, Type: auth.EventAPIKeyRefused, Actor: string(id), Subject: auth.SubjectOf(auth.SubjectAPIKey, string(id)),
		Address: from, Detail: word(refused),
	}
	if errors.Is(refused, errSecret) {
		event.Actor = "" // whoever it was
	}
	if user != ([16]byte{}) {
		event.UserID = auth.UserIDFromUUID(user)
	}
	if err := r.Store.AppendEvent(ctx, event); err != nil {
		r.Logger.Warn("the refusal of an API key could not be recorded", "api_key_id", id, "err", err)
	}
}
