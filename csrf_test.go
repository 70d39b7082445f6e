package gatehouse_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// For handlers that ask by themselves who calls: what a foreign page can cause
// is refused, and what no page can cause is not.
//
// proves: NEXT-5
func TestCSRF_refusesWhatAForeignPageMayHaveCaused(t *testing.T) {
	g := open(t, config(t))
	reached := 0
	h := g.CSRF(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { reached++; io.WriteString(w, "done") }))
	const ours, foreign = "http://localhost:3000", "https://evil.example"
	for _, c := range []struct {
		what, method string
		header       map[string]string
		certificate  bool
		passes       bool
	}{
		{"a link from anywhere", "GET", map[string]string{"Cookie": "app=1", "Sec-Fetch-Site": "cross-site"}, false, true},
		{"a form on our page", "POST", map[string]string{"Cookie": "app=1", "Sec-Fetch-Site": "same-origin"}, false, true},
		{"a form on our page, an old browser", "POST", map[string]string{"Cookie": "app=1", "Origin": ours}, false, true},
		{"a form on a foreign page", "POST", map[string]string{"Cookie": "app=1", "Sec-Fetch-Site": "cross-site", "Origin": foreign}, false, false},
		{"a form on a foreign page, an old browser", "POST", map[string]string{"Cookie": "app=1", "Origin": foreign}, false, false},
		{"a form on a sibling domain", "POST", map[string]string{"Cookie": "app=1", "Sec-Fetch-Site": "same-site"}, false, false},
		{"a foreign page that has no cookie to ride on: a login", "POST", map[string]string{"Origin": foreign}, false, false},
		{"a cookie, and silence", "POST", map[string]string{"Cookie": "app=1"}, false, false},
		{"a password that the browser keeps, and silence", "POST", map[string]string{"Authorization": "Basic eDp5"}, false, false},
		{"a certificate, and silence", "POST", nil, true, false},
		{"JSON, and silence", "POST", map[string]string{"Cookie": "app=1", "Content-Type": "application/json"}, false, true},
		{"JSON from a foreign page", "POST", map[string]string{"Cookie": "app=1", "Content-Type": "application/json", "Origin": foreign}, false, false},
		{"text that only says json", "POST", map[string]string{"Cookie": "app=1", "Content-Type": "text/plain; application/json"}, false, false},
		{"a webhook", "POST", nil, false, true},
		{"a token, whatever else it brings", "POST", map[string]string{"Cookie": "app=1", "Authorization": "Bearer x", "Origin": foreign}, false, true},
		{"a key, whatever else it brings", "DELETE", map[string]string{"Cookie": "app=1", "X-Api-Key": "x"}, false, true},
		{"a key beside a password that the browser keeps", "POST", map[string]string{"X-Api-Key": "x", "Authorization": "Basic eDp5"}, false, false},
		{"a bearer without a token", "POST", map[string]string{"Cookie": "app=1", "Authorization": "Bearer "}, false, false},
		{"an empty key", "POST", map[string]string{"Cookie": "app=1", "X-Api-Key": ""}, false, false},
		{"a WebSocket of a foreign page", "GET", map[string]string{"Cookie": "app=1", "Upgrade": "websocket", "Origin": foreign}, false, false},
		{"a WebSocket of ours", "GET", map[string]string{"Cookie": "app=1", "Upgrade": "websocket", "Origin": ours}, false, true},
		{"a method that nobody has heard of", "PAINT", map[string]string{"Cookie": "app=1"}, false, false},
	} {
		r := httptest.NewRequest(c.method, ours+"/page", strings.NewReader("a=b"))
		for name, value := range c.header {
			r.Header.Set(name, value)
		}
		if c.certificate {
			r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{}}}
		}
		before, w := reached, httptest.NewRecorder()
		h.ServeHTTP(w, r)
		switch {
		case c.passes && (w.Code != 200 || reached != before+1):
			t.Errorf("%s: %d %s", c.what, w.Code, w.Body)
		case !c.passes && (w.Code != 403 || reached != before || !strings.Contains(w.Body.String(), `"csrf_failed"`) || w.Header().Get("X-Request-Id") == ""):
			t.Errorf("%s: %d %s, and the handler was reached: %v", c.what, w.Code, w.Body, reached != before)
		}
	}
}

// Around everything it leaves Gatehouse's own addresses to Gatehouse, which has
// a token of its own for them.
func TestCSRF_leavesGatehousesOwnAddressesAlone(t *testing.T) {
	g := open(t, config(t))
	h := g.CSRF(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for path, want := range map[string]int{"/api/auth/signout": 200, "/api/authors": 403, "/api/auth/../x": 403} {
		if w := through(h, "POST", path, http.Header{"Cookie": {"app=1"}}); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}
