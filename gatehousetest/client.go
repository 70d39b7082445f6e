package gatehousetest

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse"
)

// Client is a browser without scripts, as far as servers can tell: it keeps
// cookies, and says with each request to URL that it comes from URL's own
// pages, by Sec-Fetch-Site and, on methods that may change something, by
// Origin. A request that brings either of them itself is sent as it is: so a
// test plays a foreign page.
//
// Redirects are not followed, so that a test sees them; set CheckRedirect to
// nil to have them followed.
type Client struct {
	*http.Client
	// User is who is signed in, as of the sign-in; zero for nobody.
	User gatehouse.User

	of *Gatehouse
}

// Anonymous returns a client that is nobody.
func (g *Gatehouse) Anonymous() *Client {
	g.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		g.t.Fatalf("gatehousetest: %v", err)
	}
	below := &http.Transport{}
	g.t.Cleanup(below.CloseIdleConnections)
	return &Client{of: g, Client: &http.Client{
		Transport: browser{origin: g.URL, below: below}, Jar: jar, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Client returns a client that is signed in as a new user with the given roles.
func (g *Gatehouse) Client(roles ...string) *Client {
	g.t.Helper()
	return g.SignIn(g.User(roles...))
}

// SignIn returns a client that has signed in as the user, with [Password], at
// the first mount.
func (g *Gatehouse) SignIn(u gatehouse.User) *Client {
	g.t.Helper()
	c := g.Anonymous()
	c.User = u
	body := strings.NewReader(`{"identifier":"` + u.Email + `","password":"` + Password.Reveal() + `"}`)
	r := httptest.NewRequest(http.MethodPost, g.URL+g.basePath+"/login", body)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	g.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		g.t.Fatalf("gatehousetest: sign in as %s: %d %s", u.ID, w.Code, w.Body)
	}
	at, err := url.Parse(g.URL)
	if err != nil {
		g.t.Fatalf("gatehousetest: %v", err)
	}
	c.Jar.SetCookies(at, w.Result().Cookies())
	return c
}

// Visit opens a page by its path as a person does, by navigating there: only
// then a refusal may be a redirect. The body is closed when the test ends.
func (c *Client) Visit(path string) *http.Response {
	t := c.of.t
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.of.URL+path, nil)
	if err != nil {
		t.Fatalf("gatehousetest: visit %s: %v", path, err)
	}
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	res, err := c.Do(r)
	if err != nil {
		t.Fatalf("gatehousetest: visit %s: %v", path, err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// browser adds what browsers say of a request.
type browser struct {
	origin string
	below  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (b browser) RoundTrip(r *http.Request) (*http.Response, error) {
	ours := r.URL.Scheme+"://"+r.URL.Host == b.origin
	if said := r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != ""; said || !ours {
		return b.below.RoundTrip(r)
	}
	r = r.Clone(r.Context()) // a RoundTripper leaves its request alone
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		r.Header.Set("Origin", b.origin)
	}
	return b.below.RoundTrip(r)
}
