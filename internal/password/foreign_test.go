package password_test

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/password"
)

// foreignHashes are made by the programs named in it, with
// scripts/foreign-hashes.
//
//go:embed testdata/foreign.jsonl
var foreignHashes []byte

type foreignHash struct{ Scheme, Of, Password, Hash string }

func readForeign(t testing.TB) (list []foreignHash) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(foreignHashes))
	for d.More() {
		var h foreignHash
		if err := d.Decode(&h); err != nil {
			t.Fatal(err)
		}
		list = append(list, h)
	}
	if len(list) < 100 {
		t.Fatalf("only %d hashes", len(list))
	}
	return list
}

// proves: ASVS 11.4.2
func TestVerify_foreignHashesOpenToTheirPasswordAndAreReplaced(t *testing.T) {
	h := newHasher(t, password.Options{})
	for _, f := range readForeign(t) {
		name := f.Scheme + " of " + f.Of
		got, err := h.Verify(t.Context(), f.Hash, f.Password)
		if err != nil || !got.OK {
			t.Errorf("%s: %q does not open %s: %v", name, f.Password, f.Hash, err)
			continue
		}
		if own := strings.HasPrefix(f.Hash, "$argon2id$"); !got.NeedsRehash {
			t.Errorf("%s stands (in our own form: %v), want it replaced", name, own)
		}
	}
}

func TestVerify_foreignHashesRefuseEveryOtherPassword(t *testing.T) {
	h := newHasher(t, password.Options{})
	for _, f := range readForeign(t) {
		cut := f.Password[:len(f.Password)-1] // of ASCII in every sample
		for _, wrong := range []string{cut, "X" + f.Password} {
			if strings.Contains(f.Scheme, "bcrypt 2") && len(f.Password) > 72 && strings.HasPrefix(wrong, f.Password[:72]) {
				continue // bcrypt looks at 72 bytes
			}
			got, err := h.Verify(t.Context(), f.Hash, wrong)
			if err != nil || got.OK || got.NeedsRehash {
				t.Errorf("%s of %s: %q gives %+v, %v", f.Scheme, f.Of, wrong, got, err)
			}
		}
	}
}

// An import must not decide how much memory and time we spend.
func TestReadable_refusesForeignHashesThatCostTooMuch(t *testing.T) {
	const salt, key = "c2FsdHNhbHRzYWx0", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	bcryptTail := "$" + strings.Repeat("a", 53)
	for name, encoded := range map[string]string{
		"bcrypt 2^15":             "$2b$15" + bcryptTail,
		"bcrypt 2^31":             "$2y$31" + bcryptTail,
		"Django bcrypt 2^20":      "bcrypt_sha256$$2b$20" + bcryptTail,
		"WordPress bcrypt 2^20":   "$wp$2y$20" + bcryptTail,
		"passlib bcrypt 2^20":     "$bcrypt-sha256$v=2,t=2b,r=20$" + strings.Repeat("a", 22) + "$" + strings.Repeat("a", 31),
		"scrypt 256 MiB":          "$scrypt$ln=18,r=8,p=1$" + salt + "$" + key,
		"scrypt N=2^31":           "$scrypt$ln=31,r=8,p=1$" + salt + "$" + key,
		"scrypt r=2^30":           "$scrypt$ln=1,r=1073741824,p=1$" + salt + "$" + key,
		"scrypt p=2^30":           "$scrypt$ln=10,r=8,p=1073741824$" + salt + "$" + key,
		"scrypt work":             "$scrypt$ln=17,r=8,p=4$" + salt + "$" + key,
		"Werkzeug scrypt":         "scrypt:1073741824:8:1$salt$" + strings.Repeat("ab", 64),
		"Django scrypt":           "scrypt$16777216$salt$8$1$" + key + "=",
		"Firebase":                "$fbscrypt$v=1,n=24,r=8,p=1,ss=Bw==,sk=" + key + "=$" + salt + "$" + key + "=",
		"PBKDF2 10^7":             "pbkdf2_sha256$10000000$salt$" + key + "=",
		"passlib PBKDF2 10^9":     "$pbkdf2-sha512$1000000000$" + salt + "$" + key,
		"Werkzeug PBKDF2":         "pbkdf2:sha1:900000000$salt$" + strings.Repeat("ab", 20),
		"argon2i 256 MiB":         "$argon2i$v=19$m=262144,t=2,p=1$" + salt + "$" + key,
		"Django argon2id":         "argon2$argon2id$v=19$m=65536,t=99,p=1$" + salt + "$" + key,
		"ASP.NET with 2^29 of it": "AQAAAAEgAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
	} {
		if err := password.Readable(encoded); !errors.Is(err, password.ErrTooCostly) {
			t.Errorf("%s: %v, want too costly", name, err)
		}
	}
}

func TestReadable_refusesForeignHashesThatAreMalformed(t *testing.T) {
	for _, f := range readForeign(t) {
		for name, damaged := range map[string]string{
			"cut": f.Hash[:len(f.Hash)-8], "longer": f.Hash + "AAAA====", "newline": f.Hash[:len(f.Hash)-4] + "\n" + f.Hash[len(f.Hash)-4:],
			"blank": f.Hash + " ", "without a salt": withoutSalt(f.Hash),
		} {
			if damaged == f.Hash {
				continue
			}
			if err := password.Readable(damaged); err == nil && name != "cut" {
				t.Errorf("%s of %s, %s, is read: %q", f.Scheme, f.Of, name, damaged)
			}
		}
	}
	for _, s := range []string{
		"", "plain text", "5f4dcc3b5aa765d61d8327deb882cf99", "$1$salt$qJH7.N4xYta3aEG/dfqo/0", "$5$rounds=5000$x$y", "$2x$10$" + strings.Repeat("a", 53),
		"$2b$3$" + strings.Repeat("a", 53), "$2b$00$" + strings.Repeat("a", 53), "$scrypt$ln=0,r=8,p=1$c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"scrypt:1000:8:1$salt$" + strings.Repeat("ab", 32), "pbkdf2:md5:1000$salt$" + strings.Repeat("ab", 16), "pbkdf2_sha256$-1$salt$AAAA", "pbkdf2_sha256$01000$salt$AAAA",
		"AQAAAAMAACcQAAAAEAAA", strings.Repeat("z", 32) + ":" + strings.Repeat("z", 128), "argon2$argon2d$v=19$m=1024,t=2,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
	} {
		if err := password.Readable(s); err == nil {
			t.Errorf("%q is read", s)
		}
	}
}

// withoutSalt empties the field before the last "$" or ":".
func withoutSalt(s string) string {
	end := strings.LastIndexAny(s, "$:")
	if end < 0 {
		return s
	}
	begin := strings.LastIndexAny(s[:end], "$:")
	if begin < 0 {
		return s
	}
	return s[:begin+1] + s[end:]
}

func FuzzForeign(f *testing.F) {
	for _, h := range readForeign(f) {
		f.Add(h.Hash)
	}
	f.Fuzz(func(t *testing.T, encoded string) {
		err := password.Readable(encoded)
		if err != nil && strings.Contains(err.Error(), encoded) && len(encoded) > 8 {
			t.Errorf("the error shows the stored text: %v", err)
		}
	})
}
