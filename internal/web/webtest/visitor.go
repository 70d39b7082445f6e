package webtest

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/gatehouse-auth/gatehouse"
)

// Origin is the public origin of every site here.
const Origin = "http://localhost:3000"

// Site is a whole Gatehouse on a database of its own, running until the test
// ends.
type Site struct {
	*gatehouse.Gatehouse
	t *testing.T
}

// New starts a site with open registration and one mount at /api/auth. change,
// if not nil, alters the configuration before.
func New(t *testing.T, change func(*gatehouse.Config)) *Site {
	t.Helper()
	cfg := gatehouse.Config{
		PublicOrigin: Origin, Name: "Lodge",
		Secrets:      []gatehouse.Secret{"mP4v-Q7zt_W2xK9sLr8bHc5nJd3yFg6T"},
		Mounts:       []gatehouse.Mount{{Secrets: []gatehouse.Secret{"8uJw2QkZr5XcYb1LhTn7Ve0PsDf4Ga9M"}}},
		Database:     gatehouse.Database{Path: filepath.Join(t.TempDir(), "gatehouse.db")},
		Registration: gatehouse.Registration{Mode: "open"},
		Logger:       slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	if change != nil {
		change(&cfg)
	}
	g, err := gatehouse.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		if err := g.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	for deadline := time.Now().Add(20 * time.Second); g.Ready(ctx) != nil; {
		if time.Now().After(deadline) {
			t.Fatal(g.Ready(ctx))
		}
		time.Sleep(time.Millisecond)
	}
	return &Site{g, t}
}

// Visitor is a browser without scripts: it keeps cookies, fills forms in and
// follows redirects on the site.
type Visitor struct {
	site *Site
	jar  map[string]string
	// Sends are headers that every request has beside the usual ones.
	Sends http.Header
	// Status, Address and Body are the last page's.
	Status  int
	Address string
	Header  http.Header
	Body    string
}

// Visitor opens a new browser.
func (s *Site) Visitor() *Visitor {
	return &Visitor{site: s, jar: map[string]string{}, Sends: http.Header{}}
}

// Copy is another browser with the same cookies: a thief's.
func (v *Visitor) Copy() *Visitor {
	return &Visitor{site: v.site, jar: maps.Clone(v.jar), Sends: v.Sends.Clone()}
}

// Get opens a page by its path, following redirects.
func (v *Visitor) Get(path string) *Visitor {
	v.site.t.Helper()
	return v.do(http.MethodGet, path, "", nil)
}

// Post sends a body, following redirects with GET.
func (v *Visitor) Post(path, contentType, body string) *Visitor {
	v.site.t.Helper()
	return v.do(http.MethodPost, path, contentType, strings.NewReader(body))
}

// First is Post that follows no redirect; it returns the status.
func (v *Visitor) First(path, contentType, body string) int {
	v.site.t.Helper()
	return v.once(http.MethodPost, path, contentType, strings.NewReader(body)).Code
}

// JSON posts a JSON body.
func (v *Visitor) JSON(path, body string) *Visitor {
	v.site.t.Helper()
	return v.Post(path, "application/json", body)
}

// Submit fills in the only form of the page and sends it; hidden inputs keep
// their values.
func (v *Visitor) Submit(fill map[string]string) *Visitor {
	v.site.t.Helper()
	action, values := v.form()
	for name, value := range fill {
		if !values.Has(name) {
			v.site.t.Fatalf("%s has no input %q, only %v", v.Address, name, values)
		}
		values.Set(name, value)
	}
	return v.Post(strings.TrimPrefix(action, Origin), "application/x-www-form-urlencoded", values.Encode())
}

// Shows says whether the last page has the text.
func (v *Visitor) Shows(text string) bool { return strings.Contains(v.Body, text) }

// SignedInAs says whom GET /session names; empty for nobody.
func (v *Visitor) SignedInAs() string {
	v.site.t.Helper()
	_, rest, found := strings.Cut(v.Get("/api/auth/session").Body, `"email":"`)
	if !found {
		return ""
	}
	email, _, _ := strings.Cut(rest, `"`)
	return email
}

func (v *Visitor) do(method, path, contentType string, body io.Reader) *Visitor {
	t := v.site.t
	t.Helper()
	for range 10 {
		w := v.once(method, path, contentType, body)
		location := w.Header().Get("Location")
		next, ours := strings.CutPrefix(location, Origin+"/api/auth")
		if w.Code < 300 || w.Code >= 400 || !ours {
			if location != "" {
				v.Address = location
			}
			return v
		}
		method, path, body = http.MethodGet, "/api/auth"+next, nil
	}
	t.Fatalf("more than ten redirects from %s", path)
	return v
}

// once makes one request and takes its cookies.
func (v *Visitor) once(method, path, contentType string, body io.Reader) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://gatehouse.internal"+path, body)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if method == http.MethodPost {
		r.Header.Set("Origin", Origin)
		r.Header.Set("Content-Type", contentType)
	}
	maps.Copy(r.Header, v.Sends)
	for name, value := range v.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	v.site.Handler().ServeHTTP(w, r)
	v.Status, v.Address, v.Header, v.Body = w.Code, path, w.Header(), w.Body.String()
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(v.jar, c.Name)
		} else {
			v.jar[c.Name] = c.Value
		}
	}
	return w
}

// form reads the page's only form.
func (v *Visitor) form() (action string, values url.Values) {
	t := v.site.t
	t.Helper()
	doc, err := html.Parse(strings.NewReader(v.Body))
	if err != nil {
		t.Fatal(err)
	}
	values = url.Values{}
	for n := range doc.Descendants() {
		attribute := func(name string) string {
			for _, a := range n.Attr {
				if a.Key == name {
					return a.Val
				}
			}
			return ""
		}
		switch {
		case n.Type == html.ElementNode && n.Data == "form" && action != "":
			t.Fatalf("%s has more than one form", v.Address)
		case n.Type == html.ElementNode && n.Data == "form":
			action = attribute("action")
		case n.Type == html.ElementNode && n.Data == "input" && attribute("name") != "":
			values.Set(attribute("name"), attribute("value"))
		}
	}
	if action == "" {
		t.Fatalf("%s (%d) has no form:\n%s", v.Address, v.Status, v.Body)
	}
	return action, values
}
