package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// proves: CB-11, CS-20
func TestForeignRequest(t *testing.T) {
	const own = "https://app.example"
	for _, c := range []struct {
		site, origin string
		foreign      bool
	}{
		// What no browser states is not foreign; the token must be there.
		{"", "", false},
		{"", own, false},
		{"", "https://evil.example", true},
		{"", "null", true},
		{"", "https://app.example.evil.example", true},
		{"", "https://evil.example/https://app.example", true},
		{"", "http://app.example", true},
		{"", "https://app.example:8443", true},
		{"", "https://APP.example", true},
		{"", "https://app.example/", true},
		{"", "https://sub.app.example", true},
		{"same-origin", "", false},
		{"same-origin", own, false},
		{"same-origin", "null", false}, // a page with a no-referrer policy
		{"same-origin", "https://evil.example", true},
		{"none", "", false},
		{"none", own, false},
		{"none", "null", true},
		{"none", "https://evil.example", true},
		{"same-site", "", true},
		{"same-site", own, true},
		{"cross-site", "", true},
		{"cross-site", own, true},
		{"cross-site", "null", true},
		{"Same-Origin", own, true}, // no browser writes it so
		{"anything", own, true},
	} {
		r := httptest.NewRequest(http.MethodPost, "https://app.example/x", nil)
		if c.site != "" {
			r.Header.Set("Sec-Fetch-Site", c.site)
		}
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		r.Host = "evil.example" // decides nothing
		r.Header.Set("X-Forwarded-Host", "evil.example")
		if got := web.ForeignRequest(r, own); got != c.foreign {
			t.Errorf("Sec-Fetch-Site %q, Origin %q: foreign %v, want %v", c.site, c.origin, got, c.foreign)
		}
	}
}

func TestNavigates(t *testing.T) {
	for _, c := range []struct {
		method, mode, accept string
		want                 bool
	}{
		{"GET", "navigate", "", true}, {"POST", "navigate", "", true}, {"GET", "cors", "text/html", false}, {"GET", "no-cors", "text/html", false},
		{"GET", "", "text/html,application/xhtml+xml", true}, {"GET", "", "application/json", false}, {"GET", "", "", false}, {"POST", "", "text/html", false},
	} {
		r := httptest.NewRequest(c.method, "/", nil)
		r.Header.Set("Sec-Fetch-Mode", c.mode)
		r.Header.Set("Accept", c.accept)
		if got := web.Navigates(r); got != c.want {
			t.Errorf("%s, mode %q, accept %q: %v, want %v", c.method, c.mode, c.accept, got, c.want)
		}
	}
}
