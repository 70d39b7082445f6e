package gatehouse_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/gatehousetest"
)

// BenchmarkSession is a whole GET /session without the network, its log line
// included: a check and the next seal, as browsers ask for them.
func BenchmarkSession(b *testing.B) {
	for _, dialect := range []string{"v4", "v5"} {
		b.Run(dialect, func(b *testing.B) {
			g := gatehousetest.New(b, func(c *gatehouse.Config) {
				c.Mounts[0].Dialect = dialect
				c.Logger = slog.New(slog.NewJSONHandler(io.Discard, nil))
			})
			at, err := url.Parse(g.URL)
			if err != nil {
				b.Fatal(err)
			}
			first := httptest.NewRecorder() // has the other two cookies of the protocol
			g.Handler().ServeHTTP(first, httptest.NewRequest("GET", g.URL+"/api/auth/csrf", nil))
			r := httptest.NewRequest("GET", g.URL+"/api/auth/session", nil)
			for _, c := range append(g.Client("admin", "user").Jar.Cookies(at), first.Result().Cookies()...) {
				r.AddCookie(c)
			}
			w := nothing{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				g.Handler().ServeHTTP(w, r)
			}
			if len(w.header["Set-Cookie"]) != 1 {
				b.Fatalf("the session was not renewed, or more was: %v", w.header)
			}
		})
	}
}
