package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strconv"
	"time"
)

// Seal makes the value of a cookie of data, the text of a JSON object, under the
// first password. It expires, for readers who ask the seal, at the given moment;
// the zero time is never. It returns [ErrClaims] if data is not such a text,
// [ErrTooLong] if the value would pass [MaxToken].
func (s *Iron) Seal(data []byte, expires time.Time) (string, error) {
	if len(data) > MaxToken {
		return "", ErrTooLong
	}
	if checkObject(data) != nil {
		return "", ErrClaims
	}
	p := s.passwords[0]
	var random [ironSalt + ironIV]byte // two salts of half as many bytes as digits, and the IV
	_, _ = rand.Read(random[:])        // never fails, see crypto/rand
	encSalt, macSalt, iv := hex.EncodeToString(random[:ironSalt/2]), hex.EncodeToString(random[ironSalt/2:ironSalt]), random[ironSalt:]

	key := p.derive(encSalt)
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return "", err // the key has 32 bytes
	}
	pad := aes.BlockSize - len(data)%aes.BlockSize
	text := append(make([]byte, 0, len(data)+pad), data...)
	for range pad {
		text = append(text, byte(pad))
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(text, text)

	e := base64.RawURLEncoding
	b := slices.Grow([]byte(ironPrefix+"*"), len(p.id)+2*ironSalt+e.EncodedLen(ironIV+len(text)+sha256.Size)+32)
	b = append(append(b, p.id...), '*')
	b = append(append(b, encSalt...), '*')
	b = append(e.AppendEncode(b, iv), '*')
	b = append(e.AppendEncode(b, text), '*')
	if !expires.IsZero() {
		b = strconv.AppendInt(b, expires.UnixMilli(), 10)
	}
	sum := ironSum(p, macSalt, string(b))
	b = append(append(append(b, '*'), macSalt...), '*')
	b = append(e.AppendEncode(b, sum[:]), ironMark...)
	if len(b) > MaxToken {
		return "", ErrTooLong
	}
	return string(b), nil
}
