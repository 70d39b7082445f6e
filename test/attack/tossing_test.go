package attack_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// tossed are Cookie header lines in which a sibling subdomain, or a page on
// plain http, has put what it can beside the victim's cookie v: a is the
// thief's own good token, name the name of the session cookie.
func tossed(name, v, a string) map[string][]string {
	own := name + "=" + v
	lines := map[string][]string{}
	add := func(what, cookie string) {
		lines[what+", before"] = []string{cookie + "; " + own}
		lines[what+", behind"] = []string{own + "; " + cookie}
		lines[what+", on a line before"] = []string{cookie, own}
		lines[what+", on a line behind"] = []string{own, cookie}
		lines[what+", without a blank"] = []string{cookie + ";" + own}
	}
	for what, other := range map[string]string{
		"a suffix": name + "-x", "a suffix with a dot": name + ".", "a chunk that is none": name + ".x", "a leading zero": name + ".00", "a negative chunk": name + ".-1",
		"a signed chunk": name + ".+0", "a hexadecimal chunk": name + ".0x0", "a chunk of a chunk": name + ".0.0", "an exponent": name + ".0e0",
		"a chunk in other digits": name + ".\u0660", "a prefix": "x" + name, "the secure name": "__Secure-" + name, "the host's name": "__Host-" + name,
		"both prefixes": "__Host-__Secure-" + name, "a domain's name": "__Http-" + name, "capitals": strings.ToUpper(name), "one capital": "N" + name[1:] + "X",
		"an escaped name": "%6e%65xt-auth." + name, "an escaped dot": strings.ReplaceAll(name, ".", "%2E"), "an escaped letter": strings.Replace(name, "s", "%73", 1),
		"a blank that is none": "\u00a0" + name, "a wide blank": "\u2003" + name, "a mark of order": "\ufeff" + name, "NUL in front": "\x00" + name, "a form feed": "\f" + name,
		"a vertical tab": "\v" + name, "a next line": "\u0085" + name, "quotes around the name": `"` + name + `"`, "a dollar": "$" + name, "brackets": name + "[]",
		"underscores for dots": strings.ReplaceAll(name, ".", "_"), "a look-alike": strings.Replace(name, "o", "\u043e", 1), "an attribute": "Path", "a version": "$Version",
		"a domain": "Domain", "the other dialect's": strings.NewReplacer("next-auth", "authjs", "authjs", "next-auth").Replace(name),
	} {
		add(what, other+"="+a)
	}
	add("a version in front", `$Version=1; $Path="/"; $Domain=".app.example"`)
	add("attributes", "Path=/; Domain=app.example; Max-Age=9; HttpOnly; Secure")
	add("no name", "="+a)
	add("no equals sign", a)
	add("no name, and ours as the value", "="+name+"x="+a)
	add("ours within a value", "x="+own[:len(name)+1]+a)
	add("ours within quotes", `x="; `+name+`-y=`+a+`"`)
	add("the same once more", own)
	add("an empty chunk", name+".0=")
	add("junk", strings.Repeat("x=y; ", 40)+"z")
	return lines
}

// A sibling subdomain can set cookies for the whole site. Whatever it calls
// them, and wherever they stand in the request, the victim stays the victim, and
// no answer hands the victim another's session.
//
// proves: ASVS 1.5.3, CS-11
func TestTossing_strangeNamesAreNobodys(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "victim@app.example")
	s.newUser(t, "thief@app.example")
	for _, d := range dialects {
		name := d.session()
		victim := s.browser(d).signIn(t, "victim@app.example", password)
		v := victim.jar[name]
		a := s.browser(d).signIn(t, "thief@app.example", password).jar[name]
		for who, token := range map[string]string{"victim@app.example": v, "thief@app.example": a} {
			if got := s.brings(d, name+"="+token); got.email != who {
				t.Fatalf("%s: the control is %q, want %q", d, got.email, who)
			}
		}
		for what, lines := range tossed(name, v, a) {
			got := s.brings(d, lines...)
			if got.email != "victim@app.example" || got.kept != "victim@app.example" {
				t.Errorf("%s, %s: answered as %q, kept as %q (%d)", d, what, got.email, got.kept, got.status)
			}
			// And without the victim's own there is nobody.
			alone := slices.Clone(lines)
			for i := range alone {
				alone[i] = strings.ReplaceAll(alone[i], name+"="+v, "own=gone")
			}
			if got := s.brings(d, alone...); got.email != "" || got.kept != "" {
				t.Errorf("%s, %s, alone: answered as %q, kept as %q", d, what, got.email, got.kept)
			}
		}
	}
}

// brought is what a request with cookies led to.
type brought struct {
	answer
	// email is whom GET /session names, kept whom the session cookie that the
	// answer sets is about.
	email, kept string
}

// brings asks GET /session with Cookie header lines exactly as given.
func (s *site) brings(d dialect, lines ...string) brought {
	header := http.Header{"Cookie": lines}
	b := brought{answer: s.send(request{method: http.MethodGet, path: d.base + "/session", header: header})}
	_, rest, _ := strings.Cut(b.body, `"email":"`)
	b.email, _, _ = strings.Cut(rest, `"`)
	for name, value := range b.cookies() {
		if strings.Contains(name, "session-token") && value != "" {
			b.kept = s.who(d, map[string]string{d.session(): value}).Email
		}
	}
	return b
}

// Chunks of two tokens make no third, in whatever order they stand; neither do
// chunks with gaps, in other numbers, or too many.
func TestTossing_chunksOfTwoTokensMakeNobody(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "victim@app.example")
	s.newUser(t, "thief@app.example")
	for _, d := range dialects {
		name := d.session()
		v := s.browser(d).signIn(t, "victim@app.example", password).jar[name]
		a := s.browser(d).signIn(t, "thief@app.example", password).jar[name]
		half, third := len(v)/2, len(v)/3
		chunk := func(i int, text string) string { return fmt.Sprintf("%s.%d=%s", name, i, text) }
		for what, lines := range map[string][]string{
			"the control: two chunks":           {chunk(0, v[:half]) + "; " + chunk(1, v[half:])},
			"the control: turned round":         {chunk(1, v[half:]) + "; " + chunk(0, v[:half])},
			"the control: three on three lines": {chunk(2, v[2*third:]), chunk(0, v[:third]), chunk(1, v[third:2*third])},
			"the control: all in one chunk":     {chunk(0, v)},
		} {
			if got := s.brings(d, lines...); got.email != "victim@app.example" {
				t.Errorf("%s, %s: %q", d, what, got.email)
			}
		}
		many := make([]string, 0, 60)
		for i := range 60 {
			many = append(many, chunk(i, v[i*len(v)/60:(i+1)*len(v)/60]))
		}
		for what, lines := range map[string][]string{
			"the head of one, the tail of the other": {chunk(0, v[:half]) + "; " + chunk(1, a[half:])},
			"the other way round":                    {chunk(0, a[:half]) + "; " + chunk(1, v[half:])},
			"one behind the other":                   {chunk(0, v) + "; " + chunk(1, a)},
			"the other in front":                     {chunk(0, a) + "; " + chunk(1, v)},
			"three, the middle one of the other":     {chunk(0, v[:third]), chunk(1, a[third:2*third]), chunk(2, v[2*third:])},
			"the last one missing":                   {chunk(0, v[:half])},
			"the first one missing":                  {chunk(1, v[half:])},
			"from one on":                            {chunk(1, v[:half]) + "; " + chunk(2, v[half:])},
			"a gap":                                  {chunk(0, v[:half]) + "; " + chunk(2, v[half:])},
			"a gap that the other's fills":           {chunk(0, v[:third]), chunk(2, v[2*third:]), chunk(1, a[third:2*third])},
			"one too many":                           {chunk(0, v[:half]) + "; " + chunk(1, v[half:]) + "; " + chunk(2, "x")},
			"a far one":                              {name + "=" + v, chunk(59, "x")},
			"sixty":                                  {strings.Join(many, "; ")},
			"sixty lines":                            many,
			"joined by commas":                       {chunk(0, v[:half]) + ", " + chunk(1, v[half:])},
			"quoted":                                 {name + `="` + v + `"`},
			"a blank within":                         {name + "=" + v[:half] + " " + v[half:]},
			"two tokens":                             {name + "=" + v + a},
			"two tokens and a comma":                 {name + "=" + v + "," + a},
			"two tokens and an escaped semicolon":    {name + "=" + v + "%3B" + a},
			"escaped twice":                          {name + "=" + strings.ReplaceAll(v, ".", "%252E")},
			"60,000 bytes in front":                  {name + "=" + strings.Repeat("A", 60000) + v},
		} {
			if got := s.brings(d, lines...); got.email != "" || got.kept != "" || got.status != http.StatusOK {
				t.Errorf("%s, %s: answered as %q, kept as %q (%d)", d, what, got.email, got.kept, got.status)
			}
		}
	}
}

// A Cookie header of any size and form costs the sender their session at most:
// it is never another's, and never a fault of ours.
func TestTossing_hugeHeadersAreNobodyAtWorst(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "victim@app.example")
	for _, d := range dialects {
		own := d.session() + "=" + s.browser(d).signIn(t, "victim@app.example", password).jar[d.session()]
		var names strings.Builder
		for i := range 3000 {
			fmt.Fprintf(&names, "x%d=y; ", i)
		}
		for what, lines := range map[string][]string{
			"one value of 180 kB":     {"x=" + strings.Repeat("y", 180<<10), own},
			"one value of 1 MB":       {"x=" + strings.Repeat("y", 1<<20), own},
			"1 MB behind":             {own, "x=" + strings.Repeat("y", 1<<20)},
			"three thousand cookies":  {names.String() + own},
			"three thousand behind":   {own + "; " + names.String()},
			"300,000 separators":      {strings.Repeat(";", 300000) + own},
			"300,000 equals signs":    {strings.Repeat("=", 300000) + "; " + own},
			"100,000 escapes":         {"x=" + strings.Repeat("%41", 100000) + "; " + own},
			"a thousand lines":        append(slices.Repeat([]string{"x=y"}, 1000), own),
			"nothing":                 {"", own},
			"control characters":      {"x=\x00\x01\r\n\x1b[2J; " + own},
			"bytes that are no UTF-8": {"\xff\xfe=\xff; " + own},
		} {
			got := s.brings(d, lines...)
			if got.status != http.StatusOK || got.email != "" && got.email != "victim@app.example" {
				t.Errorf("%s, %s: %d as %q", d, what, got.status, got.email)
			}
			for _, line := range got.header["Set-Cookie"] {
				if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) || len(line) > 4096 {
					t.Errorf("%s, %s: sets %.80q of %d bytes", d, what, line, len(line))
				}
			}
		}
		for what, line := range map[string]string{"one byte more": own + "; x=y", "separators": ";;; " + own + " ;;;", "tabs": "\t" + own + "\t"} {
			if got := s.brings(d, line); got.email != "victim@app.example" {
				t.Errorf("%s, the control, %s: %q", d, what, got.email)
			}
		}
	}
}
