package seal_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// deriveKey follows the text of the protocol page §6, apart from the package.
func deriveKey(t testing.TB, d seal.Dialect, secret, salt string) []byte {
	t.Helper()
	info, size := "NextAuth.js Generated Encryption Key", 32
	if d == seal.V5 {
		info, size = fmt.Sprintf("Auth.js Generated Encryption Key (%s)", salt), 64
	} else if salt != "" {
		info += " (" + salt + ")"
	}
	key, err := hkdf.Key(sha256.New, []byte(secret), []byte(salt), info, size)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func joseSeal(t testing.TB, enc jose.ContentEncryption, key []byte, extra map[jose.HeaderKey]any, payload string) string {
	t.Helper()
	o := &jose.EncrypterOptions{ExtraHeaders: extra}
	e, err := jose.NewEncrypter(enc, jose.Recipient{Algorithm: jose.DIRECT, Key: key}, o)
	if err != nil {
		t.Fatal(err)
	}
	jwe, err := e.Encrypt([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwe.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

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
