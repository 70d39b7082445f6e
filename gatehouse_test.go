package gatehouse_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/user"
)

const password = "violet tractor monsoon 77"

func config(t *testing.T) gatehouse.Config {
	t.Helper()
	return gatehouse.Config{
		PublicOrigin: "http://localhost:3000",
		Secrets:      []gatehouse.Secret{ownSecret},
		Mounts:       []gatehouse.Mount{{Secrets: []gatehouse.Secret{appSecret}}},
		Database:     gatehouse.Database{Path: filepath.Join(t.TempDir(), "gatehouse.db")},
		Logger:       slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

func open(t *testing.T, cfg gatehouse.Config) *gatehouse.Gatehouse {
	t.Helper()
	g, err := gatehouse.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return g
}

// start runs g until stop is called, and returns when it is ready.
func start(t *testing.T, g *gatehouse.Gatehouse) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	stop = func() error { cancel(); return <-done }
	deadline := time.Now().Add(10 * time.Second)
	for g.Ready(ctx) != nil {
		if time.Now().After(deadline) {
			t.Fatalf("never ready: %v; run: %v", g.Ready(ctx), stop())
		}
		select {
		case err := <-done:
			t.Fatalf("run: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	return stop
}

func call(g *gatehouse.Gatehouse, method, path, body string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://localhost:3000"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	g.Handler().ServeHTTP(w, r)
	return w
}

func login(t *testing.T, g *gatehouse.Gatehouse) []*http.Cookie {
	t.Helper()
	w := call(g, "POST", "/api/auth/login", `{"email":"ann@example.test","password":"`+password+`"}`)
	if w.Code != http.StatusOK {
		t.Fatalf("login: %d %s", w.Code, w.Body)
	}
	return w.Result().Cookies()
}

func signedIn(g *gatehouse.Gatehouse, cookies []*http.Cookie) bool {
	return strings.Contains(call(g, "GET", "/api/auth/session", "", cookies...).Body.String(), "ann@example.test")
}

func createAnn(t *testing.T, g *gatehouse.Gatehouse) {
	t.Helper()
	if _, err := g.Users().Create(t.Context(), "cli", user.New{Email: "ann@example.test", Password: password}); err != nil {
		t.Fatal(err)
	}
}

func TestNew_reportsEveryProblemOfTheConfiguration(t *testing.T) {
	_, err := gatehouse.New(t.Context(), gatehouse.Config{PublicOrigin: "app.example", Mounts: []gatehouse.Mount{{Dialect: "v6"}}})
	var problems *gatehouse.Problems
	if !errors.As(err, &problems) {
		t.Fatalf("error is %v, want *Problems", err)
	}
	for _, field := range []string{"Config.PublicOrigin ", "Config.Secrets ", "Config.Mounts[0].Dialect ", "Config.Mounts[0].Secrets "} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("the error does not name %s:\n%v", field, err)
		}
	}
}

func TestHandler_refusesChecksWhileNobodyReadsTheFeed(t *testing.T) {
	cfg := config(t)
	g := open(t, cfg)
	createAnn(t, g)
	stop := start(t, g)
	cookies := login(t, g)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if g.Ready(t.Context()) == nil {
		t.Error("ready after Run has ended")
	}
	fresh := open(t, cfg) // never run
	w := call(fresh, "GET", "/api/auth/session", "", cookies...)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || len(w.Header()["Set-Cookie"]) > 0 {
		t.Errorf("before Run: %d %v, want 503 with Retry-After and no cookie touched", w.Code, w.Header())
	}
}

func TestRun_sessionsSurviveARestart(t *testing.T) {
	cfg := config(t)
	first, err := gatehouse.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	createAnn(t, first)
	stop := start(t, first)
	cookies := login(t, first)
	if err := errors.Join(stop(), first.Close()); err != nil {
		t.Fatal(err)
	}
	second := open(t, cfg)
	stop = start(t, second)
	if !signedIn(second, cookies) {
		t.Error("signed out by a restart")
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

func TestRun_refusesASecondServerOnTheSameFile(t *testing.T) {
	cfg := config(t)
	stop := start(t, open(t, cfg))
	err := open(t, cfg).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), cfg.Database.Path) {
		t.Errorf("second server: %v, want a refusal that names the file", err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// Another process that shares nothing but the file: what it changes is known
// within two polls.
func TestRun_hearsOfChangesMadeThroughAnotherHandle(t *testing.T) {
	cfg := config(t)
	server := open(t, cfg)
	createAnn(t, server)
	stop := start(t, server)
	cookies := login(t, server)

	cli := open(t, cfg)
	u, err := cli.Users().Find(t.Context(), "ann@example.test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cli.Users().SetRoles(t.Context(), "cli", u.ID, []string{"admin"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new role shows without a sign-in", func() bool {
		return strings.Contains(call(server, "GET", "/api/auth/session", "", cookies...).Body.String(), `"roles":["admin"]`)
	})
	if _, err := cli.Users().Disable(t.Context(), "cli", u.ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the disabled user is out", func() bool { return !signedIn(server, cookies) })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within 5 s: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Both dialects side by side, as during the move of an application from
// next-auth 4 to 5: signed in at one is not signed in at the other, whatever
// name the cookie is sent under.
func TestMounts_doNotTakeEachOthersCookies(t *testing.T) {
	cfg := config(t)
	cfg.Mounts = append(cfg.Mounts, gatehouse.Mount{BasePath: "/auth", Dialect: "v5", Secrets: cfg.Mounts[0].Secrets})
	g := open(t, cfg)
	createAnn(t, g)
	stop := start(t, g)
	cookies := login(t, g)
	if !signedIn(g, cookies) {
		t.Error("not signed in at the mount of sign-in")
	}
	for _, c := range cookies {
		c.Name = strings.Replace(c.Name, "next-auth.", "authjs.", 1)
	}
	if body := call(g, "GET", "/auth/session", "", cookies...).Body.String(); body != "null" {
		t.Errorf("the other mount says %s, want nobody", body)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

func TestEndpoints_needsNoDatabase(t *testing.T) {
	cfg := config(t)
	list, err := gatehouse.Endpoints(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 20 {
		t.Errorf("%d endpoints", len(list))
	}
	if _, err := os.Stat(cfg.Database.Path); err == nil {
		t.Error("a database was made")
	}
}

func TestEndpoints_areListedForEveryCarrier(t *testing.T) {
	for _, carrier := range []string{"sealed", "stored", "iron"} {
		cfg := config(t)
		cfg.Mounts[0].Carrier = carrier
		if carrier == "iron" {
			cfg.Mounts[0].Iron.Cookie = "app-session"
		}
		if list, err := gatehouse.Endpoints(cfg); err != nil || len(list) < 20 {
			t.Errorf("%s: %d endpoints, %v", carrier, len(list), err)
		}
	}
}

func TestMigrate_reportsWhatItDid(t *testing.T) {
	cfg := config(t)
	first, err := gatehouse.Migrate(t.Context(), cfg)
	if err != nil || first.From != 0 || first.To < 1 || len(first.Applied) == 0 {
		t.Errorf("first: %+v, %v", first, err)
	}
	second, err := gatehouse.Migrate(t.Context(), cfg)
	if err != nil || second.From != first.To || second.To != first.To || len(second.Applied) != 0 {
		t.Errorf("second: %+v, %v", second, err)
	}
	if b, err := json.Marshal(second); err != nil || !strings.Contains(string(b), `"applied":[]`) {
		t.Errorf("as JSON: %s, %v", b, err)
	}
}
