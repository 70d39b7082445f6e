package wire_test

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/gatehouse-auth/gatehouse/internal/web/authjs/wire"
)

func origin(t testing.TB, s string) wire.Origin {
	t.Helper()
	o, err := wire.ParseOrigin(s)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestParseOrigin_normalises(t *testing.T) {
	for in, want := range map[string]string{
		"https://app.example":        "https://app.example",
		"https://app.example/":       "https://app.example",
		"HTTPS://App.Example:443":    "https://app.example",
		"http://localhost:80":        "http://localhost",
		"http://localhost:3000":      "http://localhost:3000",
		"https://[::1]:8443":         "https://[::1]:8443",
		"https://xn--bcher-kva.test": "https://xn--bcher-kva.test",
	} {
		if got, err := wire.ParseOrigin(in); err != nil || got.String() != want {
			t.Errorf("ParseOrigin(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", "app.example", "//app.example", "ftp://app.example", "https://", "https:/app.example", `https:\\app.example`, "https://app.example/x",
		"https://app.example?x", "https://app.example#x", "https://u@app.example", "https://a b", "https://bücher.test", "https://127.1", "https://app.example:99999",
		"https://app.example//", "https://[::1", "https://%61pp.example",
	} {
		if got, err := wire.ParseOrigin(in); err == nil {
			t.Errorf("ParseOrigin(%q) = %q, want an error", in, got)
		}
	}
	if !origin(t, "https://a.example").Secure() || origin(t, "http://a.example").Secure() {
		t.Error("Secure does not follow the scheme")
	}
}

const (
	refused  = "refused"
	replaced = "replaced"
	kept     = "kept"
)

// proves: ASVS 1.2.2, ASVS 1.3.3
func TestRedirect_neverLeavesTheOrigin(t *testing.T) {
	o := origin(t, "https://app.example.test")
	for v, want := range map[string]string{
		"https://app.example.test/x?y#z":                          kept,
		"https://app.example.test:443/x":                          kept,
		"https://app.example.test:/x":                             kept,
		"https://APP.example.TEST?x":                              kept,
		" https://app.example.test/x ":                            kept,
		`https://app.example.test/\@evil.example`:                 kept,
		"https://app.example.test/ä ö":                            kept,
		"https://user:pw@app.example.test/":                       kept,
		"https://evil.example":                                    replaced,
		"https://app.example.test.evil.example/":                  replaced,
		"https://app.example.test@evil.example/":                  replaced,
		"https://evil.example@app.example.test@app.example.test/": replaced,
		`https://app.example.test\@evil.example/`:                 replaced,
		`https://evil.example\@app.example.test/`:                 replaced,
		"https://evil.example#@app.example.test/":                 replaced,
		"https://app.example.test./":                              replaced,
		"https://app.example.test:8443/":                          replaced,
		"http://app.example.test/":                                replaced,
		"https:app.example.test/x":                                replaced,
		"https:/app.example.test/x":                               replaced,
		"https:///app.example.test/x":                             replaced,
		`https:\\app.example.test/x`:                              replaced,
		"https://%61pp.example.test/":                             replaced,
		"https://ａpp.example.test/":                               replaced,
		"https://app.example.test\u3002/":                         replaced,
		"https://app。example。test/":                               replaced,
		"javascript:alert(1)":                                     replaced,
		"data:text/html,x":                                        replaced,
		"blob:https://app.example.test/0":                         replaced,
		"mailto:a@example.test":                                   replaced,
		"ftp://app.example.test/":                                 replaced,
		"":                                                        refused,
		"x":                                                       refused,
		"?x":                                                      refused,
		`\\evil.example`:                                          refused,
		"https://":                                                refused,
		"https:":                                                  refused,
		"https://a b/":                                            refused,
		"https://a:b/":                                            refused,
		"https://[::1/":                                           refused,
		"https://u@/":                                             refused,
		"https://1.2.3.4.5/":                                      refused,
		"https://256.0.0.1/":                                      refused,
		"https://a%zz/":                                           refused,
		"https://a<b/":                                            refused,
		"https://app.example.test/\r\nSet-Cookie: a=b":            refused,
		"https://app.example.test/\t":                             refused,
		"https://app.example.test/\u0085":                         refused,
		"https://app.example.test/\x7f":                           refused,
		"https://app.example.test/\xff":                           refused,
		"java\tscript:alert(1)":                                   refused,
		"https://app.example.test/" + strings.Repeat("x", 5000):   refused,
		"/\x00": refused,
	} {
		got, err := o.Redirect(v)
		switch want {
		case refused:
			if !errors.Is(err, wire.ErrCallbackURL) {
				t.Errorf("Redirect(%q) = %q, %v, want ErrCallbackURL", v, got, err)
			}
		case replaced:
			if err != nil || got != o.String() {
				t.Errorf("Redirect(%q) = %q, %v, want the origin", v, got, err)
			}
		case kept:
			if err != nil || got != v {
				t.Errorf("Redirect(%q) = %q, %v, want it unchanged", v, got, err)
			}
		}
	}
	for _, path := range []string{"/", "/x", "//evil.example/x", `/\evil.example`, "/@evil.example", "/%2F%2Fevil.example", "/ä ö"} {
		if got, err := o.Redirect(path); err != nil || got != o.String()+path {
			t.Errorf("Redirect(%q) = %q, %v, want it behind the origin", path, got, err)
		}
	}
}

func TestCheckCallbackURL_wantsHTTP(t *testing.T) {
	o := origin(t, "http://localhost:3000")
	for _, v := range []string{
		"/", "/x", "//evil.example/x", `/\evil.example`, "///evil.example", "https://evil.example", "http:/dashboard", "http:dashboard", `http:\\x`,
		"http://ｌocalhost/", "http://1.2.3/", "http://0x7f.1", "http://[::1]:80/", " http://a/ ", "http://a_b/", "http://xn--bcher-kva/",
	} {
		if err := o.CheckCallbackURL(v); err != nil {
			t.Errorf("CheckCallbackURL(%q): %v, want none", v, err)
		}
	}
	for _, v := range []string{
		"", "//", "///", `/\`, "//a b/", "//a:99999/", "//u@/", "javascript:alert(1)", "x", " /x", "?x", "#x", "ftp://a/", "http://", "https:///",
		"http://a:b", "http://0x7g.1.999.1.1", "http://1.2.3.999/", "http://[::1%25eth0]/", "http://[1.2.3.4]/", "http://a|b/", "http://a%00b/", "http://%ff/", "/\n",
	} {
		if err := o.CheckCallbackURL(v); !errors.Is(err, wire.ErrCallbackURL) {
			t.Errorf("CheckCallbackURL(%q): %v, want ErrCallbackURL", v, err)
		}
	}
}

func TestCallbackURL_choosesBodyThenQueryThenCookie(t *testing.T) {
	o := origin(t, "http://localhost:3000")
	const base = "http://localhost:3000"
	for _, c := range []struct {
		body, query, cookie string
		want                string
		setCookie, fails    bool
	}{
		{"", "", "", base, true, false},
		{"", "", base, base, false, false},
		{"/b", "/q", base + "/c", base + "/b", true, false},
		{"", "/q", base + "/c", base + "/q", true, false},
		{"", "", base + "/c", base + "/c", false, false},
		{base + "/c", "", base + "/c", base + "/c", false, false},
		{"", "", "https://evil.example/", base, true, false},
		{"/b", "javascript:x", "", base, false, true}, // the query is checked though the body decides
		{"/b", "", "javascript:x", base, false, true},
		{"javascript:x", "", "", base, true, false}, // parses, and is replaced
		{"nonsense", "", "", base, false, true},
	} {
		got, set, err := o.CallbackURL(c.body, c.query, c.cookie)
		if got != c.want || set != c.setCookie || (err != nil) != c.fails {
			t.Errorf("CallbackURL(%q, %q, %q) = %q, %v, %v; want %q, %v, error %v", c.body, c.query, c.cookie, got, set, err, c.want, c.setCookie, c.fails)
		}
	}
}

// browserURL is an independent, cruder model of where a browser goes: blanks and
// line breaks removed, backslashes in front of the query made slashes.
var browserURL = regexp.MustCompile(`^(?i:(https?)):/*(?:[^/?#]*@)?(\[[^\]/?#]*\]|[^/?#:]*)(?::([0-9]*))?(?:[/?#]|$)`)

func browserOrigin(text string) string {
	text = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(strings.TrimFunc(text, func(r rune) bool { return r <= ' ' }))
	end := len(text)
	if i := strings.IndexAny(text, "?#"); i >= 0 {
		end = i
	}
	text = strings.ReplaceAll(text[:end], `\`, "/") + text[end:]
	m := browserURL.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	scheme, host, port := strings.ToLower(m[1]), strings.ToLower(m[2]), strings.TrimLeft(m[3], "0")
	if port == "" && m[3] != "" {
		port = "0" // port nought is a port
	}
	if port == "" || scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		return scheme + "://" + host
	}
	return scheme + "://" + host + ":" + port
}

func FuzzRedirect(f *testing.F) {
	for _, o := range []string{"http://localhost:3000", "https://app.example.test", "http://127.0.0.1"} {
		for _, v := range []string{
			"/x", "//evil.example", `/\evil.example`, o, o + "/x", o + `\@evil.example/`, o + "@evil.example", "http:/x", "//", " " + o,
			"blob:" + o, strings.ToUpper(o), o + ":1", o + "./", "http://%6cocalhost:3000", "http://ｌocalhost:3000", "http://127.1", o + "?@a", o + "#@a", o + "\t/x",
		} {
			f.Add(o, v)
		}
	}
	f.Fuzz(func(t *testing.T, base, v string) {
		o, err := wire.ParseOrigin(base)
		if err != nil {
			return
		}
		if got := browserOrigin(o.String()); got != o.String() {
			t.Fatalf("ParseOrigin(%q) = %q, which the model reads as %q", base, o, got)
		}
		got, err := o.Redirect(v)
		if err != nil {
			if got != "" {
				t.Fatalf("Redirect(%q) failed and returned %q", v, got)
			}
			return
		}
		if strings.ContainsFunc(got, unicode.IsControl) {
			t.Fatalf("Redirect(%q) = %q has control characters", v, got)
		}
		if got != v && got != o.String() && got != o.String()+v {
			t.Fatalf("Redirect(%q) = %q, neither the text nor the origin", v, got)
		}
		if there := browserOrigin(got); there != o.String() {
			t.Fatalf("Redirect(%q) at %s = %q, which a browser takes to %q", v, o, got, there)
		}
		// Not all that is fine is fine with net/url; but where it reads a host, it
		// must read ours.
		if u, err := url.Parse(strings.Trim(got, " ")); err == nil {
			if there := browserOrigin(u.Scheme + "://" + u.Host); there != o.String() {
				t.Fatalf("Redirect(%q) at %s = %q, which RFC 3986 takes to %q", v, o, got, there)
			}
		}
	})
}

func FuzzCheckCallbackURL(f *testing.F) {
	for _, v := range []string{"/", "//", "http://a", "http:/a:b", "https://[::1]", "ftp://a", "http://0x1.2", "/\\", "http://a@"} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v string) {
		o := origin(t, "https://app.example.test")
		if o.CheckCallbackURL(v) != nil {
			return
		}
		if _, err := o.Redirect(v); err != nil {
			t.Fatalf("%q passes the check and not the rule", v)
		}
		if !strings.HasPrefix(v, "/") && browserOrigin(v) == "" {
			t.Fatalf("%q passes the check and is no http URL", v)
		}
	})
}
