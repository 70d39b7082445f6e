package jwt

import "errors"

// ErrToken is what every refusal is, for whoever answers: which of the reasons
// it was is not the caller's business.
var ErrToken = errors.New("jwt: not a valid token")

// Refusal is why a token was refused, for the log and for tests.
type Refusal string

// Error implements error.
func (r Refusal) Error() string { return "jwt: not a valid token: " + string(r) }

// Is makes every Refusal an [ErrToken].
func (r Refusal) Is(target error) bool { return target == ErrToken }

// The reasons.
const (
	TooLong        Refusal = "too long"
	Malformed      Refusal = "not three parts of canonical base64url"
	BadHeader      Refusal = "the header is not acceptable JSON"
	CriticalHeader Refusal = "the header demands an extension"
	KeyInHeader    Refusal = "the header brings a key"
	WrongType      Refusal = "of another type"
	NoKeyID        Refusal = "the header names no key"
	UnknownKey     Refusal = "signed by a key that is not ours, or no more"
	WrongAlgorithm Refusal = "the key is for another algorithm"
	BadSignature   Refusal = "the signature is wrong"
	BadClaims      Refusal = "the claims are not acceptable JSON"
	WrongIssuer    Refusal = "from another issuer"
	WrongAudience  Refusal = "for another audience"
	NoEnd          Refusal = "it has no end"
	Expired        Refusal = "expired"
	NotYetValid    Refusal = "not valid yet"
	// Unexpected: the caller of Verify did not say what is expected.
	Unexpected Refusal = "nothing was said to be expected"
)
