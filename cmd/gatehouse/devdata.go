package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
)

// devData is the folder in which gatehouse dev keeps what it needs:
//
//	gatehouse.db       the database
//	gatehouse-secret   Gatehouse's own secret
//	authjs-secret      the secret shared with the application (NEXTAUTH_SECRET)
//	.gitignore         so that none of it is ever committed
//
// The folder and all in it are for its owner's eyes alone.
type devData struct{ dir string }

const (
	ownSecretFile    = "gatehouse-secret"
	authjsSecretFile = "authjs-secret"
	devDatabase      = "gatehouse.db"
)

func (d devData) path(name string) string { return filepath.Join(d.dir, name) }

// mustExist is for commands beside gatehouse dev, which would otherwise make a
// new, empty database in a misspelt folder.
func (d devData) mustExist() error {
	if _, err := os.Stat(d.path(devDatabase)); err != nil {
		return fmt.Errorf("%s is not a data folder: it has no %s; start gatehouse dev --data %s once, or name another folder", d.dir, devDatabase, d.dir)
	}
	return nil
}

// foreign says whether the folder has a database that gatehouse dev did not
// make: its secrets are there before the database is.
func (d devData) foreign() bool {
	if info, err := os.Stat(d.path(devDatabase)); err != nil || info.Size() == 0 {
		return false
	}
	for _, name := range []string{ownSecretFile, authjsSecretFile} {
		if _, err := os.Stat(d.path(name)); errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}

// errForeign never advises to remove anything: the users in the database may
// be real.
func (d devData) errForeign() error {
	return fmt.Errorf("%s has a database but no secrets of gatehouse dev; if it is a server's, name its settings with --config", d.dir)
}

// create makes what is missing and leaves alone what is there, except that
// nobody else may read it. The database of a server is not touched at all.
func (d devData) create() error {
	if d.foreign() {
		return fmt.Errorf("%s has a database but no secrets of gatehouse dev; if it is a server's, start that with gatehouse serve; choose another folder with --data", d.dir)
	}
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return fmt.Errorf("cannot make the data folder: %w; choose another with --data", err)
	}
	if err := os.Chmod(d.dir, 0o700); err != nil {
		return fmt.Errorf("cannot protect the data folder: %w; choose another with --data", err)
	}
	for _, f := range []struct{ name, content string }{
		{".gitignore", "*\n"},
		{ownSecretFile, newSecret() + "\n"},
		{authjsSecretFile, newSecret() + "\n"},
		{devDatabase, ""}, // an empty file is an empty database; made here for its permissions
	} {
		if err := createPrivate(d.path(f.name), f.content); err != nil {
			return fmt.Errorf("cannot write to the data folder: %w; choose another with --data", err)
		}
	}
	return nil
}

// createPrivate writes a new file, or protects the one that is there.
func createPrivate(path, content string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return os.Chmod(path, 0o600)
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	return errors.Join(err, f.Close())
}

// config is what gatehouse dev runs with.
func (d devData) config(origin, dialect string) (gatehouse.Config, error) {
	own, err := d.secret(ownSecretFile)
	if err != nil {
		return gatehouse.Config{}, err
	}
	shared, err := d.secret(authjsSecretFile)
	if err != nil {
		return gatehouse.Config{}, err
	}
	return gatehouse.Config{
		PublicOrigin: origin,
		Name:         "Gatehouse dev",
		Secrets:      []auth.Secret{own},
		Mounts:       []gatehouse.Mount{{Dialect: dialect, Secrets: []auth.Secret{shared}}},
		Database:     gatehouse.Database{Path: d.path(devDatabase)},
		Registration: gatehouse.Registration{Mode: "open", Roles: []string{"user"}},
		// There is no other listener.
		Management: gatehouse.Management{Listen: "public"},
	}, nil
}

func (d devData) secret(name string) (auth.Secret, error) {
	content, err := os.ReadFile(d.path(name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", d.errForeign()
	case err != nil:
		return "", fmt.Errorf("cannot read a secret of the data folder: %w; run this as the owner of the folder, or name another with --data", err)
	}
	return auth.Secret(strings.TrimRight(string(content), "\r\n")), nil
}

// newSecret returns 52 characters with 260 bits of randomness.
func newSecret() string { return rand.Text() + rand.Text() }
