package jwt

import (
	"math"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// MaxSkew is the most by which clocks may be taken to differ.
const MaxSkew = 5 * time.Minute

// Keys finds the key that a token names; nil means that there is none. It is
// asked with text from outside.
type Keys func(kid string) *Key

// Expect is what a token must say to be good. Issuer, Audience, Types and Now
// have no default: a token is refused where one of them was left out.
type Expect struct {
	// Issuer is the iss, compared exactly. RFC 7519 §4.1.1.
	Issuer string
	// Audience are the names of whoever asks; one of them must be in aud. RFC
	// 7519 §4.1.3, RFC 8725 §3.9.
	Audience []string
	// Types are the typ that will do, in lower case and without "application/":
	// "at+jwt". RFC 8725 §3.11, RFC 9068 §4.
	Types []string
	// Now is the time at which the token is judged.
	Now time.Time
	// Skew is how far the clocks of issuer and verifier may differ; negative is
	// none, and it is [MaxSkew] at most.
	Skew time.Duration
}

// Claims are the registered claims of a token that was found good, and the text
// with the others.
type Claims struct {
	Issuer, Subject, ID string
	Audience            []string
	// ExpiresAt is always there, the others may be zero. All are whole seconds.
	ExpiresAt, NotBefore, IssuedAt time.Time
	// KeyID and Algorithm are those of the key that signed.
	KeyID     string
	Algorithm Algorithm
	// JSON is the whole claim set: an object that names no member twice. Its
	// members are read with seal.Scan.
	JSON []byte
}

// Verify says whether the token is good and returns its claims. Nothing of a
// token that is refused is returned, and every error is a [Refusal].
func Verify(token string, keys Keys, e Expect) (Claims, error) {
	if e.Issuer == "" || len(e.Audience) == 0 || len(e.Types) == 0 || e.Now.IsZero() {
		return Claims{}, Unexpected
	}
	p, err := split(token)
	if err != nil {
		return Claims{}, err
	}
	h, err := parseHeader(p.header)
	if err != nil {
		return Claims{}, err
	}
	if !e.takesType(h.typ) {
		return Claims{}, WrongType
	}
	if h.kid == "" {
		return Claims{}, NoKeyID
	}
	k := keys(h.kid)
	if k == nil || k.id != h.kid {
		return Claims{}, UnknownKey
	}
	payload, err := k.open(p, h)
	if err != nil {
		return Claims{}, err
	}
	c, err := parseClaims(payload)
	if err != nil {
		return Claims{}, err
	}
	if err := e.check(c); err != nil {
		return Claims{}, err
	}
	c.KeyID, c.Algorithm = k.id, k.algorithm
	return c, nil
}

// takesType compares media types: without regard to case, and the prefix
// "application/" may be there. RFC 7515 §4.1.9.
func (e Expect) takesType(typ string) bool {
	const prefix = "application/"
	if len(typ) > len(prefix) && strings.EqualFold(typ[:len(prefix)], prefix) {
		typ = typ[len(prefix):]
	}
	for _, want := range e.Types {
		if strings.EqualFold(typ, want) && want != "" {
			return true
		}
	}
	return false
}

// check compares the claims with what is expected.
func (e Expect) check(c Claims) error {
	skew := min(max(e.Skew, 0), MaxSkew)
	switch {
	case c.Issuer != e.Issuer:
		return WrongIssuer
	case !e.among(c.Audience):
		return WrongAudience
	case c.ExpiresAt.IsZero():
		return NoEnd
	case !e.Now.Before(c.ExpiresAt.Add(skew)): // RFC 7519 §4.1.4: on or after
		return Expired
	case e.Now.Add(skew).Before(c.NotBefore):
		return NotYetValid
	}
	return nil
}

// among says whether one of the expected audiences is in list.
func (e Expect) among(list []string) bool {
	for _, name := range list {
		for _, want := range e.Audience {
			if name == want && want != "" {
				return true
			}
		}
	}
	return false
}

// parseClaims reads the registered claims. Each must have the type that RFC 7519
// §4.1 gives it.
func parseClaims(text []byte) (Claims, error) {
	c := Claims{JSON: text}
	err := seal.ScanUnique(text, func(name, raw []byte) error {
		ok := true
		switch string(name) {
		case "iss":
			c.Issuer, ok = seal.String(raw)
		case "sub":
			c.Subject, ok = seal.String(raw)
		case "jti":
			c.ID, ok = seal.String(raw)
		case "aud":
			c.Audience, ok = audience(raw)
		case "exp":
			c.ExpiresAt, ok = moment(raw, math.Floor)
		case "nbf":
			c.NotBefore, ok = moment(raw, math.Ceil)
		case "iat":
			c.IssuedAt, ok = moment(raw, math.Floor)
		}
		if !ok {
			return BadClaims
		}
		return nil
	})
	if err != nil {
		return Claims{}, BadClaims
	}
	return c, nil
}

// lastSecond is the end of the year 9999: what lies behind it is no time that
// anybody meant.
const lastSecond = 253402300799

// moment reads a NumericDate (RFC 7519 §2). A fraction is rounded to the strict
// side.
func moment(raw []byte, round func(float64) float64) (time.Time, bool) {
	f, ok := seal.Number(raw)
	if !ok || f < 0 || f > lastSecond {
		return time.Time{}, false
	}
	return time.Unix(int64(round(f)), 0).UTC(), true
}

// audience reads a text or an array of texts.
func audience(raw []byte) ([]string, bool) {
	if one, ok := seal.String(raw); ok {
		return []string{one}, true
	}
	return seal.Strings(raw)
}
