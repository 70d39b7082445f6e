package gatehouse_test

import (
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/gatehousetest"
)

// An answer that some cache in between is told to keep, or may take for one
// that it may keep, carries nobody's session cookie: by the targeted fields of
// RFC 9213 and their elders, and by a Cache-Control that only seems private
// (RFC 9111 §5.2.2.3 and §5.2.2.7).
//
// proves: ASVS 14.3.2
func TestAuthenticate_keepsCookiesOutOfWhatCachesKeep(t *testing.T) {
	gt := gatehousetest.New(t)
	mux := http.NewServeMux()
	mux.HandleFunc("/app.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(r.Header.Get("Set-Name"), r.Header.Get("Set-Value"))
		_, _ = io.WriteString(w, "x")
	})
	gt.Serve(gt.Authenticate(mux))
	u := gt.User()
	for _, tt := range []struct {
		name, value string
		renewed     bool
	}{
		{"CDN-Cache-Control", "max-age=3600", false}, {"Cloudflare-CDN-Cache-Control", "max-age=3600", false}, {"Vercel-CDN-Cache-Control", "max-age=3600", false},
		{"Netlify-CDN-Cache-Control", "max-age=3600", false}, {"Surrogate-Control", "max-age=3600", false}, {"X-Accel-Expires", "3600", false},
		{"CDN-Cache-Control", "no-store", true}, {"Cache-Control", `private="X-Foo", max-age=600`, false},
		{"Cache-Control", "must-understand, no-store, max-age=600", true}, {"X-Unrelated", "max-age=3600", true},
	} {
		c := gt.SignIn(u)
		gt.Clock.Advance(5 * 24 * time.Hour)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, gt.URL+"/app.js", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Set-Name", tt.name)
		r.Header.Set("Set-Value", tt.value)
		res, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if renewed := len(res.Header["Set-Cookie"]) > 0; renewed != tt.renewed {
			t.Errorf("%s: %s: a session cookie: %v, want %v", tt.name, tt.value, renewed, tt.renewed)
		}
		control := res.Header["Cache-Control"]
		if tt.renewed && !slices.Contains(control, "private") && !slices.Contains(control, "private, no-cache") {
			t.Errorf("%s: %s: a session cookie in an answer with Cache-Control %q", tt.name, tt.value, control)
		}
	}
}
