package token

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// maxGeneration bounds the n of a refresh token: what JSON numbers hold.
const maxGeneration = 1<<53 - 1

// maxRefreshToken is the length of the longest refresh token in bytes: family,
// n and secret with dots between.
const maxRefreshToken = len("fam_") + 36 + 1 + 16 + 1 + 43

// refreshToken is what a client holds, taken apart: "<family>.<n>.<secret>".
type refreshToken struct {
	family auth.FamilyID
	n      int64
	secret [sha256.Size]byte
}

var strictURL = base64.RawURLEncoding.Strict()

// parseRefreshToken reads the one spelling that [refreshToken.text] writes.
func parseRefreshToken(text string) (t refreshToken, ok bool) {
	if len(text) > maxRefreshToken {
		return t, false
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return t, false
	}
	t.family = auth.FamilyID(parts[0])
	if _, err := t.family.UUID(); err != nil {
		return t, false
	}
	if t.n, ok = parseGeneration(parts[1]); !ok || len(parts[2]) != base64.RawURLEncoding.EncodedLen(len(t.secret)) {
		return t, false
	}
	var room [sha256.Size + 1]byte
	n, err := strictURL.Decode(room[:], []byte(parts[2]))
	if err != nil || n != len(t.secret) {
		return t, false
	}
	copy(t.secret[:], room[:])
	return t, true
}

// parseGeneration reads decimal digits without sign or leading zero.
func parseGeneration(digits string) (int64, bool) {
	if digits == "" || len(digits) > 16 || digits[0] < '1' || digits[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil && n <= maxGeneration
}

func (t refreshToken) text() string {
	b := make([]byte, 0, maxRefreshToken)
	b = append(append(b, t.family...), '.')
	b = append(strconv.AppendInt(b, t.n, 10), '.')
	return string(base64.RawURLEncoding.AppendEncode(b, t.secret[:]))
}

// rootKeys are what refresh tokens are derived from, together with the salt of
// the family. They come from secrets that are in no database (guarantees R9).
type rootKeys struct {
	ids  []string
	keys [][]byte
}

// newRootKeys derives one root key from each secret; the first makes what is
// handed out from now on, all verify. Keys of another installation under the
// same secrets are others.
func newRootKeys(installation string, secrets []auth.Secret) (rootKeys, error) {
	if len(secrets) == 0 {
		return rootKeys{}, errors.New("token: no secret")
	}
	var r rootKeys
	for _, s := range secrets {
		key, err := hkdf.Key(sha256.New, []byte(s.Reveal()), []byte(installation), "gatehouse refresh tokens v1", sha256.Size)
		if err != nil {
			return r, fmt.Errorf("derive the root key of refresh tokens: %w", err)
		}
		id, err := hkdf.Key(sha256.New, key, nil, "gatehouse refresh tokens id v1", 8)
		if err != nil {
			return r, fmt.Errorf("name the root key of refresh tokens: %w", err)
		}
		r.ids, r.keys = append(r.ids, "r1-"+hex.EncodeToString(id)), append(r.keys, key)
	}
	return r, nil
}

// current names the root key of what is handed out now.
func (r rootKeys) current() string { return r.ids[0] }

// token is the refresh token of generation n, under the named root key. It is
// false when that key is not here any more.
func (r rootKeys) token(f auth.Family, keyID string, n int64) (refreshToken, bool) {
	for i, id := range r.ids {
		if id == keyID {
			return refreshToken{family: f.ID, n: n, secret: derive(r.keys[i], f, n)}, true
		}
	}
	return refreshToken{}, false
}

// right says whether the secret is that of the stated generation. The current
// one has the root key that its row names; of others it is not known any more
// which they had, so any of ours will do. The time it takes tells nothing of
// where two secrets differ.
func (r rootKeys) right(f auth.Family, t refreshToken) bool {
	right := false
	for i, id := range r.ids {
		if t.n == f.Generation && id != f.KeyID {
			continue
		}
		want := derive(r.keys[i], f, t.n)
		if hmac.Equal(want[:], t.secret[:]) {
			right = true
		}
	}
	return right
}

// derive makes the secret of generation n: an HMAC under the family's own key,
// which is drawn from the root key and the salt in the row.
func derive(root []byte, f auth.Family, n int64) [sha256.Size]byte {
	key, err := hkdf.Key(sha256.New, root, f.Salt, "gatehouse refresh family v1", sha256.Size)
	if err != nil {
		panic("token: " + err.Error()) // 32 bytes of HKDF are always to be had
	}
	mac := hmac.New(sha256.New, key)
	in := make([]byte, 0, 128)
	in = append(append(in, "rt"...), 0)
	in = append(append(in, f.ID...), 0)
	in = append(append(in, f.ClientID...), 0)
	mac.Write(binary.BigEndian.AppendUint64(in, uint64(n)))
	return [sha256.Size]byte(mac.Sum(nil))
}
