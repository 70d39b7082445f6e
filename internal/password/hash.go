package password

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// ErrUnknownScheme is returned for a stored string of no scheme that this
// program verifies.
var ErrUnknownScheme = errors.New("stored password hash is of an unknown scheme")

// Options configure a [Hasher]. The zero value is the safe default.
type Options struct {
	// Params is the cost of new hashes; zero fields mean the default, which is
	// also the least that is allowed.
	Params Params
	// Gate is passed by every hash; nil means NewGate(0, 0). Hashers that run
	// in one process share one, or the bound on memory is a bound for each.
	Gate *Gate
	// Peppers are the secrets of the keyed step before a new hash, each at least
	// 32 bytes: the first makes, all verify. None means no such step.
	Peppers []auth.Secret
	// SkipPepper makes new hashes without a pepper; Peppers go on verifying.
	SkipPepper bool
}

// Hasher makes and verifies stored password hashes. Every password given to it
// is brought into the stable form of [Normalize] first, so setting and checking
// cannot differ. All computing passes the gate.
//
// Its methods return a [*BusyError] (matched by ErrBusy) when the gate's queue
// is full, the cause of ctx when that ends before the work began, and ErrTooLong
// or ErrNotUTF8, without any work, for a password that no policy would have let
// in. It is safe for concurrent use.
type Hasher struct {
	params  Params
	gate    *Gate
	peppers []pepper
	current *pepper // of new hashes; nil is none
	nothing stored  // matches no password
}

// Match is the answer of [Hasher.Verify].
type Match struct {
	// OK says that the password is the one that was hashed.
	OK bool
	// NeedsRehash says that OK is true and the hash was made with another
	// scheme, cost or pepper than new ones are: hash the password again and store that.
	NeedsRehash bool
}

// New returns a Hasher, or an error that names every parameter that is too weak
// or too costly (ASVS 11.4.2). It starts nothing and computes nothing.
func New(o Options) (*Hasher, error) {
	p := o.Params.withDefaults()
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("password hashing parameters: %w", err)
	}
	if o.Gate == nil {
		o.Gate = NewGate(0, 0)
	}
	h := &Hasher{params: p, gate: o.Gate}
	for _, secret := range o.Peppers {
		one, err := newPepper(secret)
		if err != nil {
			return nil, err
		}
		h.peppers = append(h.peppers, one)
	}
	// A random key is the hash of no password anybody could find.
	nothing := argon2idHash{params: p, salt: random(saltBytes), key: random(keyBytes)}
	h.nothing = nothing
	if len(h.peppers) > 0 && !o.SkipPepper {
		h.current = &h.peppers[0]
		h.nothing = pepperedHash{nothing, *h.current}
	}
	return h, nil
}

// Gate returns the gate that all computing passes.
func (h *Hasher) Gate() *Gate { return h.gate }

// Hash returns the string to store for pw, a PHC string with a fresh salt of 128
// bits, behind the name of the pepper if there is one.
// It does not judge pw: that is [Policy.Check].
func (h *Hasher) Hash(ctx context.Context, pw string) (string, error) {
	t, err := h.Admit()
	if err != nil {
		return "", err
	}
	defer t.Release()
	return t.Hash(ctx, pw)
}

// Ticket is a place behind the gate that is already taken: what is asked of it
// is never refused for lack of room. It belongs to one goroutine, which
// releases it.
type Ticket struct {
	*Hasher
	leave func()
}

// Admit takes a place behind the gate, or returns a [*BusyError]. See
// [Gate.Admit] for why to ask before the work is at hand.
func (h *Hasher) Admit() (*Ticket, error) {
	leave, err := h.gate.Admit()
	if err != nil {
		return nil, err
	}
	return &Ticket{h, leave}, nil
}

// Release gives the place back. It must be called once.
func (t *Ticket) Release() { t.leave() }

// Hash is [Hasher.Hash] on the ticket's place.
func (t *Ticket) Hash(ctx context.Context, pw string) (string, error) {
	h := t.Hasher
	pw, err := Normalize(pw)
	if err != nil {
		return "", err
	}
	salt := random(saltBytes)
	var made string
	work := func() { made = h.make(salt, pw) }
	if err := h.gate.run(ctx, int(h.params.Lanes), work); err != nil {
		return "", err
	}
	return made, nil
}

// Verify reports whether pw is the password stored as encoded, comparing in
// constant time.
//
// A stored string that cannot be read gives ErrUnknownScheme, ErrMalformed,
// ErrTooCostly or ErrPepperMissing. The work of a hash is done then as well, or such users would be
// told from others by the time an answer takes (CS-4).
func (h *Hasher) Verify(ctx context.Context, encoded, pw string) (Match, error) {
	t, err := h.Admit()
	if err != nil {
		return Match{}, err
	}
	defer t.Release()
	return t.Verify(ctx, encoded, pw)
}

// Verify is [Hasher.Verify] on the ticket's place.
func (t *Ticket) Verify(ctx context.Context, encoded, typed string) (Match, error) {
	h := t.Hasher
	pw, err := Normalize(typed)
	if err != nil {
		return Match{}, err
	}
	hash, unreadable := h.open(encoded)
	if unreadable != nil {
		hash = h.nothing
	}
	var ok bool
	work := func() { ok = hash.matches(typed, pw) }
	if err := h.gate.run(ctx, hash.places(h.params), work); err != nil {
		return Match{}, err
	}
	if unreadable != nil {
		return Match{}, unreadable
	}
	return Match{OK: ok, NeedsRehash: ok && !h.isCurrent(hash)}, nil
}

// VerifyNothing does the work of [Hasher.Verify] and returns its errors where
// there is no stored hash to verify: an unknown user, or one without a
// password. An attacker with a stopwatch cannot tell the two calls apart.
func (h *Hasher) VerifyNothing(ctx context.Context, pw string) error {
	t, err := h.Admit()
	if err != nil {
		return err
	}
	defer t.Release()
	return t.VerifyNothing(ctx, pw)
}

// VerifyNothing is [Hasher.VerifyNothing] on the ticket's place.
func (t *Ticket) VerifyNothing(ctx context.Context, typed string) error {
	h := t.Hasher
	pw, err := Normalize(typed)
	if err != nil {
		return err
	}
	return h.gate.run(ctx, h.nothing.places(h.params), func() { h.nothing.matches(typed, pw) })
}

// Readable says whether [Hasher.Verify] could judge a password by the stored
// string: nil, or ErrUnknownScheme, ErrMalformed or ErrTooCostly. Nothing is
// computed. Whether its pepper is at hand is another question: see
// [Hasher.Missing].
func Readable(encoded string) error {
	_, err := parseStored(encoded)
	return err
}

// stored is a hash read back from its string, of whatever scheme.
type stored interface {
	// matches computes; it must run inside the gate. Our own hashes are of the
	// stable form, those of other programs are of what was typed.
	matches(typed, stable string) bool
	// current reports whether a new hash with p would be of the same kind.
	current(p Params) bool
	// places is how many places of the gate it takes when one hash with p
	// takes one for each lane.
	places(p Params) int
}

// parseStored chooses the scheme by prefix; those of other programs are listed
// in foreign.go. Its errors never quote the input: it may be a password stored
// in the clear.
func parseStored(encoded string) (stored, error) {
	switch {
	case len(encoded) > maxStored:
		return nil, ErrMalformed
	case strings.HasPrefix(encoded, argon2idPrefix):
		return parseArgon2id(encoded)
	case strings.HasPrefix(encoded, pepperedPrefix):
		return parsePeppered(encoded[len(pepperedPrefix):])
	default:
		return parseForeign(encoded)
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails: crypto/rand ends the program instead
	return b
}
