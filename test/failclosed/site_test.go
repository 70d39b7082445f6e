package failclosed_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/seam"
	"github.com/gatehouse-auth/gatehouse/internal/seam/faults"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

const (
	origin = "https://app.example"
	v4, v5 = "/api/auth", "/v5/auth"

	ownSecret = "mP4v-Q7zt_W2xK9sLr8bHc5nJd3yFg6T"
	appSecret = "8uJw2QkZr5XcYb1LhTn7Ve0PsDf4Ga9M"

	// password is what everybody here has, by passwordHash, so that making a
	// user costs no hash. Hashes cost next to nothing here (seam.CheapHashes).
	password     = "quiet lanterns drift over seven hills"
	passwordHash = "$argon2id$v=19$m=8,t=1,p=1$bwB7K5kQPQZfPkiFzwrdyg$P5gqr1DV0GhkvmRI6s7ukQ2MNc3qYKN22D8uKpmXVJI"
	newPassword  = "marble otters borrow green umbrellas"
)

// site is a whole Gatehouse in front of a program with guarded addresses.
type site struct {
	*gatehouse.Gatehouse
	t *testing.T
	// kept is the store without the seam; line is what stands on the seam for
	// everybody, beside the scripts of single requests.
	kept store.Store
	line *line
	app  http.Handler
	log  *journal
	data string
	// postgres: the site is on a PostgreSQL server, and time is real.
	postgres bool
	// instead, if not nil, returns the store in place of the site's own: that of
	// another node.
	instead func(own store.Store) store.Store

	people int
	stop   func()
}

// config is what a site is made with.
func config(data string) gatehouse.Config {
	return gatehouse.Config{
		PublicOrigin: origin, Name: "Lodge", Secrets: []gatehouse.Secret{ownSecret},
		Mounts: []gatehouse.Mount{
			{BasePath: v4, Secrets: []gatehouse.Secret{appSecret}},
			{BasePath: v5, Dialect: "v5", Secrets: []gatehouse.Secret{appSecret}},
		},
		Database:      gatehouse.Database{Path: filepath.Join(data, "gatehouse.db")},
		Registration:  gatehouse.Registration{Mode: "open"},
		ClientAddress: gatehouse.ClientAddress{PeerIsClient: true},
	}
}

// unopened is a site whose Gatehouse is not made yet.
func unopened(t *testing.T, data string) *site {
	return &site{t: t, data: data, line: &line{}, log: &journal{}}
}

// newSite is one that runs until the bubble ends. data is a folder of the test
// outside the bubble.
func newSite(t *testing.T, data string, change func(*gatehouse.Config)) *site {
	t.Helper()
	s := unopened(t, data)
	if err := s.open(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.halt()
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	s.run()
	s.awaitReady()
	return s
}

// open makes the Gatehouse. Calls below ctx are those of the start.
func (s *site) open(ctx context.Context, change func(*gatehouse.Config)) error {
	cfg := config(s.data)
	cfg.Logger = slog.New(slog.NewTextHandler(s.log, nil))
	if change != nil {
		change(&cfg)
	}
	s.postgres = cfg.Database.URL != ""
	g, err := gatehouse.New(seam.With(ctx, seam.Seams{CheapHashes: true, Store: func(below store.Store) store.Store {
		if s.instead != nil {
			below = s.instead(below)
		}
		s.kept = below
		return faults.Over(below, s.line.call)
	}}), cfg)
	if err != nil {
		return err
	}
	s.Gatehouse = g
	mux := http.NewServeMux()
	mux.Handle(v4+"/", g.Handler())
	mux.Handle(v5+"/", g.Handler())
	mux.Handle("/readyz", g.Handler())
	guarded := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := gatehouse.PrincipalFrom(r.Context())
		fmt.Fprintf(w, "guarded, for %s", p.UserID)
	})
	mux.Handle("/guarded", g.Require()(guarded))
	mux.Handle("/admin", g.Require(gatehouse.Role("admin"))(guarded))
	mux.Handle("/vault", g.Require(gatehouse.Permission("vault:open"))(guarded))
	s.app = mux
	return nil
}

// run starts the background work.
func (s *site) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("run: %v", err)
		}
	})
}

// halt ends the background work.
func (s *site) halt() {
	if s.stop != nil {
		s.stop()
	}
}

func (s *site) awaitReady() {
	s.t.Helper()
	for range 1000 {
		if s.Ready(context.Background()) == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatal(s.Ready(context.Background()))
}

// settle lets the follower look at the feed twice. On PostgreSQL it looks less
// often, and is woken.
func (s *site) settle() {
	if s.postgres {
		time.Sleep(1200 * time.Millisecond)
		return
	}
	time.Sleep(250 * time.Millisecond)
}

// line is the seam of everybody who uses the store.
type line struct {
	mu   sync.Mutex
	seam faults.Seam
}

// call is the faults.Seam of the site.
func (l *line) call(ctx context.Context, name string, do func() error) error {
	l.mu.Lock()
	seam := l.seam
	l.mu.Unlock()
	if seam == nil {
		return do()
	}
	return seam(ctx, name, do)
}

// set lets every call go through seam; nil heals.
func (l *line) set(seam faults.Seam) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seam = seam
}

// journal is the log.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

// take returns what was written since the last call.
func (j *journal) take() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	defer j.text.Reset()
	return j.text.String()
}

// person is somebody with an account and a browser without scripts.
type person struct {
	site  *site
	ID    auth.UserID
	Email string
	// from is the address of their browser, which nobody shares.
	from string
	jar  map[string]string
}

// person makes one whose password is [password].
func (s *site) person(change func(*gatehouse.NewUser)) *person {
	s.t.Helper()
	p := s.stranger()
	in := gatehouse.NewUser{Email: p.Email, Name: "Ann", Roles: []string{"admin"}, PasswordHash: passwordHash, Verified: true}
	if change != nil {
		change(&in)
	}
	u, err := s.Users().Import(context.Background(), "test", in)
	if err != nil {
		s.t.Fatal(err)
	}
	p.ID = u.ID
	return p
}

// stranger is somebody without an account yet.
func (s *site) stranger() *person {
	s.people++
	n := s.people
	return &person{
		site: s, Email: fmt.Sprintf("ann-%d@app.example", n), from: fmt.Sprintf("10.%d.%d.%d:4711", n>>16&255, n>>8&255, n&255),
		jar: map[string]string{},
	}
}

// copy is another browser with the same cookies: a thief's, or another tab.
func (p *person) copy() *person {
	c := *p
	c.jar = maps.Clone(p.jar)
	return &c
}

// elsewhere is another browser of theirs, without cookies.
func (p *person) elsewhere() *person {
	c := *p
	c.jar = map[string]string{}
	return &c
}

// answer is what a browser got.
type answer struct {
	status  int
	header  http.Header
	body    string
	began   bool // a session cookie was set
	dropped bool // a session cookie was deleted
}

// request is what a browser sends.
type request struct {
	method, path string
	json         string
	form         url.Values
	// visits: a person opens a page or sends a form, and waits for one.
	visits bool
	header http.Header
}

// ask sends the request and keeps the cookies of the answer.
func (p *person) ask(ctx context.Context, q request) (a answer) {
	var body io.Reader
	kind := "application/json"
	switch {
	case q.form != nil:
		body, kind = strings.NewReader(q.form.Encode()), "application/x-www-form-urlencoded"
	case q.json != "":
		body = strings.NewReader(q.json)
	}
	if q.method == "" {
		q.method = http.MethodGet
	}
	r := httptest.NewRequestWithContext(ctx, q.method, origin+q.path, body)
	r.RemoteAddr = p.from
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if q.method == http.MethodPost {
		r.Header.Set("Origin", origin)
		r.Header.Set("Content-Type", kind)
	}
	if q.visits {
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Accept", "text/html")
	}
	maps.Copy(r.Header, q.header)
	for name, value := range p.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	p.site.app.ServeHTTP(w, r)
	a = answer{status: w.Code, header: w.Header(), body: w.Body.String()}
	for _, c := range w.Result().Cookies() {
		ours := strings.Contains(c.Name, "session-token")
		if c.MaxAge < 0 {
			a.dropped = a.dropped || ours
			delete(p.jar, c.Name)
			continue
		}
		a.began = a.began || ours
		p.jar[c.Name] = c.Value
	}
	return a
}

// csrf fetches the token of a mount's forms.
func (p *person) csrf(base string) string {
	p.site.t.Helper()
	var got struct {
		Token string `json:"csrfToken"`
	}
	a := p.ask(context.Background(), request{path: base + "/csrf"})
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || got.Token == "" {
		p.site.t.Fatalf("csrf: %d %s", a.status, a.body)
	}
	return got.Token
}

// logIn signs in by the JSON endpoint and must succeed.
func (p *person) logIn(base string) *person {
	p.site.t.Helper()
	if a := p.ask(context.Background(), loginWith(base, p.Email, password)); a.status != http.StatusOK || !a.began {
		p.site.t.Fatalf("sign in: %d %s", a.status, a.body)
	}
	return p
}

func loginWith(base, email, pw string) request {
	return request{method: http.MethodPost, path: base + "/login", json: fmt.Sprintf(`{"identifier":%q,"password":%q}`, email, pw)}
}

// signedIn says whether the browser's cookies are good. The protocol's own
// endpoint and the guarded address must agree, and neither is asked with the
// browser's jar, so nothing is renewed.
func (p *person) signedIn() bool {
	p.site.t.Helper()
	guarded := p.copy().ask(context.Background(), request{path: "/guarded"})
	said := false
	for _, base := range []string{v4, v5} {
		a := p.copy().ask(context.Background(), request{path: base + "/session"})
		if a.status != http.StatusOK {
			p.site.t.Fatalf("GET %s/session: %d %s", base, a.status, a.body)
		}
		said = said || strings.Contains(a.body, `"email"`)
	}
	switch {
	case guarded.status == http.StatusOK && said && strings.Contains(guarded.body, string(p.ID)):
		return true
	case guarded.status == http.StatusUnauthorized && !said:
		return false
	}
	p.site.t.Fatalf("GET /session says %t, and /guarded %d %s", said, guarded.status, guarded.body)
	return false
}

// hash is the stored password hash, empty when there is none.
func (p *person) hash() string {
	p.site.t.Helper()
	c, err := p.site.kept.Password(context.Background(), p.ID)
	if err != nil && err != store.ErrNotFound {
		p.site.t.Fatal(err)
	}
	return c.Hash
}

// user is the row, or none.
func (p *person) user() (auth.User, bool) {
	p.site.t.Helper()
	u, err := p.site.kept.UserByIdentifier(context.Background(), p.Email)
	if err != nil && err != store.ErrNotFound {
		p.site.t.Fatal(err)
	}
	return u, err == nil
}

// sessions is how many live rows there are.
func (p *person) sessions() int {
	p.site.t.Helper()
	list, err := p.site.kept.ListSessions(context.Background(), p.ID, time.Now())
	if err != nil {
		p.site.t.Fatal(err)
	}
	return len(list)
}
