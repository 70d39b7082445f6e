package seal_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// cbc makes a token of v5 whose plain text, padding included, is as given, with
// the tag that belongs to it.
func cbc(t *testing.T, key []byte, header string, padded []byte) string {
	t.Helper()
	block, err := aes.NewCipher(key[32:])
	if err != nil {
		t.Fatal(err)
	}
	e := base64.RawURLEncoding
	head, iv, text := e.EncodeToString([]byte(header)), make([]byte, 16), bytes.Clone(padded)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(text, text)
	return head + ".." + e.EncodeToString(iv) + "." + e.EncodeToString(text) + "." + e.EncodeToString(cbcTag(key, head, iv, text))
}

// fe26 does the same for iron-session, under salts of zeros.
func fe26(t *testing.T, padded []byte) string {
	t.Helper()
	salt := strings.Repeat("0", 64)
	key, err := pbkdf2.Key(sha1.New, ironSecret, []byte(salt), 1, 32)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	e := base64.RawURLEncoding
	iv, text := make([]byte, 16), bytes.Clone(padded)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(text, text)
	base := "Fe26.2*1*" + salt + "*" + e.EncodeToString(iv) + "*" + e.EncodeToString(text) + "*"
	h := hmac.New(sha256.New, key)
	h.Write([]byte(base))
	return base + "*" + salt + "*" + e.EncodeToString(h.Sum(nil)) + "~2"
}

// spoil changes one bit of the last part, which is the tag, or of the part that
// many before it.
func spoil(t *testing.T, token, separator string, before int) string {
	t.Helper()
	body, mark, marked := strings.Cut(token, "~")
	parts := strings.Split(body, separator)
	at := len(parts) - 1 - before
	b, err := base64.RawURLEncoding.DecodeString(parts[at])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-1] ^= 1
	parts[at] = base64.RawURLEncoding.EncodeToString(b)
	if body = strings.Join(parts, separator); marked {
		body += "~" + mark
	}
	return body
}

// A token whose padding is wrong is refused in the words of one whose tag is
// wrong, and where the tag is wrong nothing is decrypted at all: so nobody learns
// of a padding by sending tokens.
//
// proves: ASVS 11.2.5, ASVS 11.3.5
func TestOpen_aWrongTagIsFoundBeforeThePadding(t *testing.T) {
	const header = `{"alg":"dir","enc":"A256CBC-HS512"}`
	const text = `{"sub":"somebody","x":"yyyyyyy"}` // two blocks
	s := mustNew(t, seal.V5, cookie, secret)
	iron := mustIron(t, seal.IronPassword{ID: "1", Secret: ironSecret})
	now := time.Unix(1767225600, 0)
	key := deriveKey(t, seal.V5, secret, cookie)
	good := append([]byte(text), bytes.Repeat([]byte{16}, 16)...)
	open := func(token string) ([]byte, error, bool) {
		room := make([]byte, 0, 4096)
		got, err := s.AppendOpen(room, token)
		return got, err, bytes.Contains(room[:cap(room)], []byte("somebody"))
	}
	if got, err, _ := open(cbc(t, key, header, good)); err != nil || string(got) != text {
		t.Fatalf("the token itself: %q, %v", got, err)
	}
	if got, err := iron.Open(fe26(t, good), now); err != nil || string(got) != text {
		t.Fatalf("the seal itself: %q, %v", got, err)
	}
	for name, end := range map[string][]byte{
		"good padding": good[32:], "no padding": bytes.Repeat([]byte{0}, 16), "too much": bytes.Repeat([]byte{17}, 16),
		"of two kinds": append(bytes.Repeat([]byte{3}, 15), 4),
	} {
		padded := append(bytes.Clone(good[:32]), end...)
		token, sealed := cbc(t, key, header, padded), fe26(t, padded)
		if name != "good padding" {
			if got, err, _ := open(token); err != seal.ErrToken || len(got) != 0 {
				t.Errorf("%s: %q, %v", name, got, err)
			}
			if got, err := iron.Open(sealed, now); err != seal.ErrToken || got != nil {
				t.Errorf("iron, %s: %q, %v", name, got, err)
			}
		}
		for part := range 3 { // the tag, the text, the IV
			if got, err, decrypted := open(spoil(t, token, ".", part)); err != seal.ErrToken || len(got) != 0 || decrypted {
				t.Errorf("%s, part %d from the end spoiled: %q, %v; decrypted: %v", name, part, got, err, decrypted)
			}
		}
		for _, part := range []int{0, 3, 4} {
			if got, err := iron.Open(spoil(t, sealed, "*", part), now); err != seal.ErrToken || got != nil {
				t.Errorf("iron, %s, part %d from the end spoiled: %q, %v", name, part, got, err)
			}
		}
	}
	// What stands in the room where nothing was refused: the control.
	if _, _, decrypted := open(cbc(t, key, header, good)); !decrypted {
		t.Error("a good token leaves nothing in the room either, so that nothing is proved by it")
	}
}
