package jwt

// Signs says whether signature is the key's over text, for vectors that know
// no token.
func (k *Key) Signs(text, signature []byte) bool { return k.signs(text, signature) }

// FixedFromDER is what turns the signatures of crypto/ecdsa into those of JWS.
func FixedFromDER(der []byte, size int) ([]byte, error) { return fixed(der, size) }

// SignText signs any text, for tokens that Sign would never write.
func (k *Key) SignText(text []byte) ([]byte, error) { return k.sign(text) }
