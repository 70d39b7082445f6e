package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/term"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// maxPasswordInput is above every password that could be accepted, in bytes.
const maxPasswordInput = 4 << 10

// passwordFlags say where a new password comes from. There is no flag that
// holds one.
type passwordFlags struct {
	PasswordStdin bool `help:"Read the password from the first line of standard input instead of asking for it." xor:"password"`
	Temporary     bool `help:"Make a random password, show it once, and ask for a new one at the next sign-in." xor:"password"`
	MustChange    bool `help:"Ask for a new password at the next sign-in."`
}

// newPassword returns 26 characters with 130 bits of randomness.
func newPassword() auth.Secret { return auth.Secret(rand.Text()) }

// read returns the password, and whether it must be changed.
func (f passwordFlags) read(p *program) (pw auth.Secret, mustChange bool, err error) {
	switch {
	case f.Temporary:
		return newPassword(), true, nil
	case f.PasswordStdin:
		pw, err = passwordFromStdin(p)
	default:
		pw, err = promptPassword(p)
	}
	return pw, f.MustChange, err
}

// passwordFromStdin reads one line; the line break is not part of it, blanks
// are.
func passwordFromStdin(p *program) (auth.Secret, error) {
	text, err := readAll(p.stdin, maxPasswordInput)
	if err != nil {
		return "", err
	}
	line, rest, _ := strings.Cut(text, "\n")
	line = strings.TrimSuffix(line, "\r")
	switch {
	case line == "":
		return "", usage("standard input is empty, and --password-stdin wants the password there")
	case strings.TrimRight(rest, "\r\n") != "":
		return "", usage("standard input has more than one line, and --password-stdin wants the password alone")
	}
	return auth.Secret(line), nil
}

// promptPassword asks twice, without echo.
func promptPassword(p *program) (auth.Secret, error) {
	fd := int(p.stdin.Fd())
	if !term.IsTerminal(fd) {
		return "", usage("no terminal to ask for the password: give it on standard input with --password-stdin, or have one made with --temporary")
	}
	var typed [2]string
	for i, question := range []string{"New password: ", "Again: "} {
		fmt.Fprint(p.stderr, question)
		b, err := term.ReadPassword(fd)
		fmt.Fprintln(p.stderr)
		if err != nil {
			return "", fmt.Errorf("cannot read the password: %w", err)
		}
		typed[i] = string(b)
	}
	if typed[0] != typed[1] {
		return "", errors.New("the two passwords differ; nothing was changed")
	}
	return auth.Secret(typed[0]), nil
}

// readAll reads up to most bytes and refuses more.
func readAll(r io.Reader, most int64) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return "", fmt.Errorf("cannot read standard input: %w", err)
	}
	if int64(len(b)) > most {
		return "", usage("standard input has more than %d bytes", most)
	}
	return string(b), nil
}

// env returns a variable of the environment.
func (p *program) env(name string) (value string) {
	for _, e := range p.environ {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			value = v
		}
	}
	return value
}
