//go:build linux

package cluster_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
)

const (
	patience = 60 * time.Second
	// staleness is session.max_staleness of every server here.
	staleness = 5 * time.Second
	password  = "seven quiet lanterns drift"
	base      = "/api/auth"
)

var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "gatehouse-cluster-")
	if err == nil {
		defer os.RemoveAll(folder)
		program, err = build(folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func build(folder string) (string, error) {
	if given := os.Getenv("GATEHOUSE_BIN"); given != "" {
		return filepath.Abs(given)
	}
	out := filepath.Join(folder, "gatehouse")
	cmd := exec.Command("go", "build", "-trimpath", "-o", out, "./cmd/gatehouse")
	cmd.Dir, cmd.Env = filepath.Join("..", ".."), environ("CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build gatehouse: %w\n%s", err, text)
	}
	return out, nil
}

// environ is the environment without what would be taken for settings.
func environ(more ...string) (env []string) {
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "GATEHOUSE_") {
			env = append(env, e)
		}
	}
	return append(env, more...)
}

// cluster is three servers on one database.
type cluster struct {
	t        *testing.T
	database *pgtest.Server // the primary
	data     string         // name of the database
	origin   string
	nodes    []*node
}

// node is one server.
type node struct {
	t        *testing.T
	name     string
	origin   string // of the site, which browsers know
	url, ops string
	settings string
	wire     *wire
	cmd      *exec.Cmd
	done     chan struct{}
	said     output
}

type output struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.String()
}

// newCluster starts the database and three servers.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	database := pgtest.Start(t)
	c := &cluster{t: t, database: database, data: databaseName(t, database), origin: "http://localhost:" + strconv.Itoa(freePort(t))}
	for range 3 {
		w := newWire(t, net.JoinHostPort("127.0.0.1", strconv.Itoa(database.Port())))
		n := c.newNode(fmt.Sprintf(`url: "postgres://%s@%s/%s?sslmode=disable"`, pgtest.Superuser, w.address(), c.data))
		n.wire = w
	}
	c.serve()
	return c
}

// serve starts every server and waits until it is ready.
func (c *cluster) serve() {
	c.t.Helper()
	for _, n := range c.nodes {
		n.start()
	}
	for _, n := range c.nodes {
		n.until("is ready", n.ready)
	}
}

func databaseName(t *testing.T, s *pgtest.Server) string {
	t.Helper()
	u, err := url.Parse(s.NewDatabase(t))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(u.Path, "/")
}

// newNode adds a server, which is not started. database is what the settings
// say of it.
func (c *cluster) newNode(database string) *node {
	c.t.Helper()
	name := fmt.Sprintf("node%d", len(c.nodes))
	port, ops := freePort(c.t), freePort(c.t)
	n := &node{
		t: c.t, name: name, origin: c.origin,
		url: fmt.Sprintf("http://127.0.0.1:%d", port), ops: fmt.Sprintf("http://127.0.0.1:%d", ops),
		settings: filepath.Join(c.t.TempDir(), name+".yaml"),
	}
	text := fmt.Sprintf(`
public_origin: %s
listen: 127.0.0.1:%d
ops_listen: 127.0.0.1:%d
secrets: ["t5Hk2XvQ8mRz7LcW4pNd9YbJ6gFs3EuA-own"]
secrets_ordinal: 1
database: {%s}
registration: {mode: open}
password: {memory_kib: 19456, passes: 2, queue: 1000}
session: {max_staleness: %s, max_per_user: 1000}
limits: {account_failures: 100, unknown_failures: 1048576}
mounts:
  - secrets: ["Qm7xW2vK9sTf4RbYc6HjN8zLd3GpEu5A-app"]
`, c.origin, port, ops, database, staleness)
	if err := os.WriteFile(n.settings, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	c.nodes = append(c.nodes, n)
	return n
}

func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 10000 + rand.IntN(20000)
		if ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			ln.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

func (n *node) start() {
	n.t.Helper()
	n.cmd, n.done = exec.Command(program, "serve", "--config", n.settings), make(chan struct{})
	n.cmd.Env, n.cmd.Dir = environ(), "/"
	n.cmd.Stdout, n.cmd.Stderr = &n.said, &n.said
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := n.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	go func() {
		_ = n.cmd.Wait()
		close(n.done)
	}()
	n.t.Cleanup(func() {
		_ = n.cmd.Process.Kill()
		<-n.done
		if text := n.said.String(); n.t.Failed() {
			n.t.Logf("%s said at last:\n%s", n.name, text[max(0, len(text)-3000):])
		}
	})
}

// until waits for what must come to pass.
func (n *node) until(what string, done func() error) {
	n.t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err = done(); err == nil {
			return
		}
		select {
		case <-n.done:
			n.t.Fatalf("%s has ended:\n%s", n.name, n.said.String())
		default:
		}
	}
	n.t.Fatalf("waited %v until %s %s: %v", patience, n.name, what, err)
}

func (n *node) ready() error {
	a, err := client.Get(n.ops + "/readyz")
	if err != nil {
		return err
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", a.StatusCode)
	}
	return nil
}

// client keeps many connections and no cookies.
var client = &http.Client{
	Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// browser is a person's cookies.
type browser struct {
	email   string
	cookies map[string]string
	csrf    string
}

// answer is what came back.
type answer struct {
	status  int
	body    string
	deleted bool // the session's cookie
}

func (n *node) send(b *browser, method, path string, form url.Values) (answer, error) {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequest(method, n.url+base+path, body)
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if form != nil {
		r.Header.Set("Origin", n.origin)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range b.cookies {
		r.Header.Add("Cookie", name+"="+value)
	}
	a, err := client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	got := answer{status: a.StatusCode, body: string(text)}
	for _, c := range a.Cookies() {
		if c.MaxAge < 0 || c.Value == "" {
			got.deleted = got.deleted || strings.Contains(c.Name, "session-token")
		} else if method == http.MethodPost || strings.Contains(c.Name, "csrf") {
			b.cookies[c.Name] = c.Value
		}
	}
	return got, err
}

// newBrowser signs a person in at the node; who is not there yet is registered.
func (n *node) newBrowser(email string, register bool) (*browser, error) {
	b := &browser{email: email, cookies: map[string]string{}}
	a, err := n.send(b, http.MethodGet, "/csrf", nil)
	if err != nil {
		return nil, err
	}
	var token struct {
		CSRFToken string `json:"csrfToken"`
	}
	if err := json.Unmarshal([]byte(a.body), &token); err != nil {
		return nil, fmt.Errorf("csrf: %d %s", a.status, a.body)
	}
	b.csrf = token.CSRFToken
	if register {
		body, _ := json.Marshal(map[string]string{"email": email, "password": password, "name": "A Person"})
		r, err := http.NewRequest(http.MethodPost, n.url+base+"/register", bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Origin", n.origin)
		answer, err := client.Do(r)
		if err != nil {
			return nil, err
		}
		defer answer.Body.Close()
		if text, _ := io.ReadAll(answer.Body); answer.StatusCode >= 300 {
			return nil, fmt.Errorf("register: %d %s", answer.StatusCode, text)
		}
	}
	a, err = n.send(b, http.MethodPost, "/callback/credentials", url.Values{
		"csrfToken": {b.csrf}, "json": {"true"}, "callbackUrl": {n.origin}, "email": {email}, "password": {password},
	})
	if err != nil || a.status != http.StatusOK {
		return nil, fmt.Errorf("sign in: %d %s %w", a.status, a.body, err)
	}
	return b, nil
}

// verdict is what a server says of a browser.
type verdict int

const (
	accepted verdict = iota
	refused          // nobody is signed in
	unavailable
)

var errCookieDeleted = errors.New("an answer that says nothing deleted the cookie")

func (n *node) check(b *browser) (verdict, error) {
	copyOf := &browser{cookies: map[string]string{}} // answers change nothing of what is asked
	for k, v := range b.cookies {
		copyOf.cookies[k] = v
	}
	a, err := n.send(copyOf, http.MethodGet, "/session", nil)
	switch {
	case err != nil:
		return unavailable, err
	case a.status == http.StatusServiceUnavailable && a.deleted:
		return unavailable, errCookieDeleted
	case a.status == http.StatusServiceUnavailable:
		return unavailable, nil
	case a.status != http.StatusOK:
		return unavailable, fmt.Errorf("session: %d %s", a.status, a.body)
	case strings.Contains(a.body, b.email):
		return accepted, nil
	}
	return refused, nil
}

func (n *node) signOut(b *browser) error {
	copyOf := &browser{cookies: map[string]string{}}
	for k, v := range b.cookies {
		copyOf.cookies[k] = v
	}
	a, err := n.send(copyOf, http.MethodPost, "/signout", url.Values{"csrfToken": {b.csrf}, "json": {"true"}, "callbackUrl": {n.origin}})
	if err == nil && a.status != http.StatusOK {
		err = fmt.Errorf("sign out: %d %s", a.status, a.body)
	}
	return err
}
