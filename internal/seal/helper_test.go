package seal_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// sealUnder makes a token with the given text as its protected header, whatever
// that text says: A256GCM with a 32-byte key, A256CBC-HS512 with a 64-byte one.
func sealUnder(t testing.TB, d seal.Dialect, key []byte, header, payload string) string {
	t.Helper()
	e := base64.RawURLEncoding
	head := e.EncodeToString([]byte(header))
	if d == seal.V4 {
		block, err := aes.NewCipher(key)
		if err != nil {
			t.Fatal(err)
		}
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			t.Fatal(err)
		}
		iv := make([]byte, 12)
		sealed := gcm.Seal(nil, iv, []byte(payload), []byte(head))
		n := len(sealed) - 16
		return head + ".." + e.EncodeToString(iv) + "." + e.EncodeToString(sealed[:n]) + "." + e.EncodeToString(sealed[n:])
	}
	block, err := aes.NewCipher(key[32:])
	if err != nil {
		t.Fatal(err)
	}
	pad := 16 - len(payload)%16
	text := append([]byte(payload), bytes.Repeat([]byte{byte(pad)}, pad)...)
	iv := make([]byte, 16)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(text, text)
	return head + ".." + e.EncodeToString(iv) + "." + e.EncodeToString(text) + "." + e.EncodeToString(cbcTag(key, head, iv, text))
}

func cbcTag(key []byte, head string, iv, text []byte) []byte {
	h := hmac.New(sha512.New, key[:32])
	h.Write([]byte(head))
	h.Write(iv)
	h.Write(text)
	var bits [8]byte
	binary.BigEndian.PutUint64(bits[:], uint64(len(head))*8)
	h.Write(bits[:])
	return h.Sum(nil)[:32]
}
