package password

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Params is the cost of an Argon2id hash (RFC 9106 §3.1). The zero value means
// the default: 19 MiB, two passes, one lane.
type Params struct {
	Memory uint32 // m, in KiB; 0 means 19456; less is refused, as is more than 131072
	Passes uint32 // t; 0 means 2; less is refused, as is more than 16
	Lanes  uint8  // p; 0 means 1; more than 16 is refused
}

// The least a new hash may cost (ASVS 11.4.2, OWASP's first choice), which is
// also the default.
const (
	leastMemory = 19 * 1024 // KiB
	leastPasses = 2
	leastLanes  = 1
)

// The most a stored hash may ask of us. Stored strings can come from an import,
// and whoever writes them must not decide how much memory we allocate. The
// defaults of the common libraries (64 MiB, 3 or 4 passes, 4 lanes) fit.
const (
	mostMemory = 128 * 1024 // KiB
	mostPasses = 16
	mostLanes  = 16
	mostWork   = 512 * 1024 // memory in KiB times passes
)

const (
	saltBytes = 16
	keyBytes  = 32
)

// maxStored bounds the length of a stored string; the longest accepted one is
// under 220 bytes.
const maxStored = 512

// ErrMalformed is returned for a stored string that names argon2id and is not
// a PHC string as Gatehouse reads it.
var ErrMalformed = errors.New("stored password hash is malformed")

// ErrTooCostly is returned for a stored string whose cost is beyond what is
// ever computed. It is refused before anything is allocated.
var ErrTooCostly = errors.New("stored password hash is too costly to verify")

func (p Params) withDefaults() Params {
	if p.Memory == 0 {
		p.Memory = leastMemory
	}
	if p.Passes == 0 {
		p.Passes = leastPasses
	}
	if p.Lanes == 0 {
		p.Lanes = leastLanes
	}
	return p
}

// check reports every reason not to make new hashes with p.
func (p Params) check() error {
	var errs []error
	if p.Memory < leastMemory {
		errs = append(errs, fmt.Errorf("memory: %d KiB is below the minimum of %d", p.Memory, leastMemory))
	}
	if p.Passes < leastPasses {
		errs = append(errs, fmt.Errorf("passes: %d is below the minimum of %d", p.Passes, leastPasses))
	}
	if p.tooCostly() {
		errs = append(errs, fmt.Errorf("cost: at most %d KiB, %d passes, %d lanes, and %d KiB times passes",
			mostMemory, mostPasses, mostLanes, mostWork))
	}
	return errors.Join(errs...)
}

func (p Params) tooCostly() bool {
	return p.Memory > mostMemory || p.Passes > mostPasses || p.Lanes > mostLanes ||
		uint64(p.Memory)*uint64(p.Passes) > mostWork
}

// argon2idHash is a stored Argon2id hash, within the limits above.
type argon2idHash struct {
	params    Params
	salt, key []byte
}

const argon2idPrefix = "$argon2id$"

func newArgon2id(p Params, salt []byte, pw string) argon2idHash {
	h := argon2idHash{params: p, salt: salt}
	h.key = h.derive(pw, keyBytes)
	return h
}

func (h argon2idHash) derive(pw string, n int) []byte {
	return argon2.IDKey([]byte(pw), h.salt, h.params.Passes, h.params.Memory, h.params.Lanes, uint32(n))
}

// matches implements stored. A hash in this form may be our own or have been
// imported, so a password whose stable form is another text is tried both ways.
func (h argon2idHash) matches(typed, stable string) bool {
	ok := subtle.ConstantTimeCompare(h.derive(stable, len(h.key)), h.key)
	if typed != stable {
		ok |= subtle.ConstantTimeCompare(h.derive(typed, len(h.key)), h.key)
	}
	return ok == 1
}

// current implements stored. A costlier hash is not current either: while it
// stands, its user is told from an unknown one by the time an answer takes.
func (h argon2idHash) current(p Params) bool {
	return h.params == p && len(h.salt) == saltBytes && len(h.key) == keyBytes
}

// places implements stored: one for each time the memory of a new hash fits,
// one for each lane, so that the gate bounds both memory and cores.
func (h argon2idHash) places(p Params) int {
	return max(int((h.params.Memory+p.Memory-1)/p.Memory), int(h.params.Lanes))
}

// encode returns the PHC string.
func (h argon2idHash) encode() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("%sv=%d$m=%d,t=%d,p=%d$%s$%s", argon2idPrefix, argon2.Version,
		h.params.Memory, h.params.Passes, h.params.Lanes, b64.EncodeToString(h.salt), b64.EncodeToString(h.key))
}

// parseArgon2id reads a PHC string that begins with argon2idPrefix. It is
// strict: parameters in their order, decimal without leading zeros, version 19,
// no key id and no associated data, base64 without padding.
func parseArgon2id(s string) (argon2idHash, error) {
	version, rest, ok1 := strings.Cut(strings.TrimPrefix(s, argon2idPrefix), "$")
	costs, rest, ok2 := strings.Cut(rest, "$")
	salt, key, ok3 := strings.Cut(rest, "$")
	if !ok1 || !ok2 || !ok3 || version != "v="+strconv.Itoa(argon2.Version) {
		return argon2idHash{}, ErrMalformed
	}
	var h argon2idHash
	var err error
	if h.params, err = parseParams(costs); err != nil {
		return argon2idHash{}, err
	}
	if h.salt, ok1 = decodeB64(salt, 8, 64); !ok1 {
		return argon2idHash{}, ErrMalformed
	}
	// A short key would be matched by chance: below 16 bytes it proves nothing.
	if h.key, ok2 = decodeB64(key, 16, 64); !ok2 {
		return argon2idHash{}, ErrMalformed
	}
	return h, nil
}

// parseParams reads "m=…,t=…,p=…".
func parseParams(s string) (Params, error) {
	m, rest, ok1 := strings.Cut(s, ",")
	t, p, ok2 := strings.Cut(rest, ",")
	memory, ok3 := parseCost(m, "m=")
	passes, ok4 := parseCost(t, "t=")
	lanes, ok5 := parseCost(p, "p=")
	// RFC 9106 §3.1: at least eight KiB for each lane.
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || uint64(memory) < 8*uint64(lanes) {
		return Params{}, ErrMalformed
	}
	if lanes > mostLanes { // before it is cut to a byte
		return Params{}, ErrTooCostly
	}
	params := Params{Memory: memory, Passes: passes, Lanes: uint8(lanes)}
	if params.tooCostly() {
		return Params{}, ErrTooCostly
	}
	return params, nil
}

// parseCost reads a positive decimal number behind name.
func parseCost(s, name string) (uint32, bool) {
	digits, ok := strings.CutPrefix(s, name)
	if !ok || digits == "" || digits[0] < '1' || digits[0] > '9' { // no sign, no leading zero
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), err == nil
}

func decodeB64(s string, least, most int) ([]byte, bool) {
	if strings.ContainsAny(s, "\r\n") { // which the decoder would skip
		return nil, false
	}
	b, err := base64.RawStdEncoding.Strict().DecodeString(s)
	return b, err == nil && len(b) >= least && len(b) <= most
}
