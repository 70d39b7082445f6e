package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/apikey"
	"github.com/gatehouse-auth/gatehouse/internal/audit"
	"github.com/gatehouse-auth/gatehouse/internal/config"
	"github.com/gatehouse-auth/gatehouse/internal/management"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	api "github.com/gatehouse-auth/gatehouse/internal/web/management"
	"github.com/gatehouse-auth/gatehouse/internal/web/management/client"
)

// office is where commands on users, sessions, roles, API keys and events are
// carried out: the room of management on the database of this machine ([localOffice]), or
// that of a server, by its management API ([client.Client]). What a command
// prints does not depend on it, so every command is tested with both.
type office interface {
	// FindUser returns the user with the ID, address or user name. Code:
	// not_found.
	FindUser(ctx context.Context, ref string) (auth.User, error)
	// EachUser calls do with one page after the other, in order of creation.
	EachUser(ctx context.Context, do func([]auth.User) error) error
	CreateUser(ctx context.Context, in user.New) (auth.User, error)
	SetRoles(ctx context.Context, id auth.UserID, roles []string) (auth.User, error)
	DisableUser(ctx context.Context, id auth.UserID) (auth.User, error)
	EnableUser(ctx context.Context, id auth.UserID) (auth.User, error)
	DeleteUser(ctx context.Context, id auth.UserID) error
	// ResetPassword makes a password that must be changed, and returns it.
	ResetPassword(ctx context.Context, id auth.UserID) (auth.Secret, error)
	// Accounts returns what the user is called elsewhere.
	Accounts(ctx context.Context, id auth.UserID) ([]auth.OldID, error)

	ListSessions(ctx context.Context, id auth.UserID) ([]auth.Session, []auth.Family, error)
	RevokeSessions(ctx context.Context, id auth.UserID) (session.Revoked, error)
	// RevokeSession ends one session of the user, or one app.
	RevokeSession(ctx context.Context, id auth.UserID, which string) (session.Revoked, error)

	// ExportUser returns everything that is kept of one person.
	ExportUser(ctx context.Context, id auth.UserID) (api.Person, error)

	ListRoles(ctx context.Context) ([]management.Role, error)
	Role(ctx context.Context, name string) (management.Role, error)
	CreateRole(ctx context.Context, r auth.Role) (management.Role, error)
	UpdateRole(ctx context.Context, name string, d rbac.Definition) (management.Role, error)
	// DeleteRole refuses one in use unless inUse says that this is known.
	DeleteRole(ctx context.Context, name string, inUse bool) error

	EachAPIKey(ctx context.Context, of store.APIKeyFilter, do func([]auth.APIKey) error) error
	APIKey(ctx context.Context, id auth.APIKeyID) (auth.APIKey, error)
	CreateAPIKey(ctx context.Context, d apikey.Draft) (apikey.Created, error)
	RotateAPIKey(ctx context.Context, id auth.APIKeyID, o apikey.Rotation) (apikey.Rotated, error)
	RevokeAPIKey(ctx context.Context, id auth.APIKeyID) (apikey.Changed, error)

	// ListEvents returns up to limit events, the youngest first.
	ListEvents(ctx context.Context, f audit.Filter, cursor string, limit int) (audit.Page, error)
	// FollowEvents returns up to limit events behind the place, in order of the
	// chain, and the place to go on from; it waits for the first one, and no longer
	// than wait. A negative place is the end of the chain.
	FollowEvents(ctx context.Context, after int64, wait time.Duration, limit int) ([]audit.Record, int64, error)
}

var (
	_ office = localOffice{}
	_ office = (*client.Client)(nil)
)

// officeFlags say where a command is carried out.
type officeFlags struct {
	databaseFlags
	Server     string `help:"Work on the server at this address by its management API, in place of a database; the API key is in GATEHOUSE_API_KEY or in --api-key-file." placeholder:"URL"`
	APIKeyFile string `name:"api-key-file" help:"With --server: file with the API key." placeholder:"FILE"`
}

// forceFlag is for what takes the last administrator away.
type forceFlag struct {
	Force bool `help:"Do it even to the last one who can administer this installation. Not with --server."`
}

// at carries the command out where the flags say. force is for the database of
// this machine alone: nobody who comes by the network can ask for it.
func (f officeFlags) at(p *program, force bool, do func(o office) error) error {
	return f.opening(p, gatehouse.OpenExisting, force, do)
}

func (f officeFlags) opening(p *program, open openFunc, force bool, do func(o office) error) error {
	if f.Server == "" {
		if f.APIKeyFile != "" {
			return usage("--api-key-file belongs to --server")
		}
		return f.opened(p, open, func(g *gatehouse.Gatehouse) error { return do(localOffice{g, force}) })
	}
	switch {
	case f.Data != "":
		return usage("give --server, or --data")
	case force:
		return usage("--force is for whoever is on the server's machine: leave --server out")
	}
	key, err := f.apiKey(p)
	if err != nil {
		return err
	}
	c, err := client.New(f.Server, key)
	if err != nil {
		return usageError{err}
	}
	return do(c)
}

// apiKeyVariable is where a key comes from that no file has.
const apiKeyVariable = "GATEHOUSE_API_KEY"

// apiKey reads the key. There is no flag that holds one: everybody on the machine
// can read command lines.
func (f officeFlags) apiKey(p *program) (auth.Secret, error) {
	text, from := p.env(apiKeyVariable), apiKeyVariable
	if f.APIKeyFile != "" {
		var err error
		if text, err = readKeyFile(f.APIKeyFile); err != nil {
			return "", fmt.Errorf("--api-key-file %s: %w", f.APIKeyFile, err)
		}
		from = f.APIKeyFile
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return "", usage("no API key for %s: put it into %s, or into a file for --api-key-file", f.Server, apiKeyVariable)
	}
	if _, ok := apikey.Parse(text); !ok {
		return "", fmt.Errorf("what is in %s is not an API key, as gh_live_…: it is too short, too long, or was changed on the way", from)
	}
	return auth.Secret(text), nil
}

// readKeyFile refuses a file that others can read, as the settings do.
func readKeyFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if problem := config.OpenToOthers(info.Mode()); problem != "" && info.Mode().IsRegular() {
		return "", fmt.Errorf("the file %s; chmod 600 %s", problem, name)
	}
	text, err := io.ReadAll(io.LimitReader(f, 4<<10))
	return string(text), err
}

// findIn says what was looked for when there is no such user.
func findIn(p *program, o office, ref string) (auth.User, error) {
	u, err := o.FindUser(p.ctx, ref)
	if errors.Is(err, auth.CodeNotFound) {
		return u, fmt.Errorf("there is no user %q; gatehouse user list shows them all", ref)
	}
	return u, err
}
