package gatehouse_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/gatehousetest"
)

// BenchmarkRateLimit is a limited route beside the same route unlimited, without
// the network.
func BenchmarkRateLimit(b *testing.B) {
	g := gatehousetest.New(b, func(c *gatehouse.Config) { c.ClientAddress.PeerIsClient = true })
	route := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	limit := g.RateLimitBy(gatehouse.RateLimitPolicy{Name: "bench", Per: []string{"address"}, Burst: 62_500, Period: time.Second})
	for name, h := range map[string]http.Handler{"unlimited": route, "limited": limit(route)} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest("GET", g.URL+"/page", nil)
			w := nothing{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				h.ServeHTTP(w, r)
			}
		})
	}
}
