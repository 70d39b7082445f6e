package password_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/password"
)

const (
	firstPepper  auth.Secret = "Yw2mQ0cB7sVx4pHk9eRt1uJz6nLf8aDg"
	secondPepper auth.Secret = "q3Nf7Zk1Xr9Wb5Tj2Gc8Ly4Ph6Ms0DvE"
)

func peppered(t testing.TB, peppers ...auth.Secret) *password.Hasher {
	t.Helper()
	return newHasher(t, password.Options{Peppers: peppers})
}

// inner is a peppered hash as it would be without the name of its pepper.
func inner(t testing.TB, encoded string) string {
	t.Helper()
	at := strings.Index(encoded, "$argon2id$")
	if at <= 0 {
		t.Fatalf("%q names no pepper", encoded)
	}
	return encoded[at:]
}

// proves: NIST-7, CS-29
func TestPepper_isNeededBesideTheStoredHash(t *testing.T) {
	const pw = "correct horse battery"
	with, without := peppered(t, firstPepper), newHasher(t, password.Options{})
	encoded := mustHash(t, with, pw)

	if got, err := with.Verify(t.Context(), encoded, pw); err != nil || !got.OK || got.NeedsRehash {
		t.Errorf("with the pepper: %+v, %v", got, err)
	}
	if got, err := with.Verify(t.Context(), encoded, pw+"!"); err != nil || got.OK {
		t.Errorf("with the pepper and another password: %+v, %v", got, err)
	}
	for name, h := range map[string]*password.Hasher{"none": without, "another": peppered(t, secondPepper)} {
		if got, err := h.Verify(t.Context(), encoded, pw); got.OK || !errors.Is(err, password.ErrPepperMissing) ||
			!strings.Contains(err.Error(), password.PepperID(firstPepper)) {
			t.Errorf("pepper %s: %+v, %v; want ErrPepperMissing with its ID", name, got, err)
		}
		// Whoever has the table takes the name away, and puts the name of a pepper
		// of their own there.
		if got, err := h.Verify(t.Context(), inner(t, encoded), pw); err != nil || got.OK {
			t.Errorf("pepper %s, name taken away: %+v, %v", name, got, err)
		}
	}
	renamed := strings.Replace(encoded, password.PepperID(firstPepper), password.PepperID(secondPepper), 1)
	if got, err := peppered(t, secondPepper).Verify(t.Context(), renamed, pw); err != nil || got.OK {
		t.Errorf("name of another pepper: %+v, %v", got, err)
	}
	if strings.Contains(encoded, firstPepper.Reveal()) {
		t.Error("the stored hash shows the pepper")
	}
}

func TestPepper_isTurnedOnRotatedAndTurnedOffWithoutLockingAnybodyOut(t *testing.T) {
	const pw = "correct horse battery"
	encoded := mustHash(t, newHasher(t, password.Options{}), pw)
	for _, step := range []struct {
		name    string
		options password.Options
		want    string // the ID in new hashes
	}{
		{"on", password.Options{Peppers: []auth.Secret{firstPepper}}, password.PepperID(firstPepper)},
		{"rotated", password.Options{Peppers: []auth.Secret{secondPepper, firstPepper}}, password.PepperID(secondPepper)},
		{"the old one removed", password.Options{Peppers: []auth.Secret{secondPepper}}, password.PepperID(secondPepper)},
		{"turned off", password.Options{Peppers: []auth.Secret{secondPepper}, SkipPepper: true}, ""},
		{"removed", password.Options{}, ""},
	} {
		h := newHasher(t, step.options)
		got, err := h.Verify(t.Context(), encoded, pw)
		if err != nil || !got.OK {
			t.Fatalf("%s: %+v, %v", step.name, got, err)
		}
		next := mustHash(t, h, pw)
		if id := strings.HasPrefix(next, "$hmac-sha256$keyid="+step.want+"$"); id != (step.want != "") {
			t.Errorf("%s: new hashes are %q", step.name, next)
		}
		if again, err := h.Verify(t.Context(), next, pw); err != nil || !again.OK || again.NeedsRehash {
			t.Errorf("%s: its own hash: %+v, %v", step.name, again, err)
		}
		if form := strings.HasPrefix(encoded, "$hmac-sha256$keyid="+step.want+"$") || step.want == "" && strings.HasPrefix(encoded, "$argon2id$"); got.NeedsRehash == form {
			t.Errorf("%s: NeedsRehash = %v of %q", step.name, got.NeedsRehash, encoded)
		}
		if got.NeedsRehash {
			encoded = next
		}
	}
}

// proves: CS-29
func TestPepper_countsEveryByteOfThePassword(t *testing.T) {
	for _, h := range []*password.Hasher{newHasher(t, password.Options{}), peppered(t, firstPepper)} {
		for _, pair := range [][2]string{
			{strings.Repeat("k", 72) + "eight to", strings.Repeat("k", 72) + "eight so"},
			{"before\x00after, all of it", "before\x00other, all of it"},
			{"with an end\x00", "with an end"},
			{"\x00with a beginning", "with a beginning"},
		} {
			encoded := mustHash(t, h, pair[0])
			if got, err := h.Verify(t.Context(), encoded, pair[0]); err != nil || !got.OK {
				t.Errorf("%q: %+v, %v", pair[0], got, err)
			}
			if got, err := h.Verify(t.Context(), encoded, pair[1]); err != nil || got.OK {
				t.Errorf("%q opens the hash of %q: %+v, %v", pair[1], pair[0], got, err)
			}
		}
	}
}

func TestPepper_isMixedWithTheStableForm(t *testing.T) {
	h := peppered(t, firstPepper)
	if got, err := h.Verify(t.Context(), mustHash(t, h, "caf\u00e9 au lait, encore"), "cafe\u0301 au lait, encore"); err != nil || !got.OK {
		t.Errorf("another spelling of the same text: %+v, %v", got, err)
	}
}

// Our own hashes are peppered; those of other programs are verified as they
// are, and replaced by one that is.
func TestPepper_leavesForeignHashesAsTheyAre(t *testing.T) {
	h := peppered(t, firstPepper)
	seen := map[string]bool{}
	for _, f := range readForeign(t) {
		if seen[f.Scheme] {
			continue // one of each
		}
		seen[f.Scheme] = true
		if got, err := h.Verify(t.Context(), f.Hash, f.Password); err != nil || !got.OK || !got.NeedsRehash {
			t.Errorf("%s of %s: %+v, %v", f.Scheme, f.Of, got, err)
		}
	}
}

func TestMissing_namesThePepperAndComputesNothing(t *testing.T) {
	gate := password.NewGate(1, 0)
	h := newHasher(t, password.Options{Gate: gate, Peppers: []auth.Secret{secondPepper}})
	for encoded, missing := range map[string]bool{
		mustHash(t, peppered(t, firstPepper), "correct horse battery"):  true,
		mustHash(t, peppered(t, secondPepper), "correct horse battery"): false,
		mustHash(t, newHasher(t, password.Options{}), "correct horse"):  false,
		"":                                   false,
		"$hmac-sha256$keyid=":                false,
		"$hmac-sha256$keyid=0123456789ab$x$": false,
	} {
		switch err := h.Missing(encoded); {
		case missing != errors.Is(err, password.ErrPepperMissing), !missing && err != nil:
			t.Errorf("Missing(%q) = %v", encoded, err)
		case missing && !strings.Contains(err.Error(), password.PepperID(firstPepper)):
			t.Errorf("Missing(%q) = %v, which names no ID", encoded, err)
		}
	}
}

func TestPepper_isNotReadFromAMalformedName(t *testing.T) {
	h := peppered(t, firstPepper)
	good := mustHash(t, h, "correct horse battery")
	id := password.PepperID(firstPepper)
	for name, encoded := range map[string]string{
		"upper case":          strings.Replace(good, id, strings.ToUpper(id), 1),
		"short ID":            strings.Replace(good, id, id[:10], 1),
		"long ID":             strings.Replace(good, id, id+"00", 1),
		"no ID":               strings.Replace(good, id, "", 1),
		"not hexadecimal":     strings.Replace(good, id, "keyidkeyidke", 1),
		"another scheme":      strings.Replace(good, "argon2id", "argon2i", 1),
		"a pepper on another": "$hmac-sha256$keyid=" + id + good,
		"something behind":    good + "$x",
	} {
		if encoded == good {
			t.Fatalf("%s: nothing was changed", name)
		}
		if got, err := h.Verify(t.Context(), encoded, "correct horse battery"); got.OK || !errors.Is(err, password.ErrMalformed) {
			t.Errorf("%s: Verify(%q) = %+v, %v", name, encoded, got, err)
		}
		if password.Readable(encoded) == nil {
			t.Errorf("%s: readable", name)
		}
	}
	if err := password.Readable(good); err != nil {
		t.Errorf("Readable(%q) = %v", good, err)
	}
}

func TestNew_refusesAShortPepper(t *testing.T) {
	if _, err := password.New(password.Options{Peppers: []auth.Secret{firstPepper[:31]}}); err == nil || strings.Contains(err.Error(), firstPepper[:31].Reveal()) {
		t.Errorf("New = %v, want a refusal that does not show it", err)
	}
	if got := password.PepperID(firstPepper[:31]); got != "" {
		t.Errorf("its ID is %q", got)
	}
}

// The memory that is worked on says how many times argon2id ran, and that is the
// same for everybody, also for a text whose stable form is another one.
//
// proves: CS-4
func TestVerifyNothing_goesThroughThePepper(t *testing.T) {
	off := newHasher(t, password.Options{})
	for name, h := range map[string]*password.Hasher{
		"none": off, "on": peppered(t, firstPepper),
		"off again": newHasher(t, password.Options{Peppers: []auth.Secret{firstPepper}, SkipPepper: true}),
	} {
		own, older := mustHash(t, h, "correct horse battery"), mustHash(t, off, "correct horse battery")
		for typed, want := range map[string]uint64{"wrong horse battery": 1, "wrong horse\u0065\u0301 battery": 2} {
			for who, call := range map[string]func(){
				"nobody":              func() { _ = h.VerifyNothing(t.Context(), typed) },
				"a hash of now":       func() { _, _ = h.Verify(t.Context(), own, typed) },
				"a hash from before":  func() { _, _ = h.Verify(t.Context(), older, typed) },
				"what cannot be read": func() { _, _ = h.Verify(t.Context(), "$unknown$", typed) },
			} {
				if got := hashes(call); got != want {
					t.Errorf("pepper %s, %q, %s: %d hashes, want %d", name, typed, who, got, want)
				}
			}
		}
	}
}

// hashes is how many times 19 MiB were asked for.
func hashes(call func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	call()
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / (19 << 20)
}
