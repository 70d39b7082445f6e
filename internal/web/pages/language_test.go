package pages_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/gatehouse-auth/gatehouse/internal/web/pages"
)

func TestLanguage_isChosenByAddressThenCookieThenBrowserThenSetting(t *testing.T) {
	german := options()
	german.Language = "de"
	byDefault, err := pages.New(german)
	if err != nil {
		t.Fatal(err)
	}
	english := newSet(t)
	for _, c := range []struct {
		name                   string
		set                    *pages.Set
		address, cookie, brows string
		want                   string
	}{
		{"nothing said", english, "", "", "", "en"},
		{"nothing said, German by setting", byDefault, "", "", "", "de"},
		{"the browser's", english, "", "", "de-AT,de;q=0.9,en;q=0.8", "de"},
		{"the browser's second", english, "", "", "fr-FR,fr;q=0.9,de;q=0.5", "de"},
		{"none of the browser's", byDefault, "", "", "fr,it;q=0.5", "de"},
		{"the browser's order", english, "", "", "en;q=0.3,de;q=0.7", "de"},
		{"nonsense from the browser", english, "", "", "§$%,,;q=x", "en"},
		{"much nonsense from the browser", english, "", "", strings.Repeat("a-", 5000), "en"},
		{"the cookie before the browser", english, "", "de", "en", "de"},
		{"a cookie that is none", english, "", "xx", "de", "de"},
		{"a hostile cookie", english, "", `"><script>`, "", "en"},
		{"the address before all", english, "de", "en", "en", "de"},
		{"an address that is none", english, "fr", "de", "en", "de"},
		{"a hostile address", english, `"><script>`, "", "", "en"},
		{"not by kinship", english, "de-CH", "", "", "en"},
	} {
		p := show(t, c.set, scenes()["sign in"], func(r *http.Request) {
			r.URL.RawQuery = url.Values{"lang": {c.address}}.Encode()
			if c.cookie != "" {
				r.Header.Set("Cookie", "__Host-next-auth.language="+c.cookie)
			}
			r.Header.Set("Accept-Language", c.brows)
		})
		heading := map[string]string{"en": "<h1>Sign in</h1>", "de": "<h1>Anmelden</h1>"}[c.want]
		if got := p.Header().Get("Content-Language"); got != c.want || !strings.Contains(p.Body.String(), heading) || !strings.Contains(p.Body.String(), `<html lang="`+c.want+`" dir="ltr">`) {
			t.Errorf("%s: in %q, want %q", c.name, got, c.want)
		}
		chosen := c.address == c.want && c.cookie != c.want
		if kept := p.Header().Get("Set-Cookie"); chosen != (kept != "") {
			t.Errorf("%s: Set-Cookie %q", c.name, kept)
		}
	}
}

// proves: ASVS 3.3.1, ASVS 3.3.2
func TestLanguage_isKeptInACookieOfItsOwn(t *testing.T) {
	s := newSet(t)
	p := show(t, s, scenes()["sign in"], func(r *http.Request) { r.URL.RawQuery = "lang=de" })
	want := "__Host-next-auth.language=de; Path=/; Max-Age=31536000; HttpOnly; Secure; SameSite=Lax"
	if got := p.Header().Get("Set-Cookie"); got != want {
		t.Errorf("Set-Cookie\n got %s\nwant %s", got, want)
	}
}

// picker is where the language picker leads, by language.
func picker(p shown) map[string]string {
	links := map[string]string{}
	for n := range p.doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == "a" && get(n, "hreflang") != "" {
			links[get(n, "hreflang")] = get(n, "href")
		}
	}
	return links
}

func TestPicker_keepsWhereThePageWillLead(t *testing.T) {
	s := newSet(t)
	for _, back := range []string{"/inside?a=b&c=d", "https://app.example/inside", "/ümlaut"} {
		p := show(t, s, scenes()["sign in"], func(r *http.Request) {
			r.URL.RawQuery = url.Values{"callbackUrl": {back}, "error": {"CredentialsSignin"}, "lang": {"en"}, "other": {"x"}}.Encode()
		})
		u, err := url.Parse(picker(p)["de"])
		if err != nil {
			t.Fatal(err)
		}
		want := url.Values{"callbackUrl": {back}, "error": {"CredentialsSignin"}, "lang": {"de"}}.Encode()
		if u.Host != "" || u.Path != "" || u.Query().Encode() != want {
			t.Errorf("back to %s: the picker leads to %s", back, u)
		}
	}
}

func TestPicker_carriesNoForeignAddressAlong(t *testing.T) {
	s := newSet(t)
	for _, back := range []string{"https://evil.example/", "//evil.example/", `/\evil.example`, "https://app.example.evil.example/", "https://app.example//evil.example", "javascript:evil()", "x"} {
		p := show(t, s, scenes()["sign in"], func(r *http.Request) { r.URL.RawQuery = url.Values{"callbackUrl": {back}}.Encode() })
		if body := p.Body.String(); strings.Contains(body, "evil") || picker(p)["de"] != "?lang=de" {
			t.Errorf("%s: the picker leads to %s", back, picker(p)["de"])
		}
	}
}

// A page that a POST has brought cannot be had by a link: the picker leads to
// the page with the form.
func TestPicker_leadsFromAPostToThePage(t *testing.T) {
	s := newSet(t)
	for scene, want := range map[string]string{"sign in, wrong": "/signin", "sign up": "/signup", "password": "/account/password", "delete": "/account/delete", "new password": "/new-password"} {
		p := show(t, s, scenes()[scene], func(r *http.Request) {
			r.Method = http.MethodPost
			r.URL.RawQuery = "callbackUrl=/x"
		})
		if got := picker(p)["de"]; got != base+want+"?lang=de" {
			t.Errorf("%s: the picker leads to %s", scene, got)
		}
	}
}

func TestNew_refusesALanguageItDoesNotSpeak(t *testing.T) {
	o := options()
	o.Language = "tlh"
	if _, err := pages.New(o); err == nil || !strings.Contains(err.Error(), "de, en") {
		t.Errorf("got %v", err)
	}
	if got := pages.Languages(); !slices.IsSorted(got) {
		t.Errorf("languages %q are not sorted", got)
	}
}

func FuzzLanguage(f *testing.F) {
	s, err := pages.New(options())
	if err != nil {
		f.Fatal(err)
	}
	f.Add("de", "en", "de-DE,de;q=0.9", "/x")
	f.Add("", "", "*", "//evil.example")
	f.Add("%", "\x00", "a-b-c-d;q=9", "https://app.example/\\")
	f.Fuzz(func(t *testing.T, address, cookie, accepts, back string) {
		p := show(t, s, scenes()["sign in"], func(r *http.Request) {
			r.URL.RawQuery = url.Values{"lang": {address}, "callbackUrl": {back}}.Encode()
			r.Header["Cookie"] = []string{"__Host-next-auth.language=" + cookie}
			r.Header["Accept-Language"] = []string{accepts}
		})
		if got := p.Header().Get("Content-Language"); got != "en" && got != "de" {
			t.Errorf("in %q", got)
		}
		for tag, link := range picker(p) {
			u, err := url.Parse(link)
			if err != nil || u.Host != "" || u.Scheme != "" || u.Query().Get("lang") != tag {
				t.Errorf("the picker leads to %s (%v)", link, err)
			}
		}
	})
}
