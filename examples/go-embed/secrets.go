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
)

// secrets returns Gatehouse's own secret and the one that seals the session
// cookie. They come from the environment, as in production, or from files that
// are made in the folder at the first start and are for their owner alone.
func secrets(folder string) (own, shared gatehouse.Secret, err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", "", err
	}
	if _, err := kept(filepath.Join(folder, ".gitignore"), "*"); err != nil {
		return "", "", err
	}
	if own, err = secret("GATEHOUSE_SECRET", filepath.Join(folder, "gatehouse-secret")); err != nil {
		return "", "", err
	}
	shared, err = secret("NEXTAUTH_SECRET", filepath.Join(folder, "authjs-secret"))
	return own, shared, err
}

func secret(variable, file string) (gatehouse.Secret, error) {
	if given := os.Getenv(variable); given != "" {
		return gatehouse.Secret(given), nil
	}
	text, err := kept(file, rand.Text()+rand.Text())
	if err != nil {
		return "", fmt.Errorf("%s is not set, and no secret can be kept: %w", variable, err)
	}
	return gatehouse.Secret(text), nil
}

// kept returns what the file says, and writes first into one that is not there.
func kept(file, first string) (string, error) {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		_, err = f.WriteString(first + "\n")
		return first, errors.Join(err, f.Close())
	}
	if !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	text, err := os.ReadFile(file)
	return strings.TrimSpace(string(text)), err
}
