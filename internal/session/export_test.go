package session

import (
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// SealFacts returns the claim gh as Gatehouse writes it, for tests that play
// with it.
func SealFacts(mount string, f Facts, secrets ...auth.Secret) string {
	keys, err := newFactsKeys("", secrets)
	if err != nil {
		panic(err)
	}
	return string(keys.seal(nil, mount, f))
}

// OpenFacts is the reader of the claim gh.
func OpenFacts(text []byte, mount string, secrets ...auth.Secret) (Facts, error) {
	keys, err := newFactsKeys("", secrets)
	if err != nil {
		panic(err)
	}
	return keys.open(text, mount)
}

// ParseFacts reads a body whose MAC is taken for right.
func ParseFacts(body []byte, mount string) (Facts, error) { return parseFacts(body, mount) }

// ForgeStored is the cookie that whoever has Gatehouse's secret can make for a
// session of somebody else.
func ForgeStored(t testing.TB, m *Mount, id auth.SessionID) string {
	t.Helper()
	b := Begun{Session: auth.Session{ID: id}}
	m.carrier.begin(&b, auth.User{}, nil)
	return b.token
}
