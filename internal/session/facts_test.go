package session_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/session"
)

func someFacts(t testing.TB) session.Facts {
	t.Helper()
	user, err := auth.NewUserID(roomtest.Start).UUID()
	if err != nil {
		t.Fatal(err)
	}
	id, err := auth.NewSessionID(roomtest.Start).UUID()
	if err != nil {
		t.Fatal(err)
	}
	return session.Facts{
		User: user, Session: id, Epoch: 3, Version: 1 << 40, Start: 1773063479, AbsoluteEnd: 1773668279, IdleEnd: 1773149879,
		Roles: []string{"admin", "user"},
	}
}

func TestFacts_comeBackAsTheyWentIn(t *testing.T) {
	want := someFacts(t)
	for name, roles := range map[string][]string{"two roles": {"admin", "user"}, "none": nil, "32 of 64": manyRoles()} {
		want.Roles = roles
		got, err := session.OpenFacts([]byte(session.SealFacts("/api/auth", want, "secret")), "/api/auth", "secret")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// manyRoles are as many and as long as auth.CleanRoles lets pass.
func manyRoles() []string {
	roles := make([]string, 32)
	for i := range roles {
		roles[i] = string(rune('a'+i%26)) + strings.Repeat("x", 62) + string(rune('a'+i/26))
	}
	return roles
}

// proves: ASVS 9.1.1, ASVS 11.2.4
func TestFacts_noByteCanBeChanged(t *testing.T) {
	text := session.SealFacts("/api/auth", someFacts(t), "secret")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		for _, bit := range []byte{0x01, 0x80} {
			changed := bytes.Clone(raw)
			changed[i] ^= bit
			if got, err := session.OpenFacts([]byte(base64.RawURLEncoding.EncodeToString(changed)), "/api/auth", "secret"); err == nil {
				t.Fatalf("byte %d changed, and it opens: %+v", i, got)
			}
		}
	}
	for n := range len(text) {
		if _, err := session.OpenFacts([]byte(text[:n]), "/api/auth", "secret"); err == nil {
			t.Fatalf("cut to %d of %d characters it opens", n, len(text))
		}
	}
}

func TestFacts_haveOneSpelling(t *testing.T) {
	text := session.SealFacts("/api/auth", someFacts(t), "secret")
	for name, other := range map[string]string{
		"padding": text + "=", "blank": " " + text, "something behind": text + "AAAA", "doubled": text + text,
		"standard alphabet": strings.NewReplacer("-", "+", "_", "/").Replace(text) + "+", "empty": "", "megabyte": strings.Repeat("A", 1<<20),
	} {
		if _, err := session.OpenFacts([]byte(other), "/api/auth", "secret"); err == nil {
			t.Errorf("%s: it opens", name)
		}
	}
}

// proves: CS-40
func TestFacts_belongToOneMountAndOneKey(t *testing.T) {
	text := []byte(session.SealFacts("/api/auth", someFacts(t), "secret"))
	for _, mount := range []string{"/other/auth", "/api/aut", "/api/auth/", "", "/api/auth\x00"} {
		if _, err := session.OpenFacts(text, mount, "secret"); err == nil {
			t.Errorf("facts of /api/auth open at %q", mount)
		}
	}
	for _, secret := range []auth.Secret{"Secret", "secret ", "other"} {
		if _, err := session.OpenFacts(text, "/api/auth", secret); err == nil {
			t.Errorf("they open under %q", secret.Reveal())
		}
	}
	if _, err := session.OpenFacts(text, "/api/auth", "newer", "secret"); err != nil {
		t.Errorf("the second secret does not open them (R20): %v", err)
	}
}

// proves: ASVS 1.4.2, ASVS 1.5.2
func FuzzFacts(f *testing.F) {
	for _, roles := range [][]string{nil, {"admin", "user"}} {
		seed := session.Facts{User: [16]byte{1}, Session: [16]byte{2}, Epoch: 1, Version: 2, Start: 3, AbsoluteEnd: 4, IdleEnd: 5, Roles: roles}
		raw, err := base64.RawURLEncoding.DecodeString(session.SealFacts("/a", seed, "secret"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw[:len(raw)-16])
	}
	f.Add([]byte("\x01\x02/a"))
	f.Add(append([]byte("\x01\x02/a"), bytes.Repeat([]byte{0xff}, 60)...))
	f.Add(append([]byte("\x01\x02/a"), bytes.Repeat([]byte{0x80}, 4000)...))
	f.Fuzz(func(t *testing.T, body []byte) {
		// Nobody can write such a claim; and without the MAC it never opens.
		if _, err := session.OpenFacts(body, "/a", "secret"); err == nil {
			t.Fatalf("%q opens", body)
		}
		got, err := session.ParseFacts(body, "/a")
		if err != nil {
			return
		}
		if len(got.Roles) > 32 {
			t.Fatalf("%d roles", len(got.Roles))
		}
		// What was read is what would be written again.
		again, err := session.OpenFacts([]byte(session.SealFacts("/a", got, "secret")), "/a", "secret")
		if diff := cmp.Diff(got, again); err != nil || diff != "" {
			t.Fatalf("%v (-read +again):\n%s", err, diff)
		}
	})
}
