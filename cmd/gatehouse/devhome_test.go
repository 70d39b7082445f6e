package main

import (
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// elsewhere answers everything itself.
type elsewhere struct{ gate }

func (elsewhere) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
}

func TestHomely_leadsBrowsersFromTheFrontPageAndNothingElse(t *testing.T) {
	const account = "http://localhost:8787/api/auth/account"
	g, err := newHomely(elsewhere{}, account, web.RouterOptions{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path, mode string
		status             int
	}{
		{"GET", "/", "navigate", 303}, {"HEAD", "/", "navigate", 303}, {"GET", "/?from=x", "navigate", 303},
		{"GET", "/", "cors", 418}, {"GET", "/", "", 418}, {"POST", "/", "navigate", 418}, {"GET", "/x", "navigate", 418}, {"GET", "//", "navigate", 418},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		if c.mode != "" {
			r.Header.Set("Sec-Fetch-Mode", c.mode)
		}
		w := httptest.NewRecorder()
		g.Handler().ServeHTTP(w, r)
		if at := w.Header().Get("Location"); w.Code != c.status || (at == account) != (c.status == 303) {
			t.Errorf("%s %s %q: %d to %q, want %d", c.method, c.path, c.mode, w.Code, at, c.status)
		}
	}
}

func TestAlone_isWhereTheOriginIsTheListener(t *testing.T) {
	for _, c := range []struct {
		origin, listens string
		want            bool
	}{
		{"http://localhost:8787", "127.0.0.1:8787", true}, {"http://localhost:8787", "[::1]:8787", true},
		{"http://127.0.0.1:8787", "127.0.0.1:8787", true}, {"http://[::1]:8787", "[::1]:8787", true}, {"http://localhost", "127.0.0.1:80", true},
		{"http://localhost:3000", "127.0.0.1:8787", false}, {"http://127.0.0.2:8787", "127.0.0.1:8787", false},
		{"https://localhost:8787", "127.0.0.1:8787", false}, {"http://localhost", "127.0.0.1:8787", false},
	} {
		if got := alone(c.origin, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(c.listens))); got != c.want {
			t.Errorf("%s on %s: %v", c.origin, c.listens, got)
		}
	}
}
