package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/password"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

const (
	origin        = "https://app.timing.example"
	rightPassword = "seven blue lanterns in rain"
	wrongPassword = "seven grey lanterns in snow"
)

// site is an installation of Gatehouse under way.
type site struct {
	folder, binary  string
	config, address string
	server          *exec.Cmd
	ended           chan error
}

// state is what a known identifier leads to.
type state int

const (
	active state = iota
	disabled
	withoutPassword
	mustChange
)

// account is somebody to put into the database.
type account struct {
	identifier string
	state      state
}

// newSite writes the settings and the users; nothing runs yet. All limits are
// those of a fresh installation.
func newSite(ctx context.Context, folder, binary string, accounts []account) (*site, error) {
	s := &site{folder: folder, binary: binary, config: filepath.Join(folder, "gatehouse.yaml")}
	if s.binary == "" {
		s.binary = filepath.Join(folder, "gatehouse")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", s.binary, "github.com/gatehouse-auth/gatehouse/cmd/gatehouse")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return nil, fmt.Errorf("build gatehouse: %w", err)
		}
	}
	ops, err := freeAddress()
	if err != nil {
		return nil, err
	}
	if s.address, err = freeAddress(); err != nil {
		return nil, err
	}
	database := filepath.Join(folder, "gatehouse.db")
	settings := fmt.Sprintf(`public_origin: %s
behind_proxy: true
client_address:
  trusted_proxies: [127.0.0.1/32]
listen: %s
ops_listen: %s
secrets: ["own-Hk2XvQ8mRz7LcW4pNd9YbJ6gFs3EuA5t"]
database:
  path: %s
registration:
  mode: invitation
mounts:
  - base_path: /api/auth
    dialect: v4
    secrets: ["app-3mTq9WfZc6XbVr1LhKs8Yp5Dn7Gj2Ea4"]
  - base_path: /auth
    dialect: v5
    secrets: ["app-8cKf2RtZw5MbXq9VhJs4Np7Ly3Gd6Ea1"]
`, origin, s.address, ops, database)
	if err := os.WriteFile(s.config, []byte(settings), 0o600); err != nil {
		return nil, err
	}
	return s, fill(ctx, database, accounts)
}

// fill makes the users. All have the same hash, at the cost of a fresh
// installation: what it takes to compare with it does not depend on it.
func fill(ctx context.Context, database string, accounts []account) (err error) {
	db, err := sqlstore.Open(ctx, sqlstore.Options{Path: database, Migrate: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	hasher, err := password.New(password.Options{})
	if err != nil {
		return err
	}
	hash, err := hasher.Hash(ctx, rightPassword)
	if err != nil {
		return err
	}
	const together = 40
	for len(accounts) > 0 {
		some := accounts[:min(together, len(accounts))]
		accounts = accounts[len(some):]
		if err := db.InTx(ctx, func(tx store.Tx) error { return create(ctx, tx, some, hash) }); err != nil {
			return fmt.Errorf("make users: %w", err)
		}
	}
	return nil
}

func create(ctx context.Context, tx store.Tx, accounts []account, hash string) error {
	now := time.Now().Add(-time.Minute).UTC().Truncate(time.Microsecond)
	for _, a := range accounts {
		u := auth.User{ID: auth.NewUserID(now), Email: a.identifier, Name: "Somebody", Roles: []string{"user"}, Epoch: 1, Version: 1, CreatedAt: now, UpdatedAt: now}
		if a.state == disabled {
			u.DisabledAt = now
		}
		if err := tx.CreateUser(ctx, u); err != nil {
			return err
		}
		if a.state == withoutPassword {
			continue
		}
		if err := tx.SetPassword(ctx, auth.Password{UserID: u.ID, Hash: hash, MustChange: a.state == mustChange, UpdatedAt: now}); err != nil {
			return err
		}
	}
	return nil
}

// start runs the server and waits until it answers.
func (s *site) start(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(s.folder, "gatehouse.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the process has its own
	s.server = exec.Command(s.binary, "serve", "--config", s.config)
	s.server.Stdout, s.server.Stderr = log, log
	if err := s.server.Start(); err != nil {
		return err
	}
	s.ended = make(chan error, 1)
	go func() { s.ended <- s.server.Wait() }()
	patience := time.After(30 * time.Second)
	for {
		answer, err := http.Get("http://" + s.address + "/api/auth/csrf")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
			err = errors.New(answer.Status)
		}
		select {
		case end := <-s.ended:
			s.server = nil
			text, _ := os.ReadFile(log.Name())
			return fmt.Errorf("gatehouse serve ended (%w) and said:\n%s", end, text)
		case <-patience:
			return fmt.Errorf("gatehouse serve does not answer: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// stop asks the server to end, and makes it.
func (s *site) stop() {
	if s.server == nil {
		return
	}
	_ = s.server.Process.Signal(os.Interrupt)
	select {
	case <-s.ended:
	case <-time.After(20 * time.Second):
		_ = s.server.Process.Kill()
		<-s.ended
	}
	s.server = nil
}

// freeAddress is one of this machine on which nobody listens.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// syncTime is what it takes, in the middle, to have a page on the disk.
func syncTime(folder string) (time.Duration, error) {
	f, err := os.Create(filepath.Join(folder, "sync"))
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	var took []pair
	for range 31 {
		begun := time.Now()
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		took = append(took, pair{known: time.Since(begun)})
	}
	return judge(took, 1, 1).Known[1], nil
}
