package attack_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// callbackURLs are addresses that an attacker would like a browser to go on to
// after a visit to us, and spellings of our own that might hide one.
var callbackURLs = []string{
	// another host, plainly and with slashes in every number and direction
	"https://evil.example", "http://evil.example", "//evil.example", "///evil.example", "////evil.example", `/\evil.example`, `/\/evil.example`,
	`\\evil.example`, `\/evil.example`, `\evil.example`, "/\t/evil.example", "/\n/evil.example", "/\r\n/evil.example", "\t//evil.example",
	" //evil.example", "\u00a0//evil.example", "\ufeff//evil.example", "\u3000//evil.example", strings.Repeat("/", 3000) + "evil.example",
	"/..//evil.example", "/.//evil.example", "/%2f%2fevil.example", "/%5cevil.example", "/%09/evil.example", "/@evil.example", "/:80@evil.example",
	"http:evil.example", "http:/evil.example", "http:///evil.example", `http:\\evil.example`, "https:evil.example", `http:/\evil.example`,
	// ours in front, theirs behind
	"http://localhost:3000@evil.example", "http://localhost:3000%40evil.example", "http://localhost:3000:80@evil.example",
	"http://localhost:3000.evil.example", "http://localhost.evil.example:3000", `http://localhost:3000\@evil.example`, `http://localhost:3000\.evil.example`,
	"http://localhost:3000;@evil.example", "http://localhost:3000%2f@evil.example/", "http://localhost:3000%5c@evil.example/",
	"http://localhost:3000%23@evil.example/", "http://localhost:3000\uff0f@evil.example", "http://localhost%00.evil.example",
	"http://localhost\u3002evil.example:3000", "http://localhost\uff0fevil.example", "http://localhost%09.evil.example:3000", "http://a:b@c@evil.example",
	// theirs in front, ours behind
	"http://evil.example#@localhost:3000", "http://evil.example?http://localhost:3000", `http://evil.example\@localhost:3000`, "http://evil.example/http://localhost:3000",
	"http://evil.example%2f@localhost:3001/", "http://evil.example:80\\@localhost:3000",
	// nearly ours
	"http://localhost:30000", "http://localhost:300", "http://localhost", "https://localhost:3000", "http://localhost.:3000", "http://127.0.0.1:3000",
	"http://[::1]:3000", "http://0x7f.1:3000", "http://2130706433:3000", "http://localho\u017ft:3000", "http://\uff4cocalhost:3000", "http://loc\u00adalhost:3000",
	"http://loc%61lhost:3000/", "http://local\thost:3000/", "http://local\nhost:3000/", "http://xn--localhost-:3000", "http://localhost:+3000", "http://localhost: 3000",
	// ours, oddly
	origin, origin + "/", "/", "/x", "HTTP://localhost:3000/x", "hTTp://LocalHost:3000", "http://localhost:03000", "http://user:pw@localhost:3000/",
	"http://a@b@localhost:3000/", `http:\\localhost:3000\x`, "http:/localhost:3000/x", "http:localhost:3000", "http://localhost:3000#@evil.example",
	"http://localhost:3000?@evil.example", " http://localhost:3000", "http://localhost:3000 ", "http://localhost:3000/\u00e9\U0001f600",
	// other schemes
	"javascript:alert(1)", "JaVaScRiPt:alert(1)", "javascript://localhost:3000/%0aalert(1)", "java\tscript:alert(1)", "\x01javascript:alert(1)",
	"data:text/html,<script>alert(1)</script>", "vbscript:x", "file:///etc/passwd", "blob:http://localhost:3000/x", "filesystem:http://localhost:3000/x",
	"view-source:http://localhost:3000", "about:blank", "mailto:a@b.example", "ftp://localhost:3000", "ws://localhost:3000", "intent://x",
	// relative, broken, enormous
	"evil.example", ".evil.example", "@evil.example", ":@evil.example", "?x", "#x", "x", ".", "..", "http://", "https://", "http:", ":", "::", "http://[", "http://]",
	"http://[::1", "http://a:b:c", "http://:80", "%68ttp://evil.example", "http%3A%2F%2Fevil.example", "h\x00ttp://evil.example", "//", "/\x00", "/\xff\xfe",
	"/" + strings.Repeat("a", 5000), origin + "/" + strings.Repeat("a", 5000),
	// headers and markup
	"/x\r\nSet-Cookie: a=b", "/%0d%0aLocation:http://evil.example", "/\u2028/evil.example", "/<script>alert(1)</script>", `/"onmouseover=alert(1)`,
}

// browserOrigin is where a browser at base goes for the text of a Location
// header: scheme and host of the WHATWG URL parser as far as attacks need it.
// What it would have to rewrite to know the host (other letters than ASCII,
// escapes) it calls strange, so that it is never taken for ours.
func browserOrigin(location string) string {
	text := strings.Trim(location, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f ")
	text = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(text)
	scheme, rest, absolute := strings.Cut(text, ":")
	scheme = strings.ToLower(scheme)
	const letters = "abcdefghijklmnopqrstuvwxyz"
	if !absolute || scheme == "" || strings.Trim(scheme, letters+"0123456789+-.") != "" || !strings.Contains(letters, scheme[:1]) {
		scheme, rest = "http", text // relative to the page, which is ours
		if !strings.HasPrefix(strings.ReplaceAll(rest, `\`, "/"), "//") {
			return origin
		}
	}
	if scheme != "http" && scheme != "https" {
		return scheme + ":"
	}
	rest = strings.TrimLeft(rest, `/\`)
	if end := strings.IndexAny(rest, `/\?#`); end >= 0 {
		rest = rest[:end]
	}
	host := strings.ToLower(rest[strings.LastIndexByte(rest, '@')+1:])
	if strings.ContainsFunc(host, func(r rune) bool { return r >= 0x80 || r == '%' || r <= ' ' }) {
		return "strange"
	}
	if name, port, ok := strings.Cut(host, ":"); ok && !strings.HasPrefix(host, "[") {
		host = name + ":" + strings.TrimLeft(port, "0") // a port is a number
	}
	return scheme + "://" + host
}

func TestBrowserOrigin_knowsWhereAttacksLead(t *testing.T) {
	for location, want := range map[string]string{
		origin: origin, origin + "/x": origin, "/x": origin, "x": origin, "?x": origin, "HTTP://LOCALHOST:3000": origin,
		"http://localhost:03000": origin, origin + "//evil.example": origin, origin + `/\evil.example`: origin, "http://a@localhost:3000/": origin,
		`//evil.example`: "http://evil.example", `/\evil.example`: "http://evil.example", `\\evil.example`: "http://evil.example",
		"/\t/evil.example": "http://evil.example", " //evil.example": "http://evil.example", "http:evil.example": "http://evil.example",
		"http:///evil.example": "http://evil.example", origin + "@evil.example": "http://evil.example", `http://evil.example\@localhost:3000`: "http://evil.example",
		"http://evil.example#@localhost:3000": "http://evil.example", origin + ".evil.example": "http://localhost:3000.evil.example",
		"javascript:alert(1)": "javascript:", "java\tscript:alert(1)": "javascript:", "data:x": "data:", "blob:" + origin + "/x": "blob:",
		"http://localho\u017ft:3000": "strange", "http://loc%61lhost:3000": "strange", "https://localhost:3000": "https://localhost:3000",
	} {
		if got := browserOrigin(location); got != want {
			t.Errorf("browserOrigin(%q) = %q, want %q", location, got, want)
		}
	}
}

// proves: ASVS 1.2.2, ASVS 3.7.2, BCP-2, NEXT-30
func TestCallbackURLs_neverLeadToAnotherOrigin(t *testing.T) {
	s := newSite(t, nil)
	for _, d := range dialects {
		clean := s.browser(d)
		clean.token()
		led := 0
		for _, callback := range callbackURLs {
			for name, q := range callbackRequests(clean, callback) {
				a := s.send(q)
				if a.status >= 500 {
					t.Errorf("%s, %q in the %s: status %d", d, callback, name, a.status)
				}
				for where, target := range map[string]string{"answer": a.location(), "cookie": decoded(a.cookies()[d.stem+"callback-url"])} {
					if target == "" {
						continue
					}
					led++
					if got := browserOrigin(target); got != origin || strings.ContainsAny(target, "\r\n\x00") {
						t.Errorf("%s, %q in the %s: the %s leads to %q (%s)", d, callback, name, where, target, got)
					}
				}
				for _, markup := range []string{"<script>alert", "onmouseover=", "javascript:"} {
					if strings.Contains(a.header.Get("Content-Type"), "html") && strings.Contains(a.body, markup) {
						t.Errorf("%s, %q in the %s: the page carries %q", d, callback, name, markup)
					}
				}
			}
		}
		if led < len(callbackURLs) {
			t.Errorf("%s: only %d answers led anywhere; the test looks at the wrong thing", d, led)
		}
	}
}

// callbackRequests bring a callback URL in by every door there is.
func callbackRequests(clean *browser, callback string) map[string]request {
	escaped := url.QueryEscape(callback)
	token := clean.jar[clean.stem+"csrf-token"]
	proof, _, _ := strings.Cut(decoded(token), "|")
	body := url.Values{"csrfToken": {proof}, "callbackUrl": {callback}}
	cookies := map[string]string{clean.stem + "csrf-token": token}
	planted := map[string]string{clean.stem + "csrf-token": token, clean.stem + "callback-url": escaped}
	without := url.Values{"csrfToken": {proof}}.Encode()
	all := map[string]request{
		"body of sign-out":        {http.MethodPost, clean.base + "/signout", formType, body.Encode(), nil, cookies},
		"body of sign-out (JSON)": {http.MethodPost, clean.base + "/signout", formType, body.Encode() + "&json=true", http.Header{"X-Auth-Return-Redirect": {"1"}}, cookies},
		"body of sign-in":         {http.MethodPost, clean.base + "/signin/credentials", formType, body.Encode(), nil, cookies},
		"body of the callback":    {http.MethodPost, clean.base + "/callback/credentials", formType, body.Encode() + "&email=!&password=x", nil, cookies},
		"query of sign-out":       {http.MethodPost, clean.base + "/signout?callbackUrl=" + escaped, formType, without, nil, cookies},
		"cookie":                  {http.MethodPost, clean.base + "/signout", formType, without, nil, planted},
		"cookie of GET /csrf":     {http.MethodGet, clean.base + "/csrf", "", "", nil, planted},
	}
	for _, page := range []string{"/signin", "/signout", "/error", "/verify-request", "/signup", "/setup", "/account", "/new-password", "/signed-out"} {
		all["query of GET "+page] = request{http.MethodGet, clean.base + page + "?callbackUrl=" + escaped, "", "", nil, cookies}
	}
	// Where an address might be looked for, and is not.
	names := url.Values{}
	for _, name := range []string{"redirect", "redirectTo", "redirect_uri", "returnTo", "next", "url", "error", "callbackurl", "CallbackURL", "callbackUrl[]", "lang", "code"} {
		names.Set(name, callback)
	}
	all["other names in the query"] = request{http.MethodPost, clean.base + "/signout?" + names.Encode(), formType, without, nil, cookies}
	all["other names in the body"] = request{http.MethodPost, clean.base + "/signout", formType, without + "&" + names.Encode(), nil, cookies}
	all["other names in a page's query"] = request{http.MethodGet, clean.base + "/signin?" + names.Encode(), "", "", nil, cookies}
	if !strings.ContainsAny(callback, "\r\n\x00") && len(callback) < 1000 { // others net/http lets nobody send
		headers := http.Header{}
		for _, name := range []string{"Referer", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "X-Original-Url", "X-Rewrite-Url", "X-Callback-Url", "Location"} {
			headers.Set(name, callback)
		}
		all["headers"] = request{http.MethodPost, clean.base + "/signout", formType, without, headers, cookies}
		all["headers of a page"] = request{http.MethodGet, clean.base + "/account", "", "", headers, cookies}
	}
	// The last one of a form's field counts, and so does the last of the query's.
	first := url.Values{"csrfToken": {proof}, "callbackUrl": {callback, "/inside"}}
	all["first of two in the body"] = request{http.MethodPost, clean.base + "/signout", formType, first.Encode(), nil, cookies}
	all["first of two in the query"] = request{http.MethodPost, clean.base + "/signout?callbackUrl=" + escaped + "&callbackUrl=%2Finside", formType, without, nil, cookies}
	all["form of the hosted page"] = request{http.MethodPost, clean.base + "/signout", formType, body.Encode() + "&hosted=1", nil, cookies}
	return all
}

func decoded(cookie string) string {
	if text, err := url.PathUnescape(cookie); err == nil {
		return text
	}
	return cookie
}

// A sign-in that works goes on to the callback URL: the one place where an
// attacker's link would be followed by somebody who has just typed a password.
//
// proves: BCP-2, NEXT-30
func TestSignIn_goesOnToOurOwnOriginAlone(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "victim@app.example")
	for _, d := range dialects {
		for callback, want := range map[string]string{
			"//evil.example":                     origin + "//evil.example",
			"https://evil.example/":              origin,
			"http://localhost:3000@evil.example": origin,
			"/inside?x=1":                        origin + "/inside?x=1",
		} {
			b := s.browser(d)
			a := b.form("/callback/credentials", map[string]string{"identifier": "victim@app.example", "password": password, "callbackUrl": callback})
			if !a.beginsSession() || a.location() != want {
				t.Errorf("%s, %q: led to %q, want %q (session begun: %v)", d, callback, a.location(), want, a.beginsSession())
			}
		}
	}
}
