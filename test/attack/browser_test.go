package attack_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/web/webtest"
)

const (
	origin   = webtest.Origin
	password = "seven grey herons at noon"
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"

	secretV4 = "8uJw2QkZr5XcYb1LhTn7Ve0PsDf4Ga9M"
	secretV5 = "Lr7NcW3vQx0YtK5mJz8HbGd2SfPe6AuT"
)

// dialect is one mounted version of the protocol.
type dialect struct{ base, stem string }

var (
	v4       = dialect{"/api/auth", "next-auth."}
	v5       = dialect{"/auth", "authjs."}
	dialects = []dialect{v4, v5}
)

func (d dialect) String() string  { return strings.TrimSuffix(d.stem, ".") }
func (d dialect) session() string { return d.stem + "session-token" }

// site is a Gatehouse that speaks both dialects and keeps its log.
type site struct {
	*webtest.Site
	log *logbook
	cfg gatehouse.Config
}

func newSite(t *testing.T, change func(*gatehouse.Config)) *site {
	t.Helper()
	s := &site{log: &logbook{}}
	s.Site = webtest.New(t, func(c *gatehouse.Config) {
		c.Mounts = []gatehouse.Mount{
			{BasePath: v4.base, Dialect: "v4", Secrets: []gatehouse.Secret{secretV4}},
			{BasePath: v5.base, Dialect: "v5", Secrets: []gatehouse.Secret{secretV5}},
		}
		c.Logger = slog.New(slog.NewTextHandler(s.log, nil))
		c.Password.Queue = 1000 // tests of the queue set their own
		if change != nil {
			change(c)
		}
		s.cfg = *c
	})
	return s
}

// newUser makes a user with the usual password.
func (s *site) newUser(t *testing.T, email string) auth.User {
	t.Helper()
	u, err := s.Users().Create(t.Context(), "test", user.New{Email: email, Password: password, Roles: []string{"user"}})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// logbook gathers log lines.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// request is what an attacker can choose.
type request struct {
	method, path, contentType, body string
	header                          http.Header
	cookies                         map[string]string
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// location is where the answer leads, by redirect or in JSON.
func (a answer) location() string {
	if l := a.header.Get("Location"); l != "" {
		return l
	}
	var in struct {
		URL string `json:"url"`
	}
	_ = json.Unmarshal([]byte(a.body), &in)
	return in.URL
}

// cookies are those that the answer sets, by name; deleted ones are empty.
func (a answer) cookies() map[string]string {
	set := map[string]string{}
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		set[c.Name] = c.Value
	}
	return set
}

// beginsSession says whether the answer hands out a session cookie.
func (a answer) beginsSession() bool {
	if strings.Contains(a.body, `"access_token"`) { // as good as a session
		return true
	}
	for name, value := range a.cookies() {
		if strings.Contains(name, "session-token") && value != "" {
			return true
		}
	}
	return false
}

// send hands the request to the handler exactly as it is. Nothing is checked on
// the way, so that it can be as malformed as net/http lets through.
func (s *site) send(q request) answer {
	target, err := url.ParseRequestURI(q.path)
	if err != nil {
		return answer{status: http.StatusBadRequest} // net/http refuses it before the handler
	}
	r := httptest.NewRequest(http.MethodPost, "http://gatehouse.internal/", strings.NewReader(q.body))
	r.Method, r.URL, r.RequestURI = q.method, target, q.path
	maps.Copy(r.Header, q.header)
	if q.contentType != "" {
		r.Header.Set("Content-Type", q.contentType)
	}
	for _, name := range slices.Sorted(maps.Keys(q.cookies)) {
		r.Header.Add("Cookie", name+"="+q.cookies[name])
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	body, _ := io.ReadAll(w.Result().Body)
	return answer{w.Code, w.Header(), string(body)}
}

// browser keeps cookies and speaks one dialect, as an honest client does.
type browser struct {
	*site
	dialect
	jar map[string]string
}

func (s *site) browser(d dialect) *browser { return &browser{s, d, map[string]string{}} }

// thief is another browser with the same cookies.
func (b *browser) thief() *browser { return &browser{b.site, b.dialect, maps.Clone(b.jar)} }

func (b *browser) do(method, path, contentType, body string) answer {
	header := http.Header{"Sec-Fetch-Site": {"same-origin"}, "X-Auth-Return-Redirect": {"1"}}
	if method != http.MethodGet {
		header.Set("Origin", origin)
	}
	a := b.send(request{method, b.base + path, contentType, body, header, b.jar})
	for name, value := range a.cookies() {
		if b.jar[name] = value; value == "" {
			delete(b.jar, name)
		}
	}
	return a
}

func (b *browser) get(path string) answer { return b.do(http.MethodGet, path, "", "") }

func (b *browser) json(path string, in map[string]any) answer {
	body, _ := json.Marshal(in)
	return b.do(http.MethodPost, path, jsonType, string(body))
}

// form posts fields with the CSRF token.
func (b *browser) form(path string, fields map[string]string) answer {
	values := url.Values{"csrfToken": {b.token()}}
	for k, v := range fields {
		values.Set(k, v)
	}
	return b.do(http.MethodPost, path, formType, values.Encode())
}

// token is the CSRF token of this browser.
func (b *browser) token() string {
	var in struct {
		Token string `json:"csrfToken"`
	}
	_ = json.Unmarshal([]byte(b.get("/csrf").body), &in)
	return in.Token
}

func (b *browser) signIn(t *testing.T, email, pw string) *browser {
	t.Helper()
	if a := b.json("/login", map[string]any{"identifier": email, "password": pw}); a.status != http.StatusOK {
		t.Fatalf("sign in as %s: %d %s", email, a.status, a.body)
	}
	return b
}

// person is whom GET /session names.
type person struct {
	ID, Email, Name string
	Roles           []string
}

func (p person) String() string { return fmt.Sprintf("%s %s %v", p.ID, p.Email, p.Roles) }

// who asks the handler with the cookies at hand and keeps none of the answer.
func (s *site) who(d dialect, cookies map[string]string) person {
	a := s.send(request{method: http.MethodGet, path: d.base + "/session", cookies: cookies})
	var in struct{ User person }
	_ = json.Unmarshal([]byte(a.body), &in)
	return in.User
}

func (b *browser) who() person { return b.site.who(b.dialect, b.jar) }
