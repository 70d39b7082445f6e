package session

import "github.com/gatehouse-auth/gatehouse/auth"

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
