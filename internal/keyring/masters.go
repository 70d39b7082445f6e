package keyring

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Sealed private keys: a version, the ID of the master key, a nonce, and the
// ciphertext with its tag.
const (
	sealVersion = 1
	masterIDLen = 6
	nonceLen    = 12
	tagLen      = 16
)

// ErrMaster says that no master key opens a signing key.
var ErrMaster = errors.New("none of the master keys opens it")

// masters seal under the first and open under all (guarantees R20).
type masters []master

// master is what one secret yields.
type master struct {
	id   [masterIDLen]byte
	aead cipher.AEAD
}

// newMasters derives a master key of each secret, apart from whatever else is
// derived of it.
func newMasters(secrets []auth.Secret) (masters, error) {
	if len(secrets) == 0 {
		return nil, errors.New("keyring: no master key")
	}
	var list masters
	for _, s := range secrets {
		m, err := newMaster(s)
		if err != nil {
			return nil, fmt.Errorf("keyring: derive master key: %w", err)
		}
		list = append(list, m)
	}
	return list, nil
}

func newMaster(s auth.Secret) (m master, err error) {
	secret := []byte(s.Reveal())
	key, err := hkdf.Key(sha256.New, secret, nil, "gatehouse signing keys v1", 32)
	if err != nil {
		return m, err
	}
	id, err := hkdf.Key(sha256.New, secret, nil, "gatehouse signing keys id v1", masterIDLen)
	if err != nil {
		return m, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return m, err
	}
	copy(m.id[:], id)
	m.aead, err = cipher.NewGCM(block)
	return m, err
}

// bound is what a sealed key cannot be parted from: moved to another row, or
// made out to be for another algorithm, it does not open.
func bound(kid, algorithm string) []byte {
	return []byte("gatehouse signing key v1\x00" + kid + "\x00" + algorithm)
}

// seal seals a private key under the first master key.
func (m masters) seal(kid, algorithm string, private []byte) []byte {
	out := make([]byte, 1+masterIDLen+nonceLen, 1+masterIDLen+nonceLen+len(private)+tagLen)
	out[0] = sealVersion
	copy(out[1:], m[0].id[:])
	nonce := out[1+masterIDLen:]
	rand.Read(nonce) // never fails: crypto/rand ends the program instead
	return m[0].aead.Seal(out, nonce, private, bound(kid, algorithm))
}

// open opens what seal made, under whichever of the master keys. ErrMaster when
// it is none of them; the error names it.
func (m masters) open(kid, algorithm string, sealed []byte) ([]byte, error) {
	if len(sealed) < 1+masterIDLen+nonceLen+tagLen || sealed[0] != sealVersion {
		return nil, errors.New("it is not sealed as this version seals keys")
	}
	id, rest := sealed[1:1+masterIDLen], sealed[1+masterIDLen:]
	for _, one := range m {
		if !bytes.Equal(one.id[:], id) {
			continue
		}
		private, err := one.aead.Open(nil, rest[:nonceLen], rest[nonceLen:], bound(kid, algorithm))
		if err != nil {
			return nil, errors.New("it was altered after it was sealed")
		}
		return private, nil
	}
	return nil, fmt.Errorf("%w (it is sealed under %s)", ErrMaster, hex.EncodeToString(id))
}

// first says whether something is sealed under the first master key.
func (m masters) first(sealed []byte) bool {
	return len(sealed) > 1+masterIDLen && bytes.Equal(m[0].id[:], sealed[1:1+masterIDLen])
}
