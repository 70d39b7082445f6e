package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/password"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// What every site has in common. The secrets are those of the bench.
const (
	origin      = "https://app.bench.example"
	sessionPath = "/api/auth/session"
	ownSecret   = "own-Hk2XvQ8mRz7LcW4pNd9YbJ6gFs3EuA5t"
	appSecret   = "app-3mTq9WfZc6XbVr1LhKs8Yp5Dn7Gj2Ea4"
	userPass    = "seven blue lanterns in rain"
)

// people is how many users a site has, each with one session, so that 512
// clients sign in as nobody whom another is signing in as.
const people = 10 * 1024

// site is an installation of Gatehouse: settings, database, cookies.
type site struct {
	name, folder string
	dialect      seal.Dialect
	config       string
	database     string
	cookies      []string // session tokens, one for each user
	names        cookieNames
	address      string
	server       *child // nil when none is under way
}

// cookieNames are the protocol's on an https origin.
type cookieNames struct{ session, csrf, callback string }

func namesOf(d seal.Dialect) cookieNames {
	stem := "next-auth"
	if d == seal.V5 {
		stem = "authjs"
	}
	return cookieNames{"__Secure-" + stem + ".session-token", "__Host-" + stem + ".csrf-token", "__Secure-" + stem + ".callback-url"}
}

// site makes an installation, or returns the one of that name: users with a
// session each, and live entries in the change feed.
func (r *run) site(name string, d seal.Dialect, users, changes int) (*site, error) {
	if s := r.sites[name]; s != nil {
		return s, nil
	}
	s := &site{name: name, folder: filepath.Join(r.folder, name), dialect: d, names: namesOf(d)}
	s.config, s.database = filepath.Join(s.folder, "gatehouse.yaml"), filepath.Join(s.folder, "gatehouse.db")
	if err := os.Mkdir(s.folder, 0o700); err != nil {
		return nil, err
	}
	var err error
	if s.address, err = freeAddress(); err != nil {
		return nil, err
	}
	ops, err := freeAddress()
	if err != nil {
		return nil, err
	}
	settings := fmt.Sprintf(`public_origin: %s
behind_proxy: true
client_address:
  trusted_proxies: [127.0.0.1/32]
listen: %s
ops_listen: %s
secrets: [%q]
database:
  path: %s
mounts:
  - dialect: %s
    secrets: [%q]
`, origin, s.address, ops, ownSecret, s.database, d, appSecret)
	if err := os.WriteFile(s.config, []byte(settings), 0o600); err != nil {
		return nil, err
	}
	migrate, err := r.child(name, r.binary, "migrate", "--config", s.config)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(migrate.begin(false), migrate.Wait()); err != nil {
		return nil, fmt.Errorf("gatehouse migrate: %w", err)
	}
	migrate.kill()
	if err := s.fill(r.ctx, users, changes); err != nil {
		return nil, fmt.Errorf("fill the database: %w", err)
	}
	r.sites[name] = s
	return s, nil
}

// fill writes the rows as a server would have, and seals a cookie for each
// session. It goes round the store, which has no way to do so in bulk.
func (s *site) fill(ctx context.Context, users, changes int) error {
	db, err := sql.Open("sqlite", s.database+"?_pragma=synchronous(OFF)&_pragma=cache_size(-65536)")
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := s.fillUsers(ctx, tx, users); err != nil {
		return err
	}
	if err := fillChanges(ctx, tx, changes); err != nil {
		return err
	}
	return tx.Commit()
}

// email is the address of a user by number.
func email(i int) string { return fmt.Sprintf("user-%05d@bench.example", i) }

func (s *site) fillUsers(ctx context.Context, tx *sql.Tx, users int) error {
	if users == 0 {
		return nil
	}
	var installation string
	if err := tx.QueryRowContext(ctx, "SELECT id FROM installation").Scan(&installation); err != nil {
		return err
	}
	mount, err := sealing(s.dialect, s.names.session, installation)
	if err != nil {
		return err
	}
	hasher, err := password.New(password.Options{Gate: password.NewGate(0, 0)})
	if err != nil {
		return err
	}
	// One hash for all: what a sign-in costs does not depend on it.
	hashed, err := hasher.Hash(ctx, userPass)
	if err != nil {
		return err
	}
	now := time.Now().Add(-time.Minute)
	at, end := now.UnixMicro(), now.Add(90*24*time.Hour)
	insert := inserter{ctx: ctx, tx: tx}
	for i := range users {
		u := auth.User{ID: auth.NewUserID(now), Name: fmt.Sprintf("User %05d", i), Email: email(i), Roles: []string{"user"}, Epoch: 1, Version: 1}
		row := auth.Session{ID: auth.NewSessionID(now), UserID: u.ID, Mount: "/api/auth", Subject: string(u.ID), Epoch: 1, CreatedAt: now, AbsoluteEnd: end, Methods: []string{"pwd"}}
		insert.row("users (id, name, image, roles, epoch, version, created_at, updated_at)", string(u.ID), u.Name, "", `["user"]`, 1, 1, at, at)
		insert.row("identifiers (value, kind, user_id)", u.Email, "email", string(u.ID))
		insert.row("passwords (user_id, hash, must_change, updated_at)", string(u.ID), hashed, 0, at)
		insert.row("sessions (id, user_id, mount, epoch, created_at, absolute_end, last_seen_at, methods, address, user_agent, end_reason)",
			string(row.ID), string(u.ID), row.Mount, 1, at, end.UnixMicro(), at, `["pwd"]`, "", "", "")
		_, token, err := mount.Seal(ctx, session.Begun{Session: row}, session.Proof{User: u}, nil)
		if err != nil {
			return err
		}
		s.cookies = append(s.cookies, token.Text)
	}
	return insert.err
}

// inserter keeps the first error, and a statement for each table.
type inserter struct {
	ctx        context.Context
	tx         *sql.Tx
	statements map[string]*sql.Stmt
	err        error
}

func (i *inserter) row(into string, values ...any) {
	if i.err != nil {
		return
	}
	s := i.statements[into]
	if s == nil {
		s, i.err = i.tx.PrepareContext(i.ctx, "INSERT INTO "+into+" VALUES (?"+strings.Repeat(", ?", len(values)-1)+")")
		if i.err != nil {
			return
		}
		if i.statements == nil {
			i.statements = map[string]*sql.Stmt{}
		}
		i.statements[into] = s
	}
	_, i.err = s.ExecContext(i.ctx, values...)
}

// fillChanges adds sessions to the feed that have ended lately: each is an entry
// of the index until the cookie would have ended by itself.
func fillChanges(ctx context.Context, tx *sql.Tx, changes int) error {
	now := time.Now()
	_, err := tx.ExecContext(ctx, `WITH RECURSIVE n(i, r) AS (SELECT 1, hex(randomblob(16)) UNION ALL SELECT i + 1, hex(randomblob(16)) FROM n WHERE i < $1)
		INSERT INTO changes (kind, session_id, user_id, value, at, until)
		SELECT 'session_ended',
			'ses_' || lower(substr(r, 1, 8) || '-' || substr(r, 9, 4) || '-' || substr(r, 13, 4) || '-' || substr(r, 17, 4) || '-' || substr(r, 21)),
			'usr_' || lower(substr(r, 1, 8) || '-' || substr(r, 9, 4) || '-' || substr(r, 13, 4) || '-' || substr(r, 17, 4) || '-' || substr(r, 21)),
			0, $2, $3 FROM n WHERE $1 > 0`, changes, now.UnixMicro(), now.Add(30*24*time.Hour).UnixMicro())
	return err
}

// sealing is the session room of such a server, as far as sealing goes: it has
// no store.
func sealing(d seal.Dialect, cookieName, installation string) (*session.Mount, error) {
	const month = 30 * 24 * time.Hour
	room, err := session.New(session.Options{
		Store: struct{ store.Store }{}, Index: revocation.NewIndex(), Secrets: []auth.Secret{ownSecret}, Installation: installation,
		Idle: month, Absolute: 3 * month, LocalTrust: month, MaxPerUser: 100, MaxStaleness: time.Minute, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	return room.Mount("/api/auth", d, cookieName, []auth.Secret{appSecret})
}

// running starts the server if it is not under way, and waits for its first
// right answer.
func (s *site) running(r *run) error {
	if s.server != nil {
		return nil
	}
	c, err := s.serve(r)
	if err != nil {
		return err
	}
	if err := c.begin(false); err != nil {
		return err
	}
	s.server = c
	return r.await(c, s.session(0, sessionPath))
}

// serve is the command that starts the server, not yet begun.
func (s *site) serve(r *run) (*child, error) {
	c, err := r.child(s.name, r.binary, "serve", "--config", s.config)
	if err == nil {
		c.address = s.address
	}
	return c, err
}

// restarted is the server in a new process, so that what an earlier section has
// left in memory does not count.
func (s *site) restarted(r *run) error {
	s.stop()
	return s.running(r)
}

// stop ends the server, as when the power fails.
func (s *site) stop() {
	if s.server != nil {
		s.server.kill()
		s.server = nil
	}
}

// await asks until the answer is right.
func (r *run) await(c *child, q request) error {
	patience := time.Now().Add(30 * time.Second)
	for {
		err := r.prove(c.address, request{bytes: q.bytes, has: q.has})
		if err == nil {
			return nil
		}
		if time.Now().After(patience) || r.ctx.Err() != nil {
			return fmt.Errorf("%s does not answer: %w (its log is in the folder of the run: -keep)", filepath.Base(c.Path), err)
		}
		time.Sleep(200 * time.Microsecond)
	}
}
