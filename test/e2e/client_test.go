//go:build unix

package e2e_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// client is a visitor without a browser: it keeps cookies and sends the
// headers it is told to, which no browser would.
type client struct {
	t      *testing.T
	base   string // where it connects to
	origin string // what it says it is on
	host   string // in place of the Host header, when not empty
	header http.Header

	cookies []*http.Cookie
}

func newClient(t *testing.T, base, origin string) *client {
	return &client{t: t, base: base, origin: origin, header: http.Header{}}
}

// answer is a whole answer.
type answer struct {
	*http.Response
	text string
}

// json decodes the body.
func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(a.text), &v); err != nil {
		t.Fatalf("%s %s is no JSON object: %v\n%s", a.Request.Method, a.Request.URL.Path, err, a.text)
	}
	return v
}

func (c *client) send(method, path, kind, body string) answer {
	c.t.Helper()
	got, err := c.try(method, path, kind, body)
	if err != nil {
		c.t.Fatal(err)
	}
	return got
}

// try is send for goroutines that may not end the test.
func (c *client) try(method, path, kind, body string) (answer, error) {
	r, err := http.NewRequest(method, c.base+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	r.Header = c.header.Clone()
	r.Host = c.host
	if kind != "" {
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Origin", c.origin)
	}
	for _, k := range c.cookies {
		r.AddCookie(k)
	}
	got, err := plain.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		return answer{}, err
	}
	for _, k := range got.Cookies() {
		c.keep(k)
	}
	return answer{got, string(bytes.TrimSpace(text))}, nil
}

// keep stores a cookie as a browser would.
func (c *client) keep(k *http.Cookie) {
	c.cookies = slices.DeleteFunc(c.cookies, func(old *http.Cookie) bool { return old.Name == k.Name })
	if k.MaxAge >= 0 && k.Value != "" {
		c.cookies = append(c.cookies, &http.Cookie{Name: k.Name, Value: k.Value})
	}
}

func (c *client) get(path string) answer {
	c.t.Helper()
	return c.send(http.MethodGet, path, "", "")
}

func (c *client) postJSON(path string, v any) answer {
	c.t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.send(http.MethodPost, path, "application/json", string(body))
}

// signIn does what signIn("credentials") of next-auth does, with redirect off.
func (c *client) signIn(email, password string) answer {
	c.t.Helper()
	token, _ := c.get("/api/auth/csrf").json(c.t)["csrfToken"].(string)
	form := url.Values{"csrfToken": {token}, "email": {email}, "password": {password}, "json": {"true"}}
	return c.send(http.MethodPost, "/api/auth/callback/credentials", "application/x-www-form-urlencoded", form.Encode())
}

// session is the session's cookie, or nil.
func (c *client) session() *http.Cookie {
	for _, k := range c.cookies {
		if strings.HasSuffix(k.Name, "session-token") {
			return k
		}
	}
	return nil
}

// user is the user that GET {base}/session names, nil when it names nobody.
func (c *client) user(mount string) map[string]any {
	c.t.Helper()
	got := c.get(mount + "/session")
	if got.text == "null" {
		return nil
	}
	user, _ := got.json(c.t)["user"].(map[string]any)
	return user
}
