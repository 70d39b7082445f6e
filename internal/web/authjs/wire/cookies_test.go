package wire_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/web/authjs/wire"
)

// proves: ASVS 3.3.1
func TestCookieNames_carryTheGuardedPrefixes(t *testing.T) {
	want := map[string]wire.Names{
		"v4 false": {"next-auth.session-token", "next-auth.csrf-token", "next-auth.callback-url", "next-auth.pkce.code_verifier", "next-auth.state", "next-auth.nonce", ""},
		"v4 true": {"__Secure-next-auth.session-token", "__Host-next-auth.csrf-token", "__Secure-next-auth.callback-url", "__Secure-next-auth.pkce.code_verifier",
			"__Secure-next-auth.state", "__Secure-next-auth.nonce", ""},
		"v5 false": {"authjs.session-token", "authjs.csrf-token", "authjs.callback-url", "authjs.pkce.code_verifier", "authjs.state", "authjs.nonce", "authjs.challenge"},
		"v5 true": {"__Secure-authjs.session-token", "__Host-authjs.csrf-token", "__Secure-authjs.callback-url", "__Secure-authjs.pkce.code_verifier",
			"__Secure-authjs.state", "__Secure-authjs.nonce", "__Secure-authjs.challenge"},
	}
	for _, d := range []seal.Dialect{seal.V4, seal.V5} {
		for _, secure := range []bool{false, true} {
			if diff := cmp.Diff(want[fmt.Sprint(d, " ", secure)], wire.CookieNames(d, secure)); diff != "" {
				t.Errorf("%s %v (-want +got):\n%s", d, secure, diff)
			}
		}
	}
}

func TestParseCookies_readsAsTheProtocolDoes(t *testing.T) {
	got := wire.ParseCookies([]string{
		` a = 1 ;b=x%7Cy%20z; c=100%; a=2; novalue; =noname; d="q"; e=a=b; f=%E0%A4%A; g=%ff;; h=`, "i=ä; b=again;j=+",
	})
	want := wire.Cookies{{"a", "1"}, {"b", "x|y z"}, {"c", "100%"}, {"a", "2"}, {"d", `"q"`}, {"e", "a=b"}, {"f", "%E0%A4%A"}, {"g", "%ff"}, {"h", ""}, {"i", "ä"},
		{"b", "again"}, {"j", "+"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cookies (-want +got):\n%s", diff)
	}
	if v, ok := got.Get("h"); !ok || v != "" {
		t.Errorf("Get(h) = %q, %v", v, ok)
	}
	if v, ok := got.Get("H"); ok {
		t.Errorf("Get(H) = %q, want none: names have case", v)
	}
}

func TestParseCookies_isBounded(t *testing.T) {
	var b strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&b, "n%d=;", i%(2*wire.MaxCookies))
		if b.Len() > wire.MaxCookieBytes-20 {
			break
		}
	}
	if got := wire.ParseCookies([]string{b.String()}); len(got) != wire.MaxCookies {
		t.Errorf("%d cookies, want %d", len(got), wire.MaxCookies)
	}
	if got := wire.ParseCookies([]string{"a=1", "b=" + strings.Repeat("x", wire.MaxCookieBytes), "c=1"}); len(got) != 1 {
		t.Errorf("%d cookies, want those before the limit", len(got))
	}
}

// proves: ASVS 3.3.2, ASVS 3.3.3, NEXT-3
func TestSetCookie_writesAttributesInOrder(t *testing.T) {
	at := time.Date(2026, 1, 31, 1, 0, 0, 5e8, time.FixedZone("", 3600))
	for _, c := range []struct {
		cookie wire.SetCookie
		want   string
	}{
		{wire.NewCookie("a", "x|y:z/ ä", time.Time{}, false), "a=x%7Cy%3Az%2F%20%C3%A4; Path=/; HttpOnly; SameSite=Lax"},
		{wire.NewCookie("a", "b", at, true), "a=b; Path=/; Expires=Sat, 31 Jan 2026 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax"},
		{wire.SetCookie{Name: "a", Value: "b", MaxAge: 900, Domain: "app.example", Expires: at, Secure: true, SameSite: http.SameSiteNoneMode},
			"a=b; Max-Age=900; Domain=app.example; Path=/; Expires=Sat, 31 Jan 2026 00:00:00 GMT; HttpOnly; Secure; SameSite=None"},
		{wire.SetCookie{Name: "a", SameSite: http.SameSiteStrictMode}, "a=; Path=/; HttpOnly; SameSite=Strict"},
		{wire.DeleteCookie("a", false), "a=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"},
		{wire.DeleteCookie("__Secure-a", true), "__Secure-a=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{wire.NewCookie("a", "b\r\nSet-Cookie: c=d; e", time.Time{}, false), "a=b%0D%0ASet-Cookie%3A%20c%3Dd%3B%20e; Path=/; HttpOnly; SameSite=Lax"},
		{wire.DeleteCookie("a;b", false), ""},
		{wire.DeleteCookie("a\r\nb", false), ""},
		{wire.DeleteCookie("", false), ""},
		{wire.SetCookie{Name: "a", Domain: "x; Path=/y"}, ""},
		{wire.SetCookie{Name: "a", Domain: "é.example"}, ""},
	} {
		if got := c.cookie.String(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// proves: ASVS 3.3.5
func TestSplit_keepsEachCookieWithinWhatBrowsersHold(t *testing.T) {
	at := time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)
	for _, d := range []seal.Dialect{seal.V4, seal.V5} {
		name := wire.CookieNames(d, true).Session
		value := strings.Repeat("abcdefghij", 7000)
		chunks := wire.Split(d, name, value)
		if len(chunks) < 17 {
			t.Fatalf("%s: %d chunks of 70000 characters", d, len(chunks))
		}
		for _, c := range chunks {
			if s := wire.NewCookie(c.Name, c.Value, at, true).String(); len(s) > wire.MaxSetCookie {
				t.Errorf("%s: %s takes %d bytes", d, c.Name, len(s))
			}
		}
		for i, j := 0, len(chunks)-1; i < j; i, j = i+1, j-1 {
			chunks[i], chunks[j] = chunks[j], chunks[i]
		}
		for reader, read := range map[string]func() (string, error){
			"Join":      func() (string, error) { return wire.Join(d, name, chunks) },
			"JoinExact": func() (string, error) { return wire.JoinExact(name, chunks) },
		} {
			if got, err := read(); err != nil || got != value {
				t.Errorf("%s: %s = %d bytes, %v, want the value", d, reader, len(got), err)
			}
		}
	}
	if len(wire.NewCookie("a", strings.Repeat("x", 4090), time.Time{}, false).String()) <= wire.MaxSetCookie {
		t.Error("4090 characters fit a cookie of 4096 with its attributes")
	}
	if got := wire.Split(seal.V4, "a", ""); got != nil {
		t.Errorf("Split of nothing = %v", got)
	}
}

// A cookie that a neighbouring subdomain can set must not break a session, and
// chunks must make a whole.
func TestJoinExact_leavesStrangersOut(t *testing.T) {
	many := func(n int) (all wire.Cookies) {
		for i := range n {
			all = append(all, wire.Cookie{Name: fmt.Sprint("s.", i), Value: "x"})
		}
		return all
	}
	for _, c := range []struct {
		name    string
		cookies wire.Cookies
		want    string
		fails   bool
	}{
		{"none", nil, "", false},
		{"plain", wire.Cookies{{"s", "v"}}, "v", false},
		{"empty", wire.Cookies{{"s", ""}}, "", false},
		{"empty beside chunks", wire.Cookies{{"s", ""}, {"s.0", "a"}, {"s.1", "b"}}, "ab", false},
		{"strangers", wire.Cookies{{"s-x", "1"}, {"s", "v"}, {"s.x", "2"}, {"s.", "3"}, {"s.00", "4"}, {"s.01", "5"}, {"s.-1", "6"}, {"s.0x0", "7"}, {"s0", "8"}, {"xs", "9"}, {"s.0.0", "10"}, {"s.99999", "11"}}, "v", false},
		{"chunks", wire.Cookies{{"s.1", "b"}, {"s-x", "1"}, {"s.0", "a"}}, "ab", false},
		{"one chunk", wire.Cookies{{"s.0", "a"}}, "a", false},
		{"gap", wire.Cookies{{"s.0", "a"}, {"s.2", "c"}}, "", true},
		{"no first", wire.Cookies{{"s.1", "b"}}, "", true},
		{"two values", wire.Cookies{{"s", "v"}, {"s", "w"}}, "", true},
		{"two values of a chunk", wire.Cookies{{"s.0", "a"}, {"s.1", "b"}, {"s.0", "c"}}, "", true},
		{"an empty one first", wire.Cookies{{"s", ""}, {"s", "v"}}, "v", false},
		{"both forms", wire.Cookies{{"s", "v"}, {"s.0", "a"}}, "", true},
		{"far chunk", wire.Cookies{{"s", "v"}, {"s.9999", "a"}}, "", true},
		{"too many", many(wire.MaxChunks + 1), "", true},
		{"most", many(wire.MaxChunks), strings.Repeat("x", wire.MaxChunks), false},
		{"too long", wire.Cookies{{"s", strings.Repeat("x", wire.MaxValue+1)}}, "", true},
		{"too long together", wire.Cookies{{"s.0", strings.Repeat("x", wire.MaxValue)}, {"s.1", "x"}}, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := wire.JoinExact("s", c.cookies)
			if got != c.want || (errors.Is(err, wire.ErrChunks) || errors.Is(err, wire.ErrTwoSessions)) != c.fails {
				t.Errorf("JoinExact = %.20q, %v, want %.20q, error %v", got, err, c.want, c.fails)
			}
		})
	}
	if _, err := wire.Join(seal.V4, "s", many(wire.MaxChunks)); !errors.Is(err, wire.ErrChunks) {
		t.Errorf("Join of too many: %v, want ErrChunks", err)
	}
	if _, err := wire.Join(seal.V4, "s", wire.Cookies{{"s", strings.Repeat("x", wire.MaxValue+1)}}); !errors.Is(err, wire.ErrChunks) {
		t.Errorf("Join of too much: %v, want ErrChunks", err)
	}
}

func TestJoin_sortsWhatHasNoNumberAsTheLibraryDoes(t *testing.T) {
	for _, c := range []struct {
		d       seal.Dialect
		cookies wire.Cookies
		want    string
	}{
		{seal.V4, wire.Cookies{{"s", "P"}, {"s.1", "b"}, {"s.0", "a"}}, "Pab"},
		{seal.V4, wire.Cookies{{"s.1", "b"}, {"s", "P"}, {"s.0", "a"}}, "bPa"},
		{seal.V4, wire.Cookies{{"s.1", "b"}, {"s.0", "a"}, {"s", "P"}}, "abP"},
		{seal.V4, wire.Cookies{{"s.0x2", "c"}, {"s.1", "b"}, {"s.0", "a"}}, "abc"},
		{seal.V4, wire.Cookies{{"s.", "E"}, {"s.-1", "m"}}, "Em"},
		{seal.V5, wire.Cookies{{"s.", "E"}, {"s.-1", "m"}}, "mE"},
		{seal.V5, wire.Cookies{{"s.2x", "c"}, {"s.+1", "b"}, {"s.0", ""}}, "bc"},
	} {
		if got, err := wire.Join(c.d, "s", c.cookies); err != nil || got != c.want {
			t.Errorf("%s: Join(%v) = %q, %v, want %q", c.d, c.cookies, got, err, c.want)
		}
	}
}

func TestReplace_leavesNothingToBeJoined(t *testing.T) {
	request := wire.Cookies{{"s-x", "1"}, {"s.0", "a"}, {"other", "o"}, {"s", ""}, {"s bad", "2"}}
	want := []wire.Change{
		{Cookie: wire.Cookie{Name: "s-x"}, Delete: true},
		{Cookie: wire.Cookie{Name: "s.0"}, Delete: true},
		{Cookie: wire.Cookie{Name: "s", Value: "v"}},
	}
	for _, d := range []seal.Dialect{seal.V4, seal.V5} {
		if diff := cmp.Diff(want, wire.Replace(d, "s", "v", request)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", d, diff)
		}
	}
}

func FuzzParseCookies(f *testing.F) {
	f.Add("a=1; b=%7C; a=2", "s.1=x; s.0=y")
	f.Add(";;=;a==;%=%", "s=v; s.0=w; s-x=1")
	f.Fuzz(func(t *testing.T, one, two string) {
		cookies := wire.ParseCookies([]string{one, two})
		seen := map[wire.Cookie]bool{}
		for _, c := range cookies {
			if c.Name == "" || seen[c] || strings.Trim(c.Name, " \t") != c.Name || strings.ContainsAny(c.Name, "=;") {
				t.Fatalf("cookie %q", c.Name)
			}
			seen[c] = true
			line := wire.NewCookie(c.Name, c.Value, time.Time{}, true).String()
			if line == "" {
				continue
			}
			if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) || strings.Count(line, ";") != 4 {
				t.Fatalf("Set-Cookie: %q", line)
			}
			pair, _, _ := strings.Cut(line, ";")
			if back := wire.ParseCookies([]string{pair}); back[0].Name != c.Name || back[0].Value != string([]rune(c.Value)) {
				t.Fatalf("%q is read back as %q", c, back)
			}
		}
		for _, d := range []seal.Dialect{seal.V4, seal.V5} {
			after := wire.Cookies{}
			for _, c := range wire.Replace(d, "s", strings.Repeat("v", 5000), cookies) {
				if !c.Delete {
					after = append(after, c.Cookie)
				}
			}
			if got, err := wire.JoinExact("s", after); err != nil || len(got) != 5000 {
				t.Fatalf("after Replace: %d bytes, %v", len(got), err)
			}
			_, _ = wire.Join(d, "s", cookies)
		}
		_, _ = wire.JoinExact("s", cookies)
	})
}

func BenchmarkParseCookies(b *testing.B) {
	lines := []string{"__Host-next-auth.csrf-token=" + strings.Repeat("a", 64) + "%7C" + strings.Repeat("b", 64) +
		"; __Secure-next-auth.callback-url=https%3A%2F%2Fapp.example%2F; __Secure-next-auth.session-token=" + strings.Repeat("x", 600)}
	b.ReportAllocs()
	for b.Loop() {
		if got, err := wire.JoinExact("__Secure-next-auth.session-token", wire.ParseCookies(lines)); err != nil || len(got) != 600 {
			b.Fatal(got, err)
		}
	}
}
