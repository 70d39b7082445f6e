package jwt

import (
	"strings"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// Limits of what is read.
const (
	// MaxToken is the length in bytes beyond which a token is refused unread.
	MaxToken = 16 << 10
	// maxHeader is the length of an encoded header; ours have 120 or less.
	maxHeader = 2048
)

// header is what of a protected header decides anything here.
type header struct {
	alg, typ, kid string
	hasKid        bool
}

// parts are those of a compact JWS, still encoded.
type parts struct {
	header, payload, signature string
	signed                     string // header and payload, as they were signed
}

// split cuts a compact JWS. RFC 7515 §7.1: exactly two dots. A payload may be
// empty; a signature may not.
func split(token string) (p parts, err error) {
	if len(token) > MaxToken {
		return p, TooLong
	}
	first := strings.IndexByte(token, '.')
	last := strings.LastIndexByte(token, '.')
	if first <= 0 || last <= first || last == len(token)-1 || strings.IndexByte(token[first+1:last], '.') >= 0 {
		return p, Malformed
	}
	return parts{token[:first], token[first+1 : last], token[last+1:], token[:last]}, nil
}

// parseHeader reads a protected header. Members that would make a verifier do
// something are refused: crit and b64, because no extension is understood (RFC
// 7515 §4.1.11, RFC 7797), zip, and everything that brings or fetches a key (RFC
// 8725 §3.10). Unknown ones are passed over, as RFC 7515 §4 demands.
func parseHeader(encoded string) (h header, err error) {
	if len(encoded) > maxHeader {
		return h, BadHeader
	}
	var room [384]byte
	text, ok := seal.AppendDecode(room[:0], encoded)
	if !ok {
		return h, Malformed
	}
	bad := seal.ScanUnique(text, func(name, raw []byte) error {
		isText := true
		switch string(name) {
		case "alg":
			h.alg, isText = seal.String(raw)
		case "typ":
			h.typ, isText = seal.String(raw)
		case "kid":
			h.hasKid = true
			h.kid, isText = seal.String(raw)
		case "crit", "b64", "zip":
			return CriticalHeader
		case "jwk", "jku", "x5u", "x5c":
			return KeyInHeader
		}
		if !isText {
			return BadHeader
		}
		return nil
	})
	switch refusal, ok := bad.(Refusal); {
	case ok:
		return h, refusal
	case bad != nil || h.alg == "":
		return h, BadHeader
	}
	return h, nil
}

// Open verifies the signature of a compact JWS with this key and returns the
// payload, whatever it is: no claim is looked at, nor the type. A kid in the
// header must be the key's, if the key has one. The error is a [Refusal].
func (k *Key) Open(token string) ([]byte, error) {
	p, err := split(token)
	if err != nil {
		return nil, err
	}
	h, err := parseHeader(p.header)
	if err != nil {
		return nil, err
	}
	if h.hasKid && k.id != "" && h.kid != k.id {
		return nil, UnknownKey
	}
	return k.open(p, h)
}

// open is [Key.Open] behind the header.
func (k *Key) open(p parts, h header) ([]byte, error) {
	if h.alg != string(k.algorithm) { // RFC 8725 §3.1: the key decides
		return nil, WrongAlgorithm
	}
	var room [512]byte
	signature, ok := seal.AppendDecode(room[:0], p.signature)
	if !ok {
		return nil, Malformed
	}
	// Decoded before the signature is judged, so that a payload of two spellings
	// is refused as what it is.
	payload, ok := seal.AppendDecode(nil, p.payload)
	if !ok {
		return nil, Malformed
	}
	if !k.signs([]byte(p.signed), signature) {
		return nil, BadSignature
	}
	return payload, nil
}
