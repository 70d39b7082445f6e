package wire_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/web/authjs/wire"
)

// FuzzSplit goes the whole way of a session: split, written, sent back in any
// order beside cookies of strangers, and joined by our own reader and by the
// library's. What comes out is what went in, or nothing.
func FuzzSplit(f *testing.F) {
	for _, size := range []int{0, 1, 3932, 3933, 3934, 3936, 3937, 7866, 7867, 40000, wire.MaxValue, wire.MaxValue + 1} {
		f.Add("__Secure-next-auth.session-token", "eyJhbGciOiJkaXIi.", size, 1, "theme")
	}
	f.Add("s", "a", 5000, 7, "s-x")
	f.Add("authjs.session-token", "x.y_z-", 12000, -3, "authjs.session-token.00")
	f.Add("s", "%;=, \x00\u00e9", 9000, 2, "s.")
	f.Fuzz(func(t *testing.T, name, unit string, size, turn int, stranger string) {
		ascii := strings.Map(func(r rune) rune { // the value is a token's
			if r < 'A' || r > 'z' {
				return 'a' + r%26
			}
			return r
		}, unit)
		if ascii == "" || size < 0 || size > wire.MaxValue+1 || len(name)+len(stranger) > 200 || !cookieName(name) {
			return
		}
		value := strings.Repeat(ascii, size/len(ascii)+1)[:size]
		for _, d := range []seal.Dialect{seal.V4, seal.V5} {
			chunks := wire.Split(d, name, value)
			var lines []string
			for i, c := range chunks {
				if want := name + "." + strconv.Itoa(i); c.Name != want && (len(chunks) > 1 || c.Name != name) {
					t.Fatalf("chunk %d of %d is called %q", i, len(chunks), c.Name)
				}
				line := wire.NewCookie(c.Name, c.Value, time.Time{}, true).String()
				if line == "" {
					t.Fatalf("chunk %q cannot be written", c.Name)
				}
				pair, _, _ := strings.Cut(line, ";")
				lines = append(lines, pair)
			}
			if whole, err := wire.JoinExact(name, wire.ParseCookies(lines)); tooMuch(lines, value) {
				if err == nil && whole != value && whole != "" {
					t.Fatalf("%d bytes became %d", len(value), len(whole))
				}
				continue
			} else if err != nil || whole != value {
				t.Fatalf("%s: %d bytes in %d chunks became %d, %v", d, len(value), len(lines), len(whole), err)
			}
			sent := slices.Clone(lines)
			if n := len(sent); n > 0 { // any order
				turn := (turn%n + n) % n
				sent = append(sent[turn:], sent[:turn]...)
			}
			if whole, err := wire.Join(d, name, wire.ParseCookies(sent)); len(sent) < wire.MaxChunks && (err != nil || whole != value) {
				t.Fatalf("%s: the library's reader makes %d bytes of %d, %v", d, len(whole), len(value), err)
			}
			withStranger := append(sent, stranger+"=x")
			whole, err := wire.JoinExact(name, wire.ParseCookies(withStranger))
			if s := strings.Trim(stranger, " \t"); !ours(name, s) && !strings.ContainsAny(s, "=;") && (err != nil || whole != value) {
				t.Fatalf("%s: beside %q it became %d bytes of %d, %v", d, stranger, len(whole), len(value), err)
			}
			for _, i := range []int{0, len(lines) / 2, len(lines) - 1} { // one missing: never another value
				if len(lines) == 0 {
					break
				}
				rest := slices.Delete(slices.Clone(lines), i, i+1)
				whole, err := wire.JoinExact(name, wire.ParseCookies(rest))
				if err == nil && whole != "" && i < len(lines)-1 {
					t.Fatalf("%s: without chunk %d of %d it became %d bytes", d, i, len(lines), len(whole))
				}
				if len(whole) >= len(value) && value != "" {
					t.Fatalf("%s: without chunk %d of %d it became %d bytes of %d", d, i, len(lines), len(whole), len(value))
				}
			}
		}
	})
}

func cookieName(s string) bool {
	return wire.NewCookie(s, "x", time.Time{}, false).String() != ""
}

// tooMuch says whether a request with the lines is beyond a documented limit.
func tooMuch(lines []string, value string) bool {
	bytes := 0
	for _, l := range lines {
		bytes += len(l)
	}
	return len(lines) > wire.MaxChunks || len(value) > wire.MaxValue || bytes > wire.MaxCookieBytes
}

// ours says whether a cookie is one that a strict reader takes for the session's.
func ours(name, s string) bool {
	suffix, ok := strings.CutPrefix(s, name)
	if !ok || suffix == "" {
		return ok
	}
	n, err := strconv.Atoi(strings.TrimPrefix(suffix, "."))
	return err == nil && suffix == "."+strconv.Itoa(n)
}

// FuzzJoin gives the readers any cookies at all: what is joined is made of their
// values alone, in the order of their numbers, and never longer than the limit.
func FuzzJoin(f *testing.F) {
	f.Add("s.0=a; s.1=b; s.2=c")
	f.Add("s.1=b; s.0=a")
	f.Add("s=v; s.0=a")
	f.Add("s.0=a; s.2=c")
	f.Add("s.00=a; s.0=b; s.+1=c; s.1=d")
	f.Add("s=; s.0=a; s-x=y; s.0.0=z; s.9999=w")
	f.Add("s." + strconv.Itoa(wire.MaxChunks) + "=a; s.0=b")
	f.Add("s.0=%61; s.1=%; s.2=%ff")
	f.Add("s.0=; s.0=0; s=")
	f.Fuzz(func(t *testing.T, line string) {
		cookies := wire.ParseCookies([]string{line})
		got, err := wire.JoinExact("s", cookies)
		if err != nil && got != "" || len(got) > wire.MaxValue {
			t.Fatalf("%q: %d bytes, %v", line, len(got), err)
		}
		if err == nil {
			says := func(name string) string { // the value that is one, if there is
				i := slices.IndexFunc(cookies, func(c wire.Cookie) bool { return c.Name == name && c.Value != "" })
				if i < 0 {
					return ""
				}
				return cookies[i].Value
			}
			plain := says("s")
			var chunks strings.Builder
			for i := 0; says("s."+strconv.Itoa(i)) != ""; i++ {
				chunks.WriteString(says("s." + strconv.Itoa(i)))
			}
			if want := plain + chunks.String(); got != want || plain != "" && chunks.Len() > 0 {
				t.Fatalf("%q: joined to %q, want %q", line, got, want)
			}
		}
		for _, d := range []seal.Dialect{seal.V4, seal.V5} {
			// What the library makes of the cookies that are left after an answer is
			// what the answer set: no stray cookie survives.
			browser := map[string]string{}
			for _, c := range cookies {
				browser[c.Name] = c.Value
			}
			for _, change := range wire.Replace(d, "s", "fresh", cookies) {
				if delete(browser, change.Name); !change.Delete {
					browser[change.Name] = change.Value
				}
			}
			var left wire.Cookies
			for name, value := range browser {
				if cookieName(name) { // others could not be deleted, nor are they from us
					left = append(left, wire.Cookie{Name: name, Value: value})
				}
			}
			if got, err := wire.Join(d, "s", left); err != nil || got != "fresh" {
				t.Fatalf("%s: after %q the library reads %q, %v", d, line, got, err)
			}
		}
	})
}

// FuzzSetCookie writes any two cookies and reads them back, with our reader and
// with the standard library's: both see the values, and nothing of a value becomes
// a name, an attribute or a header.
func FuzzSetCookie(f *testing.F) {
	f.Add("a", "1", "b", "2")
	f.Add("next-auth.csrf-token", "ab|cd", "next-auth.callback-url", "https://app.example/?a=b&c=d#e")
	f.Add("a", "x; Path=/; Domain=evil.example", "a ", "\r\nSet-Cookie: b=c")
	f.Add("a", `"quoted"`, "b", " spaces ")
	f.Add("a", "%", "b", "%41%zz")
	f.Add("a", "\xff\xfe\x00", "b", "\u00e9\U0001f600")
	f.Fuzz(func(t *testing.T, name1, value1, name2, value2 string) {
		var want [][2]string
		var pairs []string
		for _, c := range [][2]string{{name1, value1}, {name2, value2}} {
			line := wire.NewCookie(c[0], c[1], time.Time{}, true).String()
			if line == "" {
				continue
			}
			if strings.ContainsAny(line, "\r\n\x00") || strings.Count(line, ";") != 4 {
				t.Fatalf("%q is written as %q", c, line)
			}
			parsed, err := http.ParseSetCookie(line)
			if err != nil || parsed.Name != c[0] || parsed.Domain != "" || parsed.Path != "/" || !parsed.HttpOnly || !parsed.Secure || parsed.SameSite != http.SameSiteLaxMode || len(parsed.Unparsed) > 0 {
				t.Fatalf("%q is read as %+v, %v", line, parsed, err)
			}
			// Two of one name are both read, and one that comes twice once.
			if kept := [2]string{c[0], strings.ToValidUTF8(string([]rune(c[1])), "\ufffd")}; !slices.Contains(want, kept) {
				want = append(want, kept)
			}
			pair, _, _ := strings.Cut(line, ";")
			pairs = append(pairs, pair)
		}
		if len(strings.Join(pairs, "; ")) > wire.MaxCookieBytes {
			return
		}
		got := wire.ParseCookies([]string{strings.Join(pairs, "; ")})
		if len(got) != len(want) {
			t.Fatalf("%q is read as %q", pairs, got)
		}
		for i, c := range got {
			if c.Name != want[i][0] || c.Value != want[i][1] {
				t.Fatalf("%q is read as %q, want %q", pairs, got, want)
			}
		}
	})
}
