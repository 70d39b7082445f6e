package password

import "golang.org/x/crypto/argon2"

// argon2iHash is a stored Argon2i hash. It has the form and the bounds of
// argon2id, and is never current.
type argon2iHash struct {
	foreign
	argon2idHash
}

// parseArgon2i reads what follows "$argon2i$".
func parseArgon2i(rest string) (stored, error) {
	h, err := parseArgon2id(argon2idPrefix + rest)
	if err != nil {
		return nil, err
	}
	return argon2iHash{argon2idHash: h}, nil
}

// current implements stored.
func (h argon2iHash) current(p Params) bool { return h.foreign.current(p) }

// matches implements stored.
func (h argon2iHash) matches(typed, _ string) bool {
	p := h.params
	return equal(argon2.Key([]byte(typed), h.salt, p.Passes, p.Memory, p.Lanes, uint32(len(h.key))), h.key)
}
