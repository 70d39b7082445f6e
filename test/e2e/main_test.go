//go:build unix

package e2e_test

import (
	"context"
	"fmt"
	"io/fs"
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

	"github.com/chromedp/chromedp"
)

// patience is how long anything that must happen may take to happen. It is
// far more than is ever needed: a test waits for the thing, not for the time.
const patience = 20 * time.Second

// sharedSecret is the application's NEXTAUTH_SECRET in every test, so that one
// Next.js serves them all.
const sharedSecret = "Qm7xW2vK9sTf4RbYc6HjN8zLd3GpEu5A-e2e"

// stage is what all tests share. Each part is made when a test first asks for
// it, and once.
type stage struct {
	folder string // for all that must not outlive the tests

	binary    func() (string, error)
	example   func() (example, error)
	appRouter func() (example, error)
	browser   func() (context.Context, error)

	locked   func() error // lock, once for all examples
	packages func() error // installs what npm has for them
	close    []func()     // in the order of opening
}

// example is the built application with a Next.js that serves it.
type example struct {
	origin        string // http://localhost:…
	address       string // 127.0.0.1:…, of Next.js itself
	gatehousePort int    // where its rewrite leads
	apiPort       int    // where it looks for examples/express
	next          *process
}

var all *stage

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "gatehouse-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	all = &stage{folder: folder}
	all.binary = sync.OnceValues(all.buildBinary)
	all.locked = sync.OnceValue(all.lock)
	all.packages = sync.OnceValue(all.install)
	all.example = sync.OnceValues(func() (example, error) { return all.startExample("nextjs", "e2e") })
	all.appRouter = sync.OnceValues(func() (example, error) { return all.startExample("nextjs-app-router", "e2e-app-router") })
	all.browser = sync.OnceValues(all.startBrowser)
	defer func() {
		for i := len(all.close) - 1; i >= 0; i-- {
			all.close[i]()
		}
	}()
	return m.Run()
}

// lookAtSources walks everything the tests build. The go command remembers
// which folders a test has read, and runs it again when they change; of what
// programs started here read, it knows nothing.
func lookAtSources() {
	for _, part := range []string{"", "auth", "cmd", "internal", "examples/nextjs", "examples/nextjs-app-router", "examples/express", "scripts", "test/interop"} {
		_ = filepath.WalkDir(filepath.Join(root(), part), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".next" || part == "" && path != root()):
				return fs.SkipDir
			}
			return nil
		})
	}
}

// need skips a test whose programs are missing on a user's machine. Where
// CI=true everything must be there.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		path := p
		if p == "chromium" {
			path = chromium()
		}
		if _, err := exec.LookPath(path); err == nil {
			continue
		}
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed", p)
		}
		t.Skipf("%s is not installed", p)
	}
}

func chromium() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return "chromium"
}

// root is the top of the repository.
func root() string {
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		panic(err)
	}
	return dir
}

// environ is the environment without what would be taken for settings.
func environ(more ...string) []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "GATEHOUSE_") && !strings.HasPrefix(e, "NEXTAUTH_") && !strings.HasPrefix(e, "AUTH_") {
			env = append(env, e)
		}
	}
	return append(env, more...)
}

// buildBinary builds the program as it is shipped.
func (s *stage) buildBinary() (string, error) {
	lookAtSources()
	if given := os.Getenv("GATEHOUSE_BIN"); given != "" {
		return filepath.Abs(given)
	}
	out := filepath.Join(s.folder, "gatehouse")
	cmd := exec.Command("go", "build", "-trimpath", "-o", out, "./cmd/gatehouse")
	cmd.Dir = root()
	cmd.Env = environ("CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build gatehouse: %w\n%s", err, text)
	}
	return out, nil
}

// startExample builds a copy of an example where it is stale and serves it. The
// rewrite to Gatehouse is part of the build, so the port of the last build is
// kept while it is free.
func (s *stage) startExample(name, copied string) (example, error) {
	if err := s.locked(); err != nil {
		return example{}, err
	}
	port := builtPort(copied)
	for port == 0 || !free(port) {
		// Below the ports that the system hands out by itself, so that nobody
		// has this one by chance the next time.
		port = 20000 + rand.IntN(10000)
	}
	build := exec.Command(filepath.Join(root(), "scripts", "build-example.sh"), fmt.Sprintf("http://127.0.0.1:%d", port), copied, name)
	build.Env = environ()
	if text, err := build.CombinedOutput(); err != nil {
		return example{}, fmt.Errorf("build the example: %w\n%s", err, text)
	}
	app := freePort()
	e := example{origin: fmt.Sprintf("http://localhost:%d", app), address: fmt.Sprintf("127.0.0.1:%d", app), gatehousePort: port, apiPort: freePort()}
	cmd := exec.Command("node", filepath.Join(root(), "node_modules", "next", "dist", "bin", "next"),
		"start", "--hostname", "127.0.0.1", "--port", strconv.Itoa(app))
	cmd.Dir = filepath.Join(root(), ".build", copied)
	gate := fmt.Sprintf("http://127.0.0.1:%d", port)
	// Each example reads its own of these.
	cmd.Env = environ("GATEHOUSE_URL="+gate, "NEXTAUTH_URL="+e.origin, "NEXTAUTH_URL_INTERNAL="+gate,
		"NEXTAUTH_SECRET="+sharedSecret, "NEXT_TELEMETRY_DISABLED=1",
		fmt.Sprintf("EXPRESS_URL=http://127.0.0.1:%d", e.apiPort), "EXPRESS_AUDIENCE="+apiAudience)
	var err error
	if e.next, err = start(cmd); err != nil {
		return example{}, err
	}
	s.close = append(s.close, e.next.kill)
	return e, e.next.await("http://" + e.address + "/icon.svg")
}

// install installs the packages of all examples, as building one does.
func (s *stage) install() error {
	if err := s.locked(); err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(root(), "scripts", "build-example.sh"), "--packages")
	cmd.Env = environ()
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("install the packages: %w\n%s", err, text)
	}
	return nil
}

// lock keeps a second run of these tests from building over the feet of this one.
func (s *stage) lock() error {
	if err := os.MkdirAll(filepath.Join(root(), ".build"), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(root(), ".build", "e2e.lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	s.close = append(s.close, func() { f.Close() })
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
}

// builtPort is the Gatehouse port of the copy's last build, or 0.
func builtPort(copied string) int {
	text, err := os.ReadFile(filepath.Join(root(), ".build", copied, ".next", ".built"))
	if err != nil {
		return 0
	}
	address, _, _ := strings.Cut(string(text), " ")
	u, err := url.Parse(address)
	if err != nil {
		return 0
	}
	port, _ := strconv.Atoi(u.Port())
	return port
}

func free(port int) bool {
	ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	return ln.Close() == nil
}

func freePort() int {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

// unneeded are parts of Chromium that cost two thirds of what a tab costs and
// that no page sees: a renderer in reserve, and two for the suggestions of the
// address bar of a window that nobody looks at. Translate is chromedp's own.
const unneeded = "Translate,SpareRendererForSitePerProcess,WebUIOmniboxPopup,WebUIOmniboxAimPopup"

// startBrowser starts the one Chromium of all tests; each visitor gets cookies
// of its own in it.
func (s *stage) startBrowser() (context.Context, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(filepath.Join(s.folder, "chromium")),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-features", unneeded))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	s.close = append(s.close, stop)
	ctx, stop = chromedp.NewContext(ctx)
	s.close = append(s.close, stop, func() {
		gently, stop := context.WithTimeout(ctx, 5*time.Second)
		defer stop()
		_ = chromedp.Cancel(gently)
	})
	return ctx, chromedp.Do(ctx)
}

// theExample is the served example; the test fails without it.
func theExample(t *testing.T) example {
	t.Helper()
	return served(t, all.example)
}

// theAppRouter is the served example of the App Router, likewise.
func theAppRouter(t *testing.T) example {
	t.Helper()
	return served(t, all.appRouter)
}

func served(t *testing.T, serve func() (example, error)) example {
	t.Helper()
	need(t, "node", "npm")
	e, err := serve()
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-e.next.done:
		t.Fatalf("Next.js has ended (%v) and said:\n%s", e.next.err, e.next.out.since(0))
	default:
	}
	from := e.next.out.len()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("Next.js said:\n%s", e.next.out.since(from))
		}
	})
	return e
}

// until repeats ask until it is content. The last complaint is the failure.
func until(t *testing.T, what string, ask func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(15 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: still not after %s: %v", what, patience, err)
		}
		<-tick.C
	}
}

// plain is a client that follows no redirect and keeps no cookie.
var plain = &http.Client{
	Timeout:       patience,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}
