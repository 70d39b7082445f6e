package password

// ParseStored lets the fuzz test reach the parser without computing hashes.
func ParseStored(encoded string) (memoryKiB, passes uint32, lanes uint8, err error) {
	s, err := parseStored(encoded)
	if err != nil {
		return 0, 0, 0, err
	}
	h, own := s.(argon2idHash)
	if p, peppered := s.(pepperedHash); peppered {
		h, own = p.argon2idHash, true
	}
	if !own {
		return 0, 0, 0, ErrUnknownScheme
	}
	return h.params.Memory, h.params.Passes, h.params.Lanes, nil
}

// Reencode returns the string that an accepted stored string stands for.
func Reencode(encoded string) (string, error) {
	s, err := parseStored(encoded)
	if err != nil {
		return "", err
	}
	return s.(interface{ encode() string }).encode(), nil
}

// MaxBytesPerCodePoint is what a test checks against the Unicode tables.
const MaxBytesPerCodePoint = maxBytesPerCodePoint

// CommonText is the embedded list.
func CommonText() string { return commonText }

// Search asks the list for a digest, NewBreached makes one of anything.
func Search(b *BreachedList, digest string) (bool, error) { return b.search(digest) }

var NewBreached = newBreached
