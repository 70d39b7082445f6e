package password_test

import (
	"context"
	"encoding/base64"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/password"
)

func newHasher(t testing.TB, o password.Options) *password.Hasher {
	t.Helper()
	h, err := password.New(o)
	if err != nil {
		t.Fatalf("New(%+v): %v", o, err)
	}
	return h
}

func mustHash(t testing.TB, h *password.Hasher, pw string) string {
	t.Helper()
	encoded, err := h.Hash(t.Context(), pw)
	if err != nil {
		t.Fatalf("Hash(%q): %v", pw, err)
	}
	return encoded
}

// proves: ASVS 11.4.2
func TestHash_isArgon2idAtTheMinimumCostOrMore(t *testing.T) {
	h := newHasher(t, password.Options{})
	first, second := mustHash(t, h, "correct horse battery"), mustHash(t, h, "correct horse battery")
	if first == second {
		t.Error("two hashes of one password are equal: the salt is not fresh")
	}
	const want = "$argon2id$v=19$m=19456,t=2,p=1$"
	rest, ok := strings.CutPrefix(first, want)
	if !ok {
		t.Fatalf("stored form %q, want prefix %q", first, want)
	}
	for i, part := range strings.Split(rest, "$") {
		b, err := base64.RawStdEncoding.DecodeString(part)
		if want := []int{16, 32}[i]; err != nil || len(b) != want {
			t.Errorf("part %d has %d bytes, %v; want %d", i, len(b), err, want)
		}
	}
}

// proves: ASVS 11.4.2
func TestNew_refusesParametersOutsideTheLimits(t *testing.T) {
	for _, tt := range []struct {
		name   string
		params password.Params
		want   string // part of the error; empty means accepted
	}{
		{"default", password.Params{}, ""},
		{"less memory", password.Params{Memory: 19455}, "memory"},
		{"one pass", password.Params{Passes: 1}, "passes"},
		{"one pass even with more memory", password.Params{Memory: 47104, Passes: 1}, "passes"},
		{"more of both", password.Params{Memory: 65536, Passes: 3, Lanes: 2}, ""},
		{"more memory than is ever verified", password.Params{Memory: 1 << 20}, "cost"},
		{"more work than is ever verified", password.Params{Memory: 128 * 1024, Passes: 5}, "cost"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := password.New(password.Options{Params: tt.params})
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("New(%+v) = %v, want it accepted", tt.params, err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("New(%+v) = %v, want an error naming %s", tt.params, err, tt.want)
			}
		})
	}
}

// proves: ASVS 6.2.8
func TestVerify_takesThePasswordExactlyAsTyped(t *testing.T) {
	h := newHasher(t, password.Options{})
	long := strings.Repeat("0123456789abcdef", 8) // 128, beyond bcrypt's 72 bytes
	for _, tt := range []struct{ name, set, tried string }{
		{"other case", "Correct Horse Battery", "correct Horse Battery"},
		{"trailing space", "correct horse battery", "correct horse battery "},
		{"leading space left out", " correct horse battery", "correct horse battery"},
		{"73rd byte", long, long[:72] + "X" + long[73:]},
		{"last byte", long, long[:127] + "X"},
		{"cut", long, long[:127]},
		{"nothing", long, ""},
		{"after a null byte", "correct\x00horse battery", "correct\x00house battery"},
		{"compatibility form", "squared² and cubed³", "squared2 and cubed3"},
		{"full width", "ｐassword passphrase", "password passphrase"},
		{"other kind of space", "correct\u00a0horse battery", "correct horse battery"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			encoded := mustHash(t, h, tt.set)
			if got, err := h.Verify(t.Context(), encoded, tt.set); err != nil || !got.OK {
				t.Fatalf("Verify of the password that was set = %+v, %v", got, err)
			}
			if got, err := h.Verify(t.Context(), encoded, tt.tried); err != nil || got.OK {
				t.Errorf("Verify(%q) for a hash of %q = %+v, %v; want no match", tt.tried, tt.set, got, err)
			}
		})
	}
}

// proves: NIST-3
func TestVerify_acceptsEverySpellingOfTheSameText(t *testing.T) {
	h := newHasher(t, password.Options{})
	for _, tt := range []struct{ name, set, tried string }{
		{"composed, then decomposed", "caf\u00e9 cr\u00e8me br\u00fbl\u00e9e", "cafe\u0301 cre\u0300me bru\u0302le\u0301e"},
		{"decomposed, then composed", "A\u030angstro\u0308m units", "\u00c5ngstr\u00f6m units"},
		{"the sign and the letter", "\u212bngstr\u00f6m units", "\u00c5ngstr\u00f6m units"},
		{"Hangul in parts", "\u1112\u1161\u11ab\u1100\u116e\u11a8 password", "\ud55c\uad6d password"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := h.Verify(t.Context(), mustHash(t, h, tt.set), tt.tried); err != nil || !got.OK {
				t.Errorf("Verify(%+q) for a hash of %+q = %+v, %v; want a match", tt.tried, tt.set, got, err)
			}
		})
	}
}

// The vector is the reference implementation's for this password and salt.
func TestVerify_readsHashesOfOtherImplementations(t *testing.T) {
	h := newHasher(t, password.Options{})
	const encoded = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	got, err := h.Verify(t.Context(), encoded, "password")
	if want := (password.Match{OK: true, NeedsRehash: true}); err != nil || got != want {
		t.Errorf("Verify = %+v, %v; want %+v", got, err, want)
	}
	got, err = h.Verify(t.Context(), encoded, "passwore")
	if err != nil || got != (password.Match{}) {
		t.Errorf("Verify of a wrong password = %+v, %v; want no match and no rehash", got, err)
	}
}

func TestVerify_asksForANewHashOnceTheCostIsRaised(t *testing.T) {
	before := newHasher(t, password.Options{})
	after := newHasher(t, password.Options{Params: password.Params{Passes: 3}})
	const pw = "correct horse battery"
	encoded := mustHash(t, before, pw)
	for _, tt := range []struct {
		name    string
		h       *password.Hasher
		encoded string
		want    password.Match
	}{
		{"same cost", before, encoded, password.Match{OK: true}},
		{"raised cost", after, encoded, password.Match{OK: true, NeedsRehash: true}},
		{"hashed again", after, mustHash(t, after, pw), password.Match{OK: true}},
		{"lowered cost", before, mustHash(t, after, pw), password.Match{OK: true, NeedsRehash: true}},
	} {
		if got, err := tt.h.Verify(t.Context(), tt.encoded, pw); err != nil || got != tt.want {
			t.Errorf("%s: Verify = %+v, %v; want %+v", tt.name, got, err, tt.want)
		}
	}
}

const (
	salt16 = "c29tZXNhbHRzb21lc2FsdA"
	key32  = "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
)

func TestVerify_refusesStoredStringsItCannotTrust(t *testing.T) {
	h := newHasher(t, password.Options{})
	for _, tt := range []struct {
		name, encoded string
		want          error
	}{
		{"empty", "", password.ErrUnknownScheme},
		{"clear text", "hunter2", password.ErrUnknownScheme},
		{"argon2d", "$argon2d$v=19$m=19456,t=2,p=1$" + salt16 + "$" + key32, password.ErrUnknownScheme},
		{"sha512-crypt", "$6$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", password.ErrUnknownScheme},
		{"prefix alone", "$argon2id$", password.ErrMalformed},
		{"old version", "$argon2id$v=16$m=19456,t=2,p=1$" + salt16 + "$" + key32, password.ErrMalformed},
		{"no version", "$argon2id$m=19456,t=2,p=1$" + salt16 + "$" + key32, password.ErrMalformed},
		{"other order", "$argon2id$v=19$t=2,m=19456,p=1$" + salt16 + "$" + key32, password.ErrMalformed},
		{"key id", "$argon2id$v=19$m=19456,t=2,p=1,keyid=AAAA$" + salt16 + "$" + key32, password.ErrMalformed},
		{"leading zero", "$argon2id$v=19$m=019456,t=2,p=1$" + salt16 + "$" + key32, password.ErrMalformed},
		{"sign", "$argon2id$v=19$m=+19456,t=2,p=1$" + salt16 + "$" + key32, password.ErrMalformed},
		{"no passes", "$argon2id$v=19$m=19456,t=0,p=1$" + salt16 + "$" + key32, password.ErrMalformed},
		{"no lanes", "$argon2id$v=19$m=19456,t=2,p=0$" + salt16 + "$" + key32, password.ErrMalformed},
		{"less than 8 KiB a lane", "$argon2id$v=19$m=31,t=2,p=4$" + salt16 + "$" + key32, password.ErrMalformed},
		{"memory beyond 32 bits", "$argon2id$v=19$m=4294967296,t=2,p=1$" + salt16 + "$" + key32, password.ErrMalformed},
		{"short salt", "$argon2id$v=19$m=19456,t=2,p=1$AAAA$" + key32, password.ErrMalformed},
		{"empty key", "$argon2id$v=19$m=19456,t=2,p=1$" + salt16 + "$", password.ErrMalformed},
		{"short key", "$argon2id$v=19$m=19456,t=2,p=1$" + salt16 + "$AAAA", password.ErrMalformed},
		{"padding", "$argon2id$v=19$m=19456,t=2,p=1$" + salt16 + "==$" + key32, password.ErrMalformed},
		{"URL alphabet", "$argon2id$v=19$m=19456,t=2,p=1$" + salt16 + "$" + strings.Replace(key32, "F", "-", 1), password.ErrMalformed},
		{"stray bits", "$argon2id$v=19$m=19456,t=2,p=1$" + salt16 + "$" + key32[:42] + "d", password.ErrMalformed},
		{"line break", "$argon2id$v=19$m=19456,t=2,p=1$" + salt16 + "$" + key32 + "\n", password.ErrMalformed},
		{"something behind", "$argon2id$v=19$m=19456,t=2,p=1$" + salt16 + "$" + key32 + "$x", password.ErrMalformed},
		{"very long", "$argon2id$v=19$m=19456,t=2,p=1$" + salt16 + "$" + strings.Repeat("A", 1000), password.ErrMalformed},
		{"4 TiB", "$argon2id$v=19$m=4294967295,t=2,p=1$" + salt16 + "$" + key32, password.ErrTooCostly},
		{"4 billion passes", "$argon2id$v=19$m=19456,t=4294967295,p=1$" + salt16 + "$" + key32, password.ErrTooCostly},
		{"255 lanes", "$argon2id$v=19$m=19456,t=2,p=255$" + salt16 + "$" + key32, password.ErrTooCostly},
		{"257 lanes", "$argon2id$v=19$m=19456,t=2,p=257$" + salt16 + "$" + key32, password.ErrTooCostly},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := h.Verify(t.Context(), tt.encoded, "correct horse battery")
			if !errors.Is(err, tt.want) || got.OK {
				t.Errorf("Verify(%q) = %+v, %v; want %v", tt.encoded, got, err, tt.want)
			}
			if tt.encoded != "" && strings.Contains(err.Error(), tt.encoded) {
				t.Errorf("the error quotes the stored string: %v", err)
			}
		})
	}
}

// The memory a call asks for is the same on every machine; the time is checked
// beside it with room for a busy one.
//
// proves: CS-4
func TestVerifyNothing_doesTheWorkOfVerify(t *testing.T) {
	h := newHasher(t, password.Options{})
	const pw = "correct horse battery"
	encoded := mustHash(t, h, pw)
	calls := []struct {
		name string
		call func()
	}{
		{"right password", func() { h.Verify(t.Context(), encoded, pw) }},
		{"wrong password", func() { h.Verify(t.Context(), encoded, "something else") }},
		{"unreadable hash", func() { h.Verify(t.Context(), "$unknown$", pw) }},
		{"no user", func() { h.VerifyNothing(t.Context(), pw) }},
	}
	const rounds = 5
	times := make([][]time.Duration, len(calls))
	bytes := make([]uint64, len(calls))
	for range rounds {
		for i, c := range calls {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begun := time.Now()
			c.call()
			times[i] = append(times[i], time.Since(begun))
			runtime.ReadMemStats(&after)
			bytes[i] += after.TotalAlloc - before.TotalAlloc
		}
	}
	middle := func(d []time.Duration) time.Duration { slices.Sort(d); return d[len(d)/2] }
	want := middle(times[0])
	for i, c := range calls {
		if least := uint64(rounds * 19 << 20); bytes[i] < least {
			t.Errorf("%s: %d bytes were worked on in %d calls, want at least %d", c.name, bytes[i], rounds, least)
		}
		if got := middle(times[i]); got < want/3 || got > want*3 {
			t.Errorf("%s takes %v, a right password %v", c.name, got, want)
		}
	}
}

// proves: CS-2
func TestHasher_refusesAbsurdInputWithoutWork(t *testing.T) {
	h := newHasher(t, password.Options{})
	encoded := mustHash(t, h, "correct horse battery")
	for _, tt := range []struct {
		name, pw string
		want     error
	}{
		{"a megabyte", strings.Repeat("a", 1<<20), password.ErrTooLong},
		{"not UTF-8", "correct horse \xff battery", password.ErrNotUTF8},
		{"half a surrogate pair", "correct horse \xed\xa0\x80", password.ErrNotUTF8},
	} {
		calls := map[string]func() error{
			"Hash":          func() error { _, err := h.Hash(t.Context(), tt.pw); return err },
			"Verify":        func() error { _, err := h.Verify(t.Context(), encoded, tt.pw); return err },
			"VerifyNothing": func() error { return h.VerifyNothing(t.Context(), tt.pw) },
		}
		for name, call := range calls {
			var err error
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err = call()
			runtime.ReadMemStats(&after)
			// A hash allocates 19 MiB, and a copy of the input one.
			if n := after.TotalAlloc - before.TotalAlloc; n > 64<<10 {
				t.Errorf("%s of %s allocates %d bytes", name, tt.name, n)
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("%s of %s = %v, want %v", name, tt.name, err, tt.want)
			}
		}
	}
}

func TestHasher_isBusyWhenItsGateIs(t *testing.T) {
	gate := password.NewGate(1, -1)
	h := newHasher(t, password.Options{Gate: gate})
	encoded := mustHash(t, h, "correct horse battery")
	err := gate.Do(t.Context(), 1, func() {
		for name, call := range map[string]func() error{
			"Hash":          func() error { _, err := h.Hash(t.Context(), "x"); return err },
			"Verify":        func() error { _, err := h.Verify(t.Context(), encoded, "x"); return err },
			"VerifyNothing": func() error { return h.VerifyNothing(t.Context(), "x") },
		} {
			var busy *password.BusyError
			if err := call(); !errors.Is(err, password.ErrBusy) || !errors.As(err, &busy) || busy.RetryAfter <= 0 {
				t.Errorf("%s = %v, want ErrBusy with RetryAfter", name, err)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestHasher_countsACostlyHashAsSeveral(t *testing.T) {
	// 64 MiB is more than three times the 19 MiB of a new hash: it wants the
	// whole gate, so it waits while another is inside.
	const encoded = "$argon2id$v=19$m=65536,t=1,p=1$" + salt16 + "$" + key32
	synctest.Test(t, func(t *testing.T) {
		gate := password.NewGate(3, 1)
		h := newHasher(t, password.Options{Gate: gate})
		ordinary := mustHash(t, h, "y")
		err := gate.Do(t.Context(), 1, func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if _, err := h.Verify(ctx, encoded, "x"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Verify = %v beside another hash, want it to wait", err)
			}
			if _, err := h.Verify(t.Context(), ordinary, "x"); err != nil {
				t.Errorf("Verify of an ordinary hash = %v beside another hash, want it let in", err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// A hash that wants more places than the gate has would block everybody.
func TestHasher_verifiesAHashCostlierThanTheWholeGate(t *testing.T) {
	const encoded = "$argon2id$v=19$m=65536,t=1,p=1$" + salt16 + "$" + key32
	synctest.Test(t, func(t *testing.T) {
		h := newHasher(t, password.Options{Gate: password.NewGate(1, 1)})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := h.Verify(ctx, encoded, "x"); err != nil {
			t.Errorf("Verify = %v, want it let in", err)
		}
	})
}

func TestHasher_honoursAnEndedContext(t *testing.T) {
	gate := password.NewGate(1, 1)
	h := newHasher(t, password.Options{Gate: gate})
	cause := errors.New("the client went away")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := h.Hash(ctx, "correct horse battery"); !errors.Is(err, cause) {
		t.Errorf("Hash = %v, want %v", err, cause)
	}
	if taken, queued := gate.Load(); taken != 0 || queued != 0 {
		t.Errorf("gate holds %d places and %d callers, want none", taken, queued)
	}
}

func FuzzVerifyEncoded(f *testing.F) {
	for _, s := range []string{
		"$argon2id$v=19$m=19456,t=2,p=1$" + salt16 + "$" + key32,
		"$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$" + key32,
		"$argon2id$v=19$m=4294967295,t=4294967295,p=255$" + salt16 + "$" + key32,
		"$argon2id$v=19$m=8,t=1,p=1$" + salt16 + "$" + key32,
		"$hmac-sha256$keyid=0123456789ab$argon2id$v=19$m=19456,t=2,p=1$" + salt16 + "$" + key32, "$hmac-sha256$keyid=0123456789ab$argon2id$",
		"$argon2id$v=16$m=19456,t=2,p=1$$", "$argon2id$", "$2b$10$", "", "$$$$$",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, encoded string) {
		memory, passes, lanes, err := password.ParseStored(encoded)
		if err != nil {
			if !errors.Is(err, password.ErrMalformed) && !errors.Is(err, password.ErrTooCostly) && !errors.Is(err, password.ErrUnknownScheme) {
				t.Errorf("%q gives an error without a type: %v", encoded, err)
			}
			return
		}
		if memory > 128*1024 || passes < 1 || passes > 16 || lanes < 1 || lanes > 16 || memory < 8*uint32(lanes) || memory*passes > 512*1024 {
			t.Errorf("%q is accepted at m=%d t=%d p=%d", encoded, memory, passes, lanes)
		}
		if again, err := password.Reencode(encoded); err != nil || again != encoded {
			t.Errorf("%q reads as %q, %v: two strings stand for one hash", encoded, again, err)
		}
	})
}
