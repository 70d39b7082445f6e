package doctor

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/password"
)

// weakBits is what a secret must have at least by our estimate. A random one
// of the least length that is accepted, in hexadecimal digits, has 128; the
// estimate for it is seldom below 110.
const weakBits = 80

// published are secrets that stand in this project's tests and examples, as
// SHA-256, so that this list does not publish them once more.
var published = []string{
	"ea724fb583519f9a75d03d10c282d1e946429e8dbcf0d0319421f624adaecd85",
	"69d53014334308c95dd8706ea97579fc8d55044f7694e80501960fd96a3b0965",
	"f0de75e0a30495990eaa9bb24e23ba303398a439d60c7bd72846d3195c52b840",
	"f7ef76584e151e64857a81fa0d50fd47dc1a2c241afbd24e23388336954aad96",
	"1265a613ab1c35b093f045093e610091ccb9a3007a81853ba563b4e7521db330",
	"79f6d6e91d877ba15b96953c745c113c2a78422a38114b3551691eb29e72185a",
	"a79d3c68a8103435dc75d9fc0577db9d3a58a704da2d3618e17a4a9def01767f",
	"bc88df88ec0011aa256661fcedf972513ea7b166c5305c95cdaef4b20f69bb8d",
	"6f659b7e13997415a58c3ecd4396500df2d6b99cbeabdb9811fbb1f434958e8a",
}

func (j *judge) secrets() {
	check := func(list string, secrets []auth.Secret) {
		for i, s := range secrets {
			at := fmt.Sprintf("%s[%d]", list, i)
			cure := "make a new one with: gatehouse secret generate\nput it first in " + list + ", and follow \"Rotating secrets\" in docs/operating.md"
			sum := sha256.Sum256([]byte(s.Reveal()))
			switch {
			case slices.Contains(published, hex.EncodeToString(sum[:])):
				j.add("secret-published", at, "make a new one with: gatehouse secret generate\nput it in place of this one at once, without keeping the old one", "%s is a value of this project's own tests or examples", at)
			case bits(s.Reveal()) < weakBits:
				j.add("secret-weak", at, cure, "%s repeats itself or has few different characters", at)
			}
		}
	}
	check("secrets", j.Settings.Secrets)
	for i, m := range j.Settings.Mounts {
		check(fmt.Sprintf("mounts[%d].secrets", i), m.Secrets)
	}
	check("password.peppers", j.Settings.Password.Peppers)
	check("keys.master", j.Settings.Keys.Master)
}

// peppers compares the peppers that stored hashes need with those that there
// are. The first one is needed by the next hash, unless it is to be skipped.
func (j *judge) peppers() {
	p := j.Settings.Password
	have := map[string]bool{}
	for i, s := range p.Peppers {
		id := password.PepperID(s)
		have[id] = true
		if (i > 0 || p.SkipPepper) && j.Database.Peppers[id] == 0 && j.Database.Version > 0 {
			at := fmt.Sprintf("password.peppers[%d]", i)
			j.add("pepper-unused", at, "take it out of password.peppers and restart the server; keep it as long as backups from before are kept", "%s, with the ID %s, opens no stored password", at, id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(j.Database.Peppers)) {
		if !have[id] {
			j.add("pepper-missing", "password.peppers",
				"put the pepper back, behind the first of password.peppers, and restart the server\nif it is lost, set these passwords anew: gatehouse user set-password"+j.flag()+" …",
				"%s made with the pepper whose ID is %s", plural(j.Database.Peppers[id], "stored password was", "stored passwords were"), tame(id))
		}
	}
}

func plural(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

// bits estimates the randomness of s from what it shows: characters are drawn
// from the sorts that occur, and a piece of three or more that stood before
// costs only where it stood.
func bits(s string) (total float64) {
	alphabet := 0.0
	for _, sort := range []struct {
		size float64
		of   func(c byte) bool
	}{
		{10, func(c byte) bool { return c >= '0' && c <= '9' }},
		{26, func(c byte) bool { return c >= 'a' && c <= 'z' }},
		{26, func(c byte) bool { return c >= 'A' && c <= 'Z' }},
		{32, func(c byte) bool { return c < '0' || c > '9' && c < 'A' || c > 'Z' && c < 'a' || c > 'z' }},
	} {
		if slices.ContainsFunc([]byte(s), sort.of) {
			alphabet += sort.size
		}
	}
	seen := map[byte]bool{}
	for i := range len(s) {
		seen[s[i]] = true
	}
	// A text of hexadecimal digits draws from 16, not from 36.
	alphabet = min(alphabet, max(float64(len(seen)), 2))
	for i := 0; i < len(s); {
		length := 0
		for at := range i {
			n := 0
			for i+n < len(s) && s[at+n] == s[i+n] {
				n++
			}
			length = max(length, n)
		}
		if length >= 3 {
			total += math.Log2(float64(i)) + 2
			i += length
			continue
		}
		total += math.Log2(alphabet)
		i++
	}
	return total
}
