package attack_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse"
)

// where asks a real URL parser, that of Node.js, where a browser goes that is
// sent to each of the addresses from a page of ours: an origin, or the scheme of
// what has none. Node follows the WHATWG standard as Chromium does. An address
// that it refuses leads nowhere: the empty text.
func where(t *testing.T, addresses []string) []string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no node, whose URL parser this test asks")
		}
		t.Skip("no node, whose URL parser this test asks")
	}
	const program = `
		const list = JSON.parse(require("fs").readFileSync(0, "utf8"));
		console.log(JSON.stringify(list.map((a) => {
			try { const u = new URL(a, "` + origin + `/api/auth/signin"); return /^https?:$/.test(u.protocol) ? u.origin : u.protocol; } catch { return ""; }
		})));`
	in, _ := json.Marshal(addresses)
	var out, faults bytes.Buffer
	c := exec.CommandContext(t.Context(), node, "-e", program)
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(in), &out, &faults
	if err := c.Run(); err != nil {
		t.Fatalf("node: %v\n%s", err, faults.String())
	}
	var list []string
	if err := json.Unmarshal(out.Bytes(), &list); err != nil || len(list) != len(addresses) {
		t.Fatalf("node answered %d of %d: %v", len(list), len(addresses), err)
	}
	return list
}

// latin1 is the text as a reader sees it who takes each byte of a header for one
// character.
func latin1(s string) string {
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return string(runes)
}

// The parser that the other tests judge by is not kinder to us than a browser's:
// what it calls ours is ours.
func TestBrowserOrigin_agreesWithARealParser(t *testing.T) {
	var list []string
	for _, a := range callbackURLs {
		list = append(list, a, origin+a, a+origin, strings.Replace(a, "evil.example", "evil.example:3000", 1))
	}
	ours := 0
	for i, got := range where(t, list) {
		if mine := browserOrigin(list[i]); mine == origin {
			ours++
			if got != origin && got != "" {
				t.Errorf("%q leads to %q, and browserOrigin says %q", list[i], got, mine)
			}
		}
	}
	if ours < 50 || ours == len(list) {
		t.Errorf("%d of %d are ours: the test looks at the wrong thing", ours, len(list))
	}
}

// Wherever an answer leads, in a header, in JSON, in a cookie, in a link or a
// form of a page, or by the callback URL that the application's own page is
// given: a real parser finds our origin there.
//
// proves: BCP-2, ASVS 3.7.2, ASVS 1.2.2, NEXT-30
func TestCallbackURLs_leadToUsInTheEyesOfARealParser(t *testing.T) {
	var places, targets []string
	known := map[string]bool{}
	add := func(place, target string) {
		if target != "" && !known[target] {
			known[target] = true
			places, targets = append(places, place, place), append(targets, target, latin1(target))
		}
	}
	own := gatehouse.Pages{SignIn: "/login", SignOut: "/bye", Error: "/oops", VerifyRequest: "/mail?x=1", NewUser: "/welcome"}
	for what, pages := range map[string]gatehouse.Pages{"hosted pages": {}, "pages of its own": own} {
		s := newSite(t, func(c *gatehouse.Config) {
			for i := range c.Mounts {
				c.Mounts[i].Pages = pages
			}
		})
		for _, d := range dialects {
			clean := s.browser(d)
			clean.token()
			for _, callback := range callbackURLs {
				for door, q := range callbackRequests(clean, callback) {
					if pages != (gatehouse.Pages{}) && q.method != http.MethodGet {
						continue // they make a difference where people are led to alone
					}
					a := s.send(q)
					place := what + ", " + d.String() + ", " + door + ", " + callback
					add(place+": Location", a.header.Get("Location"))
					add(place+": JSON", a.location())
					add(place+": Refresh", a.header.Get("Refresh"))
					add(place+": cookie", decoded(a.cookies()[d.stem+"callback-url"]))
					// The page that says that mail is on its way gets the query as it came, as
					// from the library: whoever made the link could have linked to that page.
					if u, err := url.Parse(a.location()); err == nil && u.Path != "/mail" {
						add(place+": handed on", u.Query().Get("callbackUrl"))
					}
					if strings.Contains(a.header.Get("Content-Type"), "html") {
						for _, link := range links(a.body) {
							add(place+": link", link)
							if u, err := url.Parse(link); err == nil {
								add(place+": handed on by a link", u.Query().Get("callbackUrl"))
							}
						}
					}
				}
			}
		}
	}
	for i, got := range where(t, targets) {
		if got != origin && got != "" {
			t.Errorf("%.300s leads to %q by %.200q", places[i], got, targets[i])
		}
	}
	if len(targets) < 2*len(callbackURLs) {
		t.Errorf("only %d addresses seen; the test looks at the wrong thing", len(targets))
	}
}

// links are all addresses that a page names.
func links(page string) (list []string) {
	for _, attribute := range []string{"href", "src", "action", "formaction", "content"} {
		for rest := page; ; {
			_, after, found := strings.Cut(rest, " "+attribute+`="`)
			if !found {
				break
			}
			var value string
			value, rest, _ = strings.Cut(after, `"`)
			if attribute != "content" {
				list = append(list, unescapeHTML.Replace(value))
			}
		}
	}
	return list
}

var unescapeHTML = strings.NewReplacer("&amp;", "&", "&#43;", "+", "&#34;", `"`, "&#39;", "'", "&lt;", "<", "&gt;", ">")

// Somebody who signs in, signs up, or takes the step of a new password is led on
// to our origin alone, whichever of the doors the address came by.
//
// proves: BCP-2, NEXT-30
func TestCallbackURLs_whenSignedInLeadToUsToo(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "victim@app.example")
	var places, targets []string
	for _, d := range dialects {
		for i, evil := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "http://localhost:3000@evil.example", "javascript:alert(1)"} {
			for door, ready := range map[string]func(b *browser, fields map[string]string) (query string){
				"body":  func(_ *browser, fields map[string]string) string { fields["callbackUrl"] = evil; return "" },
				"query": func(*browser, map[string]string) string { return "?callbackUrl=" + url.QueryEscape(evil) },
				"cookie": func(b *browser, _ map[string]string) string {
					b.jar[d.stem+"callback-url"] = url.QueryEscape(evil)
					return ""
				},
			} {
				if i > 1 && door != "body" {
					continue // each sign-in costs a hash
				}
				b := s.browser(d)
				fields := map[string]string{"identifier": "victim@app.example", "password": password}
				b.token()
				a := b.form("/callback/credentials"+ready(b, fields), fields)
				if !a.beginsSession() || a.location() == "" {
					t.Fatalf("%s, %s, %q: the control is not signed in: %d %s", d, door, evil, a.status, a.body)
				}
				places, targets = append(places, d.String()+", "+door+", "+evil), append(targets, a.location())
			}
		}
		b := s.browser(d)
		a := b.form("/signup?callbackUrl="+url.QueryEscape("https://evil.example/"), map[string]string{"identifier": "new-" + d.String() + "@app.example", "password": password})
		if a.status != http.StatusSeeOther || !a.beginsSession() {
			t.Fatalf("%s: sign-up: %d", d, a.status)
		}
		places, targets = append(places, d.String()+", sign-up"), append(targets, a.location())
	}
	for i, got := range where(t, targets) {
		if got != origin {
			t.Errorf("%s: led to %q (%s)", places[i], targets[i], got)
		}
	}
}
