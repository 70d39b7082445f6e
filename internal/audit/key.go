package audit

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// The purposes that keys are derived for. Names are derived too: they tell nothing
// of the secret, and differ between installations.
const (
	macPurpose  = "gatehouse audit chain v1"
	namePurpose = "gatehouse audit key name v1"
)

// nameSize is how many bytes a name has: enough to tell some secrets apart.
const nameSize = 6

// keys are those of the secrets that are configured.
type keys struct {
	current string
	named   map[string][]byte
}

func newKeys(installation string, secrets []auth.Secret) (*keys, error) {
	if len(secrets) == 0 {
		return nil, errors.New("audit: no secret")
	}
	k := &keys{named: make(map[string][]byte)}
	for i, s := range secrets {
		key, err := hkdf.Key(sha256.New, []byte(s.Reveal()), []byte(installation), macPurpose, sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("derive key of the audit chain: %w", err)
		}
		name, err := hkdf.Key(sha256.New, []byte(s.Reveal()), []byte(installation), namePurpose, nameSize)
		if err != nil {
			return nil, fmt.Errorf("derive key of the audit chain: %w", err)
		}
		label := encodingVersion + "." + base64.RawURLEncoding.EncodeToString(name)
		k.named[label] = key
		if i == 0 {
			k.current = label
		}
	}
	return k, nil
}

// knows says whether what names the key can be verified here. A row that was
// written in another encoding names it another way.
func (k *keys) knows(name string) bool { return k.named[name] != nil }

func (k *keys) mac(name string, message []byte) string {
	h := hmac.New(sha256.New, k.named[name])
	h.Write(message)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// record is the MAC of an event at its place behind prev.
func (k *keys) record(prev string, e store.ChainedEvent) string {
	return k.mac(e.Key, appendRecord(nil, prev, e))
}

// right says whether the event is the one that was chained there.
func (k *keys) right(prev string, e store.ChainedEvent) bool {
	return e.Malformed == "" && hmac.Equal([]byte(k.record(prev, e)), []byte(e.MAC))
}

// sign signs a mark with the current key.
func (k *keys) sign(m store.Mark) store.Mark {
	m.Key = k.current
	m.Sign = k.mac(m.Key, appendMark(nil, m))
	return m
}

// signed says whether a mark whose key is known is ours.
func (k *keys) signed(m store.Mark) bool {
	return hmac.Equal([]byte(k.mac(m.Key, appendMark(nil, m))), []byte(m.Sign))
}

// unset says whether the mark is as the database was made with it.
func unset(m store.Mark) bool { return m.Seq == 0 && m.MAC == "" && m.Sign == "" && m.Key == "" }

// version is the encoding's, out of the name of a key.
func version(key string) string {
	v, _, _ := strings.Cut(key, ".")
	return v
}
