package auth

import "time"

// Key signs tokens. Its private part is sealed under a master key that is not
// in the database.
type Key struct {
	// ID is the "kid" of tokens: the RFC 7638 thumbprint of the public key.
	ID string
	// Algorithm is its one JWS algorithm (RFC 7518 §3.1, RFC 8037 §3.1).
	Algorithm string
	State     KeyState
	// Public is the public key as a JWK (RFC 7517), and Private the sealed
	// private one; empty once the key is retired.
	Public  string
	Private []byte
	// CreatedAt is when it was made and published, ActiveAt when it began to
	// sign, RetiringAt when it ceased to, RetiredAt when it ceased to verify.
	// Zero: not yet.
	CreatedAt, ActiveAt, RetiringAt, RetiredAt time.Time
}

// KeyState says what a Key may do. States follow one another in this order.
type KeyState string

// The states of a Key (guarantees R20).
const (
	// KeyNext: published, so that everybody may learn it; it signs nothing.
	KeyNext KeyState = "next"
	// KeyActive: it signs. There is at most one for each algorithm.
	KeyActive KeyState = "active"
	// KeyRetiring: it signs no more, what it signed is still good.
	KeyRetiring KeyState = "retiring"
	// KeyRetired: nothing that it signed is good.
	KeyRetired KeyState = "retired"
)
