package password

// Cheap returns a Hasher that makes and wants hashes of next to no cost, behind
// the same gate. It is for tests of what stands around hashing, where thousands
// of hashes would be most of the work; no setting leads here, and nothing but
// internal/seam does.
func (h *Hasher) Cheap() *Hasher {
	c := *h
	c.params = Params{Memory: 8, Passes: 1, Lanes: 1}
	nothing := argon2idHash{params: c.params, salt: random(saltBytes), key: random(keyBytes)}
	c.nothing = nothing
	if c.current != nil {
		c.nothing = pepperedHash{nothing, *c.current}
	}
	return &c
}
