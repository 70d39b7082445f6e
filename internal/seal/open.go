package seal

import (
	"crypto/cipher"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"slices"
	"strings"
)

// Sizes in bytes. RFC 7518 §5.2.5 and §5.3.
const (
	gcmIV  = 12
	gcmTag = 16
	cbcIV  = 16
	cbcTag = sha512.Size / 2
)

// Open decrypts and authenticates a token and returns its claims, the text of a
// JSON object without duplicate members. It does not judge the times: that is
// [CheckTimes].
//
// v4 takes dir with A256GCM alone, ignores kid and tries each secret in turn.
// v5 takes dir with A256CBC-HS512 or A256GCM: a header without kid is tried with
// the first secret only, one with kid is opened by the secret that has that
// thumbprint, or not at all. Both refuse zip and any crit. Protocol page §6;
// what is refused beyond the library's own rules is RFC 8725 §3.
//
// Every failure is [ErrToken].
func (s *Sealer) Open(token string) (claims []byte, err error) {
	return s.AppendOpen(nil, token)
}

// AppendOpen is [Sealer.Open] into a buffer: the claims are appended to dst. On
// failure dst is returned as it was; its spare capacity may have been
// overwritten, but never with text that was not authenticated.
func (s *Sealer) AppendOpen(dst []byte, token string) ([]byte, error) {
	return s.appendOpen(dst, token, nil)
}

// OpenScan is [Sealer.Open] and [Scan] in one walk: fn is called with each
// member while the form of the whole is still being judged. What it gathered
// counts only when there is no error.
func (s *Sealer) OpenScan(token string, fn func(name, raw []byte)) (claims []byte, err error) {
	return s.appendOpen(nil, token, func(name, raw []byte) error {
		fn(name, raw)
		return nil
	})
}

func (s *Sealer) appendOpen(dst []byte, token string, fn func(name, raw []byte) error) ([]byte, error) {
	p, ok := split(token)
	if !ok {
		return dst, ErrToken
	}
	out, ok := s.open(dst, p)
	// What was decrypted is what a holder of the secret wrote, which is not yet
	// a reason to trust its form.
	if !ok || scanUnique(out[len(dst):], fn) != nil {
		return dst, ErrToken
	}
	return out, nil
}

// open finds the key and decrypts. Headers as this package and the library
// write them are known by their text; only others are parsed.
func (s *Sealer) open(dst []byte, p parts) ([]byte, bool) {
	for i, k := range s.keys {
		if p.header != k.header {
			continue
		}
		if s.dialect == V4 { // the header is the same for all keys
			return s.openAny(dst, k.aad, p)
		}
		return s.keys[i].openCBC(dst, k.aad, p)
	}
	h, ok := parseHeader(p.header)
	if !ok {
		return dst, false
	}
	aad := []byte(p.header)
	if s.dialect == V4 {
		if h.enc != "A256GCM" {
			return dst, false
		}
		return s.openAny(dst, aad, p)
	}
	for _, k := range s.keys {
		kid, open := k.cbcKid, k.openCBC
		switch h.enc {
		case "A256CBC-HS512":
		case "A256GCM":
			kid, open = k.gcmKid, k.openGCM
		default:
			return dst, false
		}
		if !h.hasKid || h.kid == kid {
			// Without kid the first secret is the only one tried: the library
			// never reaches the others, and all readers must agree.
			return open(dst, aad, p)
		}
	}
	return dst, false
}

func (s *Sealer) openAny(dst, aad []byte, p parts) ([]byte, bool) {
	for _, k := range s.keys {
		if out, ok := k.openGCM(dst, aad, p); ok {
			return out, true
		}
	}
	return dst, false
}

// openGCM opens RFC 7518 §5.3. The ciphertext is decoded to where the claims
// belong and decrypted in place; tag and IV lie behind it and are cut off.
func (k *key) openGCM(dst, aad []byte, p parts) ([]byte, bool) {
	n := decodedLen(len(p.text))
	if n < 0 || decodedLen(len(p.tag)) != gcmTag || decodedLen(len(p.iv)) != gcmIV {
		return dst, false
	}
	start := len(dst)
	buf := slices.Grow(dst, n+gcmTag+gcmIV)[:start+n+gcmTag+gcmIV]
	text, tag, iv := buf[start:start+n], buf[start+n:start+n+gcmTag], buf[start+n+gcmTag:]
	if !decode64(text, p.text) || !decode64(tag, p.tag) || !decode64(iv, p.iv) {
		return dst, false
	}
	sealed := buf[start : start+n+gcmTag]
	if _, err := k.gcm.Open(sealed[:0], iv, sealed, aad); err != nil {
		return dst, false
	}
	return buf[:start+n], true
}

// openCBC opens RFC 7518 §5.2.2.2: the tag is checked, in constant time, before
// anything is decrypted, so that padding tells nothing to anybody.
func (k *key) openCBC(dst, aad []byte, p parts) ([]byte, bool) {
	n := decodedLen(len(p.text))
	if n < cbcIV || n%cbcIV != 0 || decodedLen(len(p.tag)) != cbcTag || decodedLen(len(p.iv)) != cbcIV {
		return dst, false
	}
	start := len(dst)
	buf := slices.Grow(dst, n+cbcTag+cbcIV)[:start+n+cbcTag+cbcIV]
	text, tag, iv := buf[start:start+n], buf[start+n:start+n+cbcTag], buf[start+n+cbcTag:]
	if !decode64(text, p.text) || !decode64(tag, p.tag) || !decode64(iv, p.iv) {
		return dst, false
	}
	m := k.macs.Get().(*mac)
	same := subtle.ConstantTimeCompare(m.tag(aad, iv, text), tag) == 1
	k.macs.Put(m)
	if !same {
		return dst, false
	}
	cipher.NewCBCDecrypter(k.cbc, iv).CryptBlocks(text, text)
	pad := int(text[n-1]) // PKCS #7
	if pad == 0 || pad > cbcIV {
		return dst, false
	}
	for _, b := range text[n-pad:] {
		if int(b) != pad {
			return dst, false
		}
	}
	return buf[:start+n-pad], true
}

// tag computes the authentication tag of RFC 7518 §5.2.2.1. The result is valid
// until the next call.
func (m *mac) tag(aad, iv, text []byte) []byte {
	binary.BigEndian.PutUint64(m.bits[:], uint64(len(aad))*8)
	m.hash.Reset()
	m.hash.Write(aad)
	m.hash.Write(iv)
	m.hash.Write(text)
	m.hash.Write(m.bits[:])
	return m.hash.Sum(m.sum[:0])[:cbcTag]
}

// parts are the pieces of a compact JWE with direct encryption, still encoded.
type parts struct{ header, iv, text, tag string }

// split takes a compact JWE apart. RFC 7516 §7.1: five parts; the second, the
// encrypted key, is empty under dir.
func split(token string) (p parts, ok bool) {
	if len(token) > MaxToken {
		return p, false
	}
	var rest string
	if p.header, rest, ok = strings.Cut(token, "."); !ok || p.header == "" {
		return p, false
	}
	if rest, ok = strings.CutPrefix(rest, "."); !ok {
		return p, false
	}
	if p.iv, rest, ok = strings.Cut(rest, "."); !ok {
		return p, false
	}
	if p.text, p.tag, ok = strings.Cut(rest, "."); !ok {
		return p, false
	}
	return p, true // a further dot stays in the tag, which does not decode
}
