package seal_test

import (
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/vectors"
)

const ironSecret = "an iron password of more than 32 characters"

func mustIron(t testing.TB, passwords ...seal.IronPassword) *seal.Iron {
	t.Helper()
	s, err := seal.NewIron(passwords...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustSealIron(t testing.TB, s *seal.Iron, data string, expires time.Time) string {
	t.Helper()
	value, err := s.Seal([]byte(data), expires)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

type ironVector struct {
	vectors.Vector
	Inputs struct {
		Seal     string          `json:"seal"`
		Password json.RawMessage `json:"password"`
		Now      int64           `json:"now"`
	} `json:"inputs"`
	MadeFrom struct {
		EncryptionKeyHex string `json:"encryptionKeyHex"`
		IntegrityKeyHex  string `json:"integrityKeyHex"`
	} `json:"madeFrom"`
	Expect struct {
		Result string          `json:"result"`
		Why    string          `json:"why"`
		Reason string          `json:"reasonV9"`
		Data   json.RawMessage `json:"data"`
		V9     struct {
			Data json.RawMessage `json:"data"`
		} `json:"v9"`
	} `json:"expect"`
}

// passwords are those of the vector. A single text is taken, by the packages
// below iron-session, whatever ID the seal names.
func (v ironVector) passwords(t *testing.T) (list []seal.IronPassword) {
	t.Helper()
	var one string
	if json.Unmarshal(v.Inputs.Password, &one) == nil {
		id := "1"
		if v.Op == "iron.unseal" {
			if id = strings.Split(v.Inputs.Seal, "*")[1]; id == "" {
				id = "default"
			}
		}
		return []seal.IronPassword{{ID: id, Secret: one}}
	}
	var byID map[string]json.RawMessage
	if err := json.Unmarshal(v.Inputs.Password, &byID); err != nil {
		t.Fatal(err)
	}
	for id, raw := range byID {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			t.Skip("passwords of two parts are for users of the format without iron-session, and no setting of ours")
		}
		list = append(list, seal.IronPassword{ID: id, Secret: text})
	}
	return list
}

func TestIronOpen_decidesAsTheRecordedVectors(t *testing.T) {
	vectors.Each(t, "iron.json", func(t *testing.T, v ironVector) {
		if v.Op == "iron-session.setCookie" {
			t.Skip("cookies are package wire's")
		}
		data, err := mustIron(t, v.passwords(t)...).Open(v.Inputs.Seal, time.Unix(v.Inputs.Now, 0))
		wanted := v.Expect.V9.Data
		if v.Op == "iron.unseal" {
			wanted = v.Expect.Data
		}
		accept := v.Expect.Result == "accept" &&
			!strings.Contains(v.Inputs.Seal, "=") && // one seal has one spelling here
			wanted[0] == '{' // the data of a session are an object
		if !accept {
			if err == nil {
				t.Fatalf("accepted, want refused: %s", v.Expect.Why)
			}
			reason := "invalid"
			switch {
			case errors.Is(err, seal.ErrExpired):
				reason = "expired"
			case errors.Is(err, seal.ErrPassword):
				reason = "unknown-password"
			case !errors.Is(err, seal.ErrToken):
				reason = err.Error()
			}
			if v.Expect.Reason != "" && reason != v.Expect.Reason {
				t.Errorf("%s, want %s", reason, v.Expect.Reason)
			}
			return
		}
		if err != nil {
			t.Fatalf("refused (%v), want accepted: %s", err, v.Expect.Why)
		}
		var got, want any
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(wanted, &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("data (-want +got):\n%s", diff)
		}
	})
}

// The keys that the vectors recorded are those of the standard library's PBKDF2
// over the digits of the salt: what the package derives by itself.
func TestIron_derivesTheRecordedKeys(t *testing.T) {
	compared := 0
	vectors.Each(t, "iron.json", func(t *testing.T, v ironVector) {
		if v.MadeFrom.EncryptionKeyHex == "" {
			return
		}
		parts := strings.Split(v.Inputs.Seal, "*")
		for _, p := range v.passwords(t) {
			if p.ID != parts[1] {
				continue
			}
			compared++
			for salt, want := range map[string]string{parts[2]: v.MadeFrom.EncryptionKeyHex, parts[6]: v.MadeFrom.IntegrityKeyHex} {
				std, err := pbkdf2.Key(sha1.New, p.Secret, []byte(salt), 1, 32)
				if err != nil || hex.EncodeToString(std) != want {
					t.Errorf("the standard library derives %x (%v), recorded is %s", std, err, want)
				}
				if got := seal.DeriveIron(p.Secret, salt); hex.EncodeToString(got[:]) != want {
					t.Errorf("derived %x, recorded is %s", got, want)
				}
			}
		}
	})
	if compared == 0 {
		t.Error("no vector has recorded a key")
	}
}

func TestIronSeal_isOpenedUntilAMinuteAfterItsEnd(t *testing.T) {
	s := mustIron(t, seal.IronPassword{ID: "1", Secret: ironSecret})
	end := time.Unix(1767225600, 123e6)
	for name, c := range map[string]struct {
		expires, now time.Time
		want         error
	}{
		"before":                 {end, end.Add(-time.Hour), nil},
		"at the end":             {end, end, nil},
		"within the tolerance":   {end, end.Add(seal.IronTolerance - time.Millisecond), nil},
		"when that has passed":   {end, end.Add(seal.IronTolerance), seal.ErrExpired},
		"without an end, always": {time.Time{}, end.Add(1e6 * time.Hour), nil},
	} {
		value := mustSealIron(t, s, `{"a":1}`, c.expires)
		if !strings.HasSuffix(value, "~2") || !strings.HasPrefix(value, "Fe26.2*1*") {
			t.Errorf("%s: sealed %s", name, value)
		}
		data, err := s.Open(value, c.now)
		if !errors.Is(err, c.want) || err == nil && string(data) != `{"a":1}` {
			t.Errorf("%s: %s, %v; want %v", name, data, err, c.want)
		}
		data, expires, err := s.OpenScan(value, func(_, _ []byte) {})
		if err != nil || string(data) != `{"a":1}` || !c.expires.IsZero() && expires != end.UnixMilli() || c.expires.IsZero() && expires != 0 {
			t.Errorf("%s, unjudged: %s, %d, %v", name, data, expires, err)
		}
	}
}

func TestIronSeal_theFirstPasswordSealsAndEachOpensItsOwn(t *testing.T) {
	old := seal.IronPassword{ID: "1", Secret: ironSecret}
	fresh := seal.IronPassword{ID: "2", Secret: "another iron password, as long as the first"}
	known, moved, alone := mustIron(t, old, fresh), mustIron(t, fresh, old), mustIron(t, fresh)
	now := time.Unix(1767225600, 0)
	byOld, byNew := mustSealIron(t, known, `{}`, now), mustSealIron(t, moved, `{}`, now)
	for name, c := range map[string]struct {
		s     *seal.Iron
		value string
		want  error
	}{
		"old seal, new password known": {known, byOld, nil}, "new seal, new password known": {known, byNew, nil},
		"old seal, new password first": {moved, byOld, nil}, "new seal, new password first": {moved, byNew, nil},
		"old seal, old password gone": {alone, byOld, seal.ErrToken}, "new seal, old password gone": {alone, byNew, nil},
	} {
		if _, err := c.s.Open(c.value, now); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestNewIron_countsAsJavaScriptDoes(t *testing.T) {
	for name, c := range map[string]struct {
		passwords []seal.IronPassword
		ok        bool
	}{
		"none":                         {nil, false},
		"31 letters":                   {[]seal.IronPassword{{"1", strings.Repeat("x", 31)}}, false},
		"32 letters":                   {[]seal.IronPassword{{"1", strings.Repeat("x", 32)}}, true},
		"16 letters outside the BMP":   {[]seal.IronPassword{{"1", strings.Repeat("🔑", 16)}}, true},
		"31 letters of two bytes":      {[]seal.IronPassword{{"1", strings.Repeat("ä", 31)}}, false},
		"a word for an ID":             {[]seal.IronPassword{{"key_2026", ironSecret}}, true},
		"no ID":                        {[]seal.IronPassword{{"", ironSecret}}, false},
		"a star in the ID":             {[]seal.IronPassword{{"1*2", ironSecret}}, false},
		"the same ID twice":            {[]seal.IronPassword{{"1", ironSecret}, {"1", ironSecret + "x"}}, false},
		"more passwords than are read": {make([]seal.IronPassword, seal.MaxSecrets+1), false},
	} {
		if _, err := seal.NewIron(c.passwords...); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever single character of a seal is another one, it does not open.
//
// proves: ASVS 11.3.3
func TestIronOpen_refusesEveryAlteredCharacter(t *testing.T) {
	s := mustIron(t, seal.IronPassword{ID: "1", Secret: ironSecret})
	now := time.Unix(1767225600, 0)
	value := mustSealIron(t, s, `{"user":{"id":30}}`, now.Add(time.Hour))
	body, mark, _ := strings.Cut(value, "~")
	for i := range len(body) {
		for _, c := range []byte{body[i] ^ 1, 'A', '0', '*', '=', ' ', '~', 0} {
			altered := []byte(value)
			if altered[i] = c; c == body[i] {
				continue
			}
			if data, err := s.Open(string(altered), now); err == nil {
				t.Errorf("character %d made %q: opened to %s", i, c, data)
			}
		}
	}
	for _, tail := range []string{"", "~", "~1", "~2~9", "~" + mark + "x"} { // not under the MAC
		if _, err := s.Open(body+tail, now); err != nil {
			t.Errorf("behind the seal %q: %v", tail, err)
		}
	}
}

func TestIronSeal_refusesWhatIsNoObject(t *testing.T) {
	s := mustIron(t, seal.IronPassword{ID: "1", Secret: ironSecret})
	for _, data := range []string{"", "1", `[]`, `"x"`, `{"a":1,"a":2}`, `{"a":1`, "{\"a\":\"\xff\"}"} {
		if _, err := s.Seal([]byte(data), time.Time{}); !errors.Is(err, seal.ErrClaims) {
			t.Errorf("%s: %v, want ErrClaims", data, err)
		}
	}
	if _, err := s.Seal([]byte(`{"a":"`+strings.Repeat("x", seal.MaxToken)+`"}`), time.Time{}); !errors.Is(err, seal.ErrTooLong) {
		t.Errorf("too long: %v", err)
	}
	if _, err := s.Open(strings.Repeat("F", seal.MaxToken+1), time.Time{}); !errors.Is(err, seal.ErrToken) {
		t.Errorf("too long to open: %v", err)
	}
}

// FuzzIronOpen opens arbitrary texts: what opens is a JSON object, and opens
// unjudged to the same.
func FuzzIronOpen(f *testing.F) {
	s := mustIron(f, seal.IronPassword{ID: "1", Secret: ironSecret}, seal.IronPassword{ID: "key_2", Secret: ironSecret + "2"})
	now := time.Unix(1767225600, 0)
	f.Add(mustSealIron(f, s, `{"user":{"id":30}}`, now))
	f.Add(mustSealIron(f, s, `{}`, time.Time{}))
	f.Add("Fe26.2*******")
	f.Add("Fe26.2**" + strings.Repeat("0", 64) + "*AAAAAAAAAAAAAAAAAAAAAA*AAAAAAAAAAAAAAAAAAAAAA**" + strings.Repeat("0", 64) + "*" + strings.Repeat("A", 43) + "~2")
	f.Add("Fe26.1*1*x*y*z*0*s*m")
	f.Add("")
	f.Fuzz(func(t *testing.T, value string) {
		data, err := s.Open(value, now)
		again, expires, err2 := s.OpenScan(value, func(_, _ []byte) {})
		if err != nil {
			if data != nil {
				t.Fatalf("failed and returned %q", data)
			}
			if err2 == nil && !errors.Is(err, seal.ErrExpired) {
				t.Fatalf("%v, but opened unjudged", err)
			}
			return
		}
		if err2 != nil || string(again) != string(data) || expires < 0 {
			t.Fatalf("unjudged: %q, %d, %v", again, expires, err2)
		}
		if !json.Valid(data) || strings.TrimLeft(string(data), " \t\r\n")[0] != '{' {
			t.Fatalf("opened to %q", data)
		}
	})
}

// FuzzIronSeal seals arbitrary data: what is taken comes back.
func FuzzIronSeal(f *testing.F) {
	s := mustIron(f, seal.IronPassword{ID: "1", Secret: ironSecret})
	f.Add(`{"a":1}`, int64(1767225600000))
	f.Add(`{"a":1,"a":2}`, int64(0))
	f.Add(`{"Zoë":"日本語 🎉"}`, int64(-1))
	f.Fuzz(func(t *testing.T, data string, ms int64) {
		if ms <= 0 || ms > 1<<50 {
			ms = 1767225600000
		}
		value, err := s.Seal([]byte(data), time.UnixMilli(ms))
		if err != nil {
			return
		}
		got, err := s.Open(value, time.UnixMilli(ms))
		if err != nil || string(got) != data {
			t.Fatalf("%q came back as %q, %v", data, got, err)
		}
	})
}

func BenchmarkIron(b *testing.B) {
	s := mustIron(b, seal.IronPassword{ID: "1", Secret: ironSecret})
	now := time.Now()
	value := mustSealIron(b, s, string(claims), now.Add(time.Hour))
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Open(value, now); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("seal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Seal(claims, now); err != nil {
				b.Fatal(err)
			}
		}
	})
}
