package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"strings"
	"time"
)

// The format Fe26.2.
const (
	ironPrefix = "Fe26.2"
	// ironMark is what iron-session puts behind a seal; the seal's MAC does not
	// cover it. Readers take what stands before the first tilde.
	ironMark = "~2"
	ironSalt = 64 // hexadecimal digits
	ironIV   = aes.BlockSize
)

// IronTolerance is how long a seal is good beyond the moment it names. The
// cookie's Max-Age ends as much before it.
const IronTolerance = 60 * time.Second

// Open opens the value of a cookie at now as iron-session does, and returns its
// data, the text of a JSON object without duplicate members. What stands behind
// the first tilde is passed over. One that has expired, by more than
// [IronTolerance], is [ErrExpired], and that is found before anything is
// computed. One whose password is not among those given is [ErrPassword], which
// is an ErrToken as every other failure.
func (s *Iron) Open(value string, now time.Time) (data []byte, err error) {
	data, _, err = s.open(value, now.UnixMilli(), nil)
	return data, err
}

// OpenScan is [Iron.Open] and [Scan] in one walk for a reader that decides by
// the data alone how long they are good: it returns when the seal expires, in
// Unix milliseconds and 0 for never, and does not judge it. What fn gathered
// counts only when there is no error.
func (s *Iron) OpenScan(value string, fn func(name, raw []byte)) (data []byte, expires int64, err error) {
	return s.open(value, -1, func(name, raw []byte) error {
		fn(name, raw)
		return nil
	})
}

// open leaves the expiration unjudged when now is negative. The order of the
// checks is that of the format's own readers.
func (s *Iron) open(value string, now int64, fn func(name, raw []byte) error) (data []byte, expires int64, err error) {
	if len(value) > MaxToken {
		return nil, 0, ErrToken
	}
	text, _, _ := strings.Cut(value, "~")
	p, ok := splitIron(text)
	if !ok {
		return nil, 0, ErrToken
	}
	if expires, ok = ironExpiration(p.expiration); !ok {
		return nil, 0, ErrToken
	}
	if expires != 0 && now >= 0 && expires <= now-IronTolerance.Milliseconds() {
		return nil, 0, ErrExpired
	}
	id := p.id
	if id == "" {
		id = "default"
	}
	password := s.find(id)
	if password == nil {
		return nil, 0, ErrPassword
	}
	data, ok = p.open(password)
	if !ok || scanUnique(data, fn) != nil {
		return nil, 0, ErrToken
	}
	return data, expires, nil
}

// ironParts are the eight fields of a seal but for the prefix, and base, which
// is the text that the MAC covers.
type ironParts struct{ base, id, encSalt, iv, text, expiration, macSalt, mac string }

func splitIron(seal string) (p ironParts, ok bool) {
	rest, ok := strings.CutPrefix(seal, ironPrefix+"*")
	for _, field := range [...]*string{&p.id, &p.encSalt, &p.iv, &p.text, &p.expiration} {
		if *field, rest, ok = cutIf(ok, rest); !ok {
			return p, false
		}
	}
	p.base = seal[:len(seal)-len(rest)-1]
	p.macSalt, p.mac, ok = strings.Cut(rest, "*")
	// One star more stays in the MAC, which does not decode.
	return p, ok
}

func cutIf(ok bool, s string) (before, after string, found bool) {
	if !ok {
		return "", "", false
	}
	return strings.Cut(s, "*")
}

// ironExpiration reads Unix milliseconds; an empty text is 0, for never.
func ironExpiration(s string) (ms int64, ok bool) {
	if s == "" {
		return 0, true
	}
	if s[0] == '0' || len(s) > 16 {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		ms = ms*10 + int64(s[i]-'0')
	}
	return ms, true
}

func isSalt(s string) bool {
	if len(s) != ironSalt {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// open compares the MAC, in constant time, before anything is decrypted, so
// that padding tells nothing to anybody.
func (p ironParts) open(password *ironPassword) (data []byte, ok bool) {
	n := decodedLen(len(p.text))
	if !isSalt(p.encSalt) || !isSalt(p.macSalt) || n < aes.BlockSize || n%aes.BlockSize != 0 ||
		decodedLen(len(p.iv)) != ironIV || decodedLen(len(p.mac)) != sha256.Size {
		return nil, false
	}
	var got [sha256.Size]byte
	var iv [ironIV]byte
	data = make([]byte, n)
	if !decode64(got[:], p.mac) || !decode64(iv[:], p.iv) || !decode64(data, p.text) {
		return nil, false
	}
	want := ironSum(password, p.macSalt, p.base)
	if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		return nil, false
	}
	key := password.derive(p.encSalt)
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, false // the key has 32 bytes
	}
	cipher.NewCBCDecrypter(block, iv[:]).CryptBlocks(data, data)
	pad := int(data[n-1]) // PKCS #7
	if pad == 0 || pad > aes.BlockSize {
		return nil, false
	}
	for _, b := range data[n-pad:] {
		if int(b) != pad {
			return nil, false
		}
	}
	return data[:n-pad], true
}

// ironSum is the MAC of the first six fields.
func ironSum(password *ironPassword, salt, base string) (sum [sha256.Size]byte) {
	key := password.derive(salt)
	h := hmac.New(sha256.New, key[:])
	h.Write([]byte(base))
	h.Sum(sum[:0])
	return sum
}
