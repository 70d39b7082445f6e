package seal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

const (
	secret  = "a-secret-of-decent-length-0123456789"
	other   = "another-secret-of-decent-length-0123"
	cookie  = "__Secure-authjs.session-token"
	invalid = "\xff"
)

// claims is about as long as a session token of Gatehouse.
var claims = []byte(`{"name":"Ada Lovelace","email":"ada@example.test","picture":null,"sub":"usr_01890a5d-ac96-774b-bcce-b302099a8057",` +
	`"roles":["user","admin"],"sid":"ses_01890a5d-ac96-774b-bcce-b302099a8058",` +
	`"gh":"AQEBkKXazZZ3S7zOswIJmoBXAZCl2s2Wd0u8zrMCCZqAWAAAAAFpXMAAAAAAAQ.c2lnbmF0dXJlLTE2LWJ5dGU",` +
	`"iat":1767225600,"exp":3344025600,"jti":"4495e3b2-d97d-4e6d-a824-b0c3b6e13cd8"}`)

func mustNew(t testing.TB, d seal.Dialect, salt string, secrets ...string) *seal.Sealer {
	t.Helper()
	s, err := seal.New(d, salt, secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustSeal(t testing.TB, s *seal.Sealer, claims string) string {
	t.Helper()
	token, err := s.Seal([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestSeal_isOpenedByAnotherImplementation(t *testing.T) {
	for _, c := range []struct {
		d    seal.Dialect
		salt string
	}{{seal.V4, ""}, {seal.V4, "next-auth.state"}, {seal.V5, cookie}, {seal.V5, ""}} {
		for n := range 40 { // all paddings
			payload := `{"p":"` + strings.Repeat("x", n) + `"}`
			token := mustSeal(t, mustNew(t, c.d, c.salt, secret), payload)
			got, _ := joseOpen(t, token, deriveKey(t, c.d, secret, c.salt))
			if got != payload {
				t.Fatalf("%s %q: opened %s, want %s", c.d, c.salt, got, payload)
			}
		}
	}
}

func TestOpen_readsAnotherImplementation(t *testing.T) {
	v4, v5 := mustNew(t, seal.V4, "", secret), mustNew(t, seal.V5, cookie, secret)
	key4, key5 := deriveKey(t, seal.V4, secret, ""), deriveKey(t, seal.V5, secret, cookie)
	for n := range 40 {
		payload := `{"p":"` + strings.Repeat("x", n) + `"}`
		for _, c := range []struct {
			s     *seal.Sealer
			token string
		}{
			{v4, joseSeal(t, jose.A256GCM, key4, nil, payload)},
			{v5, joseSeal(t, jose.A256CBC_HS512, key5, nil, payload)},
			{v5, joseSeal(t, jose.A256GCM, key5[:32], nil, payload)},
		} {
			got, err := c.s.Open(c.token)
			if err != nil || string(got) != payload {
				t.Fatalf("Open = %s, %v, want %s", got, err, payload)
			}
		}
	}
}

// proves: BCP-21, BCP-22, BCP-26, BCP-27, BCP-30
func TestOpen_refusesHeaders(t *testing.T) {
	kid := func(d seal.Dialect) string {
		s := mustNew(t, d, cookie, secret)
		head, _, _ := strings.Cut(mustSeal(t, s, `{}`), ".")
		text, err := base64.RawURLEncoding.DecodeString(head)
		if err != nil {
			t.Fatal(err)
		}
		var h struct{ Kid string }
		if err := json.Unmarshal(text, &h); err != nil {
			t.Fatal(err)
		}
		return h.Kid
	}
	for _, c := range []struct {
		name   string
		d      seal.Dialect
		header string
		ok     bool
	}{
		{"v4 with blanks", seal.V4, ` { "enc" : "A256GCM" , "alg" : "dir" } `, true},
		{"v4 with escapes", seal.V4, `{"\u0061lg":"d\u0069r","enc":"A256GCM"}`, true},
		{"v4 with unknown members", seal.V4, `{"alg":"dir","enc":"A256GCM","typ":1,"cty":"x","x":[{}],"jku":"https://evil.example/"}`, true},
		{"v4 with kid of another kind", seal.V4, `{"alg":"dir","enc":"A256GCM","kid":7}`, true},
		{"v5 with its kid", seal.V5, `{"kid":"` + kid(seal.V5) + `","enc":"A256CBC-HS512","alg":"dir"}`, true},
		{"v5 with kid null", seal.V5, `{"alg":"dir","enc":"A256CBC-HS512","kid":null}`, false},
		{"v5 with kid number", seal.V5, `{"alg":"dir","enc":"A256CBC-HS512","kid":1}`, false},
		{"v5 with kid path", seal.V5, `{"alg":"dir","enc":"A256CBC-HS512","kid":"../../etc/passwd"}`, false},
		{"v4 with v5's enc", seal.V4, `{"alg":"dir","enc":"A256CBC-HS512"}`, false},
		{"no alg", seal.V4, `{"enc":"A256GCM"}`, false},
		{"no enc", seal.V4, `{"alg":"dir"}`, false},
		{"alg none", seal.V4, `{"alg":"none","enc":"A256GCM"}`, false},
		{"alg in capitals", seal.V4, `{"alg":"DIR","enc":"A256GCM"}`, false},
		{"alg array", seal.V4, `{"alg":["dir"],"enc":"A256GCM"}`, false},
		{"alg twice", seal.V4, `{"alg":"dir","enc":"A256GCM","alg":"dir"}`, false},
		{"alg twice, once escaped", seal.V4, `{"alg":"dir","enc":"A256GCM","\u0061lg":"dir"}`, false},
		{"zip", seal.V4, `{"alg":"dir","enc":"A256GCM","zip":"DEF"}`, false},
		{"zip of v5", seal.V5, `{"alg":"dir","enc":"A256CBC-HS512","zip":"DEF"}`, false},
		{"crit", seal.V4, `{"alg":"dir","enc":"A256GCM","crit":["exp"],"exp":1}`, false},
		{"crit empty", seal.V5, `{"alg":"dir","enc":"A256CBC-HS512","crit":[]}`, false},
		{"array", seal.V4, `["dir","A256GCM"]`, false},
		{"more behind", seal.V4, `{"alg":"dir","enc":"A256GCM"}{}`, false},
		{"not UTF-8", seal.V4, `{"alg":"dir","enc":"A256GCM","x":"` + invalid + `"}`, false},
		{"byte order mark", seal.V4, "\ufeff" + `{"alg":"dir","enc":"A256GCM"}`, false},
		{"deep", seal.V4, `{"alg":"dir","enc":"A256GCM","x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, false},
		{"long", seal.V4, `{"alg":"dir","enc":"A256GCM","x":"` + strings.Repeat("x", 4000) + `"}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			salt := cookie
			if c.d == seal.V4 {
				salt = ""
			}
			token := sealUnder(t, c.d, deriveKey(t, c.d, secret, salt), c.header, `{"sub":"1"}`)
			got, err := mustNew(t, c.d, salt, secret).Open(token)
			if c.ok && (err != nil || string(got) != `{"sub":"1"}`) {
				t.Errorf("Open = %s, %v, want the claims", got, err)
			}
			if !c.ok && !errors.Is(err, seal.ErrToken) {
				t.Errorf("Open = %s, %v, want ErrToken", got, err)
			}
		})
	}
}

// proves: BCP-27
func TestOpen_refusesPayloads(t *testing.T) {
	many := func(n int, last string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"m%d":%d,`, i, i)
		}
		return "{" + b.String() + `"` + last + `":0}`
	}
	for _, c := range []struct {
		payload string
		ok      bool
	}{
		{`{}`, true},
		{" \n{\t} \r", true},
		{many(100, "x"), true},
		{many(100, "m7"), false},
		{many(100, "m99"), false},
		{many(5, "m3"), false},
		{`{"sub":"1","sub":"2"}`, false},
		{`{"sub":"1","s\u0075b":"2"}`, false},
		{`{"a":{"sub":"1"},"b":{"sub":"1"}}`, true},
		{`[1]`, false}, {`"x"`, false}, {`null`, false}, {``, false}, {`hello`, false},
		{`{"a":1}{"a":1}`, false}, {`{"a":1,}`, false}, {`{"a":"` + invalid + `"}`, false}, {"\ufeff{}", false},
		{`{"a":` + strings.Repeat("[", seal.MaxDepth-1) + strings.Repeat("]", seal.MaxDepth-1) + `}`, true},
		{`{"a":` + strings.Repeat("[", seal.MaxDepth) + strings.Repeat("]", seal.MaxDepth) + `}`, false},
	} {
		key := deriveKey(t, seal.V4, secret, "")
		got, err := mustNew(t, seal.V4, "", secret).Open(joseSeal(t, jose.A256GCM, key, nil, c.payload))
		if c.ok != (err == nil) {
			t.Errorf("%.60s: Open error = %v, want accepted %v", c.payload, err, c.ok)
		}
		if c.ok && string(got) != c.payload {
			t.Errorf("Open = %s, want %s", got, c.payload)
		}
	}
}

// Each character of a token is changed to each of its neighbours in turn: no
// change may go unnoticed, not even one that only touches unused bits.
//
// proves: ASVS 11.3.3
func TestOpen_refusesEveryChangedCharacter(t *testing.T) {
	for _, d := range []seal.Dialect{seal.V4, seal.V5} {
		s := mustNew(t, d, "", secret)
		token := mustSeal(t, s, `{"sub":"12"}`)
		for i := range token {
			for _, c := range []byte("A.B_-=+/ \n\x00\xff") {
				if token[i] == c {
					continue
				}
				changed := token[:i] + string([]byte{c}) + token[i+1:]
				if got, err := s.Open(changed); err == nil {
					t.Fatalf("%s: opened %q from %q", d, got, changed)
				}
			}
		}
		for i := range token {
			for _, c := range []string{"=", "\n", "\r", ".", "A"} {
				if _, err := s.Open(token[:i] + c + token[i:]); err == nil {
					t.Fatalf("%s: opened with %q put in at %d", d, c, i)
				}
			}
			if _, err := s.Open(token[:i]); err == nil {
				t.Fatalf("%s: opened the first %d characters", d, i)
			}
		}
	}
}

// The last character of a part of which bits are unused has siblings that a
// lenient decoder takes for the same bytes.
func TestOpen_refusesSecondSpelling(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	s := mustNew(t, seal.V4, "", secret)
	token := mustSeal(t, s, `{"a":1}`) // the tag ends in a character with four unused bits
	last := strings.IndexByte(alphabet, token[len(token)-1])
	for i := 1; i < 16; i++ {
		sibling := token[:len(token)-1] + string(alphabet[last|i])
		if _, err := s.Open(sibling); err == nil {
			t.Fatalf("opened a second spelling of the same bytes, %q", sibling)
		}
	}
}

func TestOpen_triesSecretsAsTheDialectSays(t *testing.T) {
	for _, c := range []struct {
		name      string
		d         seal.Dialect
		sealed    string
		withKid   bool
		secrets   []string
		wantError bool
	}{
		{"v4 first", seal.V4, secret, false, []string{secret, other}, false},
		{"v4 second", seal.V4, secret, false, []string{other, secret}, false},
		{"v4 none", seal.V4, secret, false, []string{other}, true},
		{"v5 first by kid", seal.V5, secret, true, []string{secret, other}, false},
		{"v5 second by kid", seal.V5, secret, true, []string{other, secret}, false},
		{"v5 none by kid", seal.V5, secret, true, []string{other}, true},
		{"v5 first without kid", seal.V5, secret, false, []string{secret, other}, false},
		{"v5 second without kid", seal.V5, secret, false, []string{other, secret}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			salt := ""
			if c.d == seal.V5 {
				salt = cookie
			}
			token := mustSeal(t, mustNew(t, c.d, salt, c.sealed), `{"sub":"1"}`)
			if c.d == seal.V5 && !c.withKid {
				token = joseSeal(t, jose.A256CBC_HS512, deriveKey(t, c.d, c.sealed, salt), nil, `{"sub":"1"}`)
			}
			_, err := mustNew(t, c.d, salt, c.secrets...).Open(token)
			if (err != nil) != c.wantError {
				t.Errorf("Open error = %v, want error %v", err, c.wantError)
			}
		})
	}
}

func TestAppendOpen_keepsWhatWasThere(t *testing.T) {
	for _, d := range []seal.Dialect{seal.V4, seal.V5} {
		s := mustNew(t, d, "", secret)
		token := mustSeal(t, s, `{"sub":"1"}`)
		got, err := s.AppendOpen([]byte("before"), token)
		if err != nil || string(got) != `before{"sub":"1"}` {
			t.Errorf("%s: AppendOpen = %s, %v", d, got, err)
		}
		buf := make([]byte, 6, 4096)
		copy(buf, "before")
		if got, err := s.AppendOpen(buf, token+"A"); err == nil || string(got) != "before" {
			t.Errorf("%s: AppendOpen of a bad token = %s, %v", d, got, err)
		}
		if bytes.Contains(buf[:cap(buf)], []byte(`"sub"`)) {
			t.Errorf("%s: AppendOpen left text of a bad token behind", d)
		}
	}
}

func TestSeal_differsEachTime(t *testing.T) {
	for _, d := range []seal.Dialect{seal.V4, seal.V5} {
		s := mustNew(t, d, "", secret)
		seen := map[string]bool{}
		for range 100 {
			seen[mustSeal(t, s, `{}`)] = true
		}
		if len(seen) != 100 {
			t.Errorf("%s: %d different tokens of 100", d, len(seen))
		}
	}
}

// proves: BCP-32
func TestMaxToken_bindsBothWays(t *testing.T) {
	for _, d := range []seal.Dialect{seal.V4, seal.V5} {
		s := mustNew(t, d, "", secret)
		object := func(n int) string { return `{"x":"` + strings.Repeat("x", n) + `"}` }
		token := mustSeal(t, s, object(60000))
		if _, err := s.Open(token); err != nil || len(token) < 64<<10 {
			t.Errorf("%s: a token of %d bytes: %v", d, len(token), err)
		}
		for _, n := range []int{seal.MaxToken * 3 / 4, 2 * seal.MaxToken} {
			if _, err := s.Seal([]byte(object(n))); !errors.Is(err, seal.ErrTooLong) {
				t.Errorf("%s: Seal of %d bytes: %v, want ErrTooLong", d, n, err)
			}
		}
		if _, err := s.Open(token + strings.Repeat("A", seal.MaxToken)); !errors.Is(err, seal.ErrToken) {
			t.Errorf("%s: Open of an overlong token: %v", d, err)
		}
	}
}

func TestSeal_refusesClaimsThatAreNoObject(t *testing.T) {
	for _, bad := range []string{"", "[]", "{", `{"a":1,"a":2}`} {
		if _, err := mustNew(t, seal.V4, "", secret).Seal([]byte(bad)); !errors.Is(err, seal.ErrClaims) {
			t.Errorf("Seal(%s): %v, want ErrClaims", bad, err)
		}
	}
}
