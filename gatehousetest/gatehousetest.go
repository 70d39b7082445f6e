package gatehousetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
)

// Password is what every user made here signs in with.
const Password gatehouse.Secret = "quiet lanterns drift over seven hills"

// passwordHash is Password's, so that making a user costs no hashing.
const passwordHash = "$argon2id$v=19$m=19456,t=2,p=1$iyTEpQX2ZUhYk8efCcc46g$qUt9I4+i9A+6Hd7P6SSU1cxDtjUgYRoAZocvG6FmzXM"

// Gatehouse is one that runs until the test ends.
type Gatehouse struct {
	*gatehouse.Gatehouse
	// URL is the public origin, "http://127.0.0.1:" and a port. [Gatehouse.Serve]
	// listens there.
	URL string
	// Clock is the one it goes by.
	Clock *Clock

	t        testing.TB
	basePath string
	listener net.Listener
	served   bool
	users    int
	keys     int
}

// New starts a Gatehouse with one mount at /api/auth, on a SQLite file in a
// temporary folder, and returns when it is ready. It ends with the test.
//
// Secrets are random, hashing costs as little as is allowed (one hash, some
// tens of milliseconds, for each [Gatehouse.SignIn]), everybody may register,
// and the log shows errors alone, beside the test's own. Limits on guessing and
// registering hold as they do in production. Each change may alter
// the configuration, the mount's Dialect for one; PublicOrigin, Database and
// Now are New's.
func New(t testing.TB, change ...func(*gatehouse.Config)) *Gatehouse {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("gatehousetest: %v", err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	cfg := gatehouse.Config{
		Secrets:       []gatehouse.Secret{secret()},
		Mounts:        []gatehouse.Mount{{BasePath: "/api/auth", Secrets: []gatehouse.Secret{secret()}}},
		Registration:  gatehouse.Registration{Mode: "open"},
		ClientAddress: gatehouse.ClientAddress{PeerIsClient: true},
		Logger:        slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
	}
	for _, c := range change {
		c(&cfg)
	}
	g := &Gatehouse{t: t, URL: "http://" + listener.Addr().String(), listener: listener}
	g.Clock = &Clock{now: time.Now().Truncate(time.Second).UTC(), settle: g.awaitReady}
	cfg.PublicOrigin, cfg.Now, cfg.Database.Path = g.URL, g.Clock.Now, filepath.Join(t.TempDir(), "gatehouse.db")
	if len(cfg.Mounts) > 0 {
		g.basePath = cfg.Mounts[0].BasePath
	}
	if g.Gatehouse, err = gatehouse.New(t.Context(), cfg); err != nil {
		t.Fatalf("gatehousetest: %v", err)
	}
	g.run()
	g.awaitReady()
	return g
}

func secret() gatehouse.Secret { return gatehouse.Secret(rand.Text() + rand.Text()) }

// run runs the background work until the test ends.
func (g *Gatehouse) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	g.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			g.t.Errorf("gatehousetest: run: %v", err)
		}
		if err := g.Close(); err != nil {
			g.t.Errorf("gatehousetest: close: %v", err)
		}
	})
}

// awaitReady waits until the follower has read the change feed, which it does
// ten times a second by the real clock.
func (g *Gatehouse) awaitReady() {
	g.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		err := g.Ready(context.Background())
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			g.t.Fatalf("gatehousetest: not ready: %v", err)
		}
	}
}

// Serve serves h at URL until the test ends. It can be called once: the public
// origin is one address.
func (g *Gatehouse) Serve(h http.Handler) *httptest.Server {
	g.t.Helper()
	if g.served {
		g.t.Fatal("gatehousetest: Serve was called already, and the public origin is one address")
	}
	g.served = true
	srv := &httptest.Server{Listener: g.listener, Config: &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}}
	srv.Start()
	g.t.Cleanup(srv.Close)
	return srv
}

// User makes a user with the given roles, whose address is nobody else's and
// whose password is [Password].
func (g *Gatehouse) User(roles ...string) gatehouse.User {
	g.t.Helper()
	g.users++
	u, err := g.Users().Import(context.Background(), "gatehousetest", gatehouse.NewUser{
		Email: fmt.Sprintf("user-%d@example.test", g.users), Name: fmt.Sprintf("User %d", g.users),
		Roles: roles, PasswordHash: passwordHash, Verified: true,
	})
	if err != nil {
		g.t.Fatalf("gatehousetest: user with roles %q: %s", roles, said(err))
	}
	return u
}

// APIKey makes an API key and returns its text, for the header X-Api-Key. One
// without a UserID is a service's, and needs Roles.
func (g *Gatehouse) APIKey(k gatehouse.NewAPIKey) string {
	g.t.Helper()
	g.keys++
	if k.Name == "" {
		k.Name = fmt.Sprintf("key-%d", g.keys)
	}
	made, err := g.APIKeys().Create(context.Background(), gatehouse.APIKeyBy{Operator: "gatehousetest"}, k)
	if err != nil {
		g.t.Fatalf("gatehousetest: API key with roles %q and scopes %q: %s", k.Roles, k.Scopes, said(err))
	}
	return made.Text.Reveal()
}

// Revoke ends all sessions of the user, from elsewhere: the next request of
// their clients is nobody's. They may sign in again.
func (g *Gatehouse) Revoke(u gatehouse.User) {
	g.t.Helper()
	if _, err := g.Users().Disable(context.Background(), "gatehousetest", u.ID); err != nil {
		g.t.Fatalf("gatehousetest: revoke: %v", err)
	}
	if _, err := g.Users().Enable(context.Background(), "gatehousetest", u.ID); err != nil {
		g.t.Fatalf("gatehousetest: revoke: %v", err)
	}
}

// SetRoles replaces the user's roles. Their sessions go on and have the new
// roles from the next request on.
func (g *Gatehouse) SetRoles(u gatehouse.User, roles ...string) {
	g.t.Helper()
	if _, err := g.Users().SetRoles(context.Background(), "gatehousetest", u.ID, roles); err != nil {
		g.t.Fatalf("gatehousetest: roles %q: %s", roles, said(err))
	}
}

// said is a refusal with the sentence that explains it.
func said(err error) string {
	var refused *gatehouse.Error
	if errors.As(err, &refused) {
		return err.Error() + ": " + refused.Text()
	}
	return err.Error()
}
