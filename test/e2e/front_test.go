//go:build unix

package e2e_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
)

// front is a proxy before the application, as a site has one. It is an origin
// of its own.
type front struct {
	origin string

	// held gets a word when an answer to a request with the query "held" is
	// here, which goes on to the browser once release is closed.
	held, release chan struct{}
}

// asClient is how a test says from which address its request comes: the proxy
// believes it, as it would believe its peer.
const asClient = "E2e-Client"

// newFront starts the proxy. It appends the client's address to
// X-Forwarded-For when the test names one, and is silent of it otherwise.
func newFront(t *testing.T, app example) *front {
	t.Helper()
	f := &front{held: make(chan struct{}, 1), release: make(chan struct{})}
	behind := &url.URL{Scheme: "http", Host: app.address}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(behind)
			r.Out.Host = r.In.Host
			seen := r.In.Header["X-Forwarded-For"] // forged or not, it is passed on
			if address := r.In.Header.Get(asClient); address != "" {
				seen = []string{strings.Join(append(seen, address), ", ")}
			}
			r.Out.Header.Del(asClient)
			if len(seen) > 0 {
				r.Out.Header["X-Forwarded-For"] = seen
			}
		},
		ModifyResponse: func(r *http.Response) error {
			if r.Request.URL.RawQuery == "held" {
				f.held <- struct{}{}
				<-f.release
			}
			return nil
		},
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	f.origin = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	return f
}
