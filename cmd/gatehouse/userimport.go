package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/user"
)

type userImportCmd struct {
	databaseFlags
	File string `arg:"" help:"File of JSON lines, or - for standard input."`
	JSON bool   `name:"json" help:"Print a JSON object for each refused line, and one at the end with the numbers."`
}

// importLine is one line of the file. email or username is needed.
type importLine struct {
	Email        string   `json:"email"`
	Username     string   `json:"username"`
	Name         string   `json:"name"`
	Image        string   `json:"image"`
	Roles        []string `json:"roles"`
	Verified     bool     `json:"verified"`
	Disabled     bool     `json:"disabled"`
	PasswordHash string   `json:"password_hash"`
}

// maxImportLine bounds one line, in bytes.
const maxImportLine = 64 << 10

// Run imports line by line; a refused line does not stop the others. One line
// is in memory at a time.
func (c *userImportCmd) Run(p *program) error {
	var file io.Reader = p.stdin
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return fmt.Errorf("cannot read the users: %w", err)
		}
		defer f.Close()
		file = f
	}
	return c.creating(p, func(g *gatehouse.Gatehouse) error {
		imported, refused := 0, 0
		err := eachLine(file, func(number int, line []byte, tooLong bool) error {
			if err := p.ctx.Err(); err != nil {
				return err
			}
			if len(bytes.TrimSpace(line)) == 0 && !tooLong {
				return nil
			}
			err := importOne(p, g, line, tooLong)
			if err == nil {
				imported++
				return nil
			}
			refused++
			return c.refused(p, number, err)
		})
		return errors.Join(err, c.sum(p, imported, refused))
	})
}

func importOne(p *program, g *gatehouse.Gatehouse, line []byte, tooLong bool) error {
	if tooLong {
		return fmt.Errorf("is longer than %d bytes", maxImportLine)
	}
	in, err := parseImport(line)
	if err != nil {
		return err
	}
	_, err = g.Users().Import(p.ctx, actor, in)
	return err
}

// parseImport reads one line strictly: a misspelt member would lose data.
func parseImport(line []byte) (user.New, error) {
	var l importLine
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil {
		return user.New{}, fmt.Errorf("is not a user in JSON: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return user.New{}, errors.New("has more behind its JSON object")
	}
	return user.New{
		Email: l.Email, Username: l.Username, Name: l.Name, Image: l.Image, Roles: l.Roles,
		Verified: l.Verified, Disabled: l.Disabled, PasswordHash: l.PasswordHash,
	}, nil
}

// refused reports one line, with what it broke and never with its content.
func (c *userImportCmd) refused(p *program, number int, err error) error {
	reason := err.Error()
	var e *auth.Error
	if errors.As(err, &e) {
		reason = refusal(err)
	}
	if c.JSON {
		return printJSON(p.stdout, struct {
			Line    int    `json:"line"`
			Refused string `json:"refused"`
		}{number, reason})
	}
	_, err = fmt.Fprintf(p.stderr, "line %d: %s\n", number, reason)
	return err
}

func (c *userImportCmd) sum(p *program, imported, refused int) error {
	var err error
	if c.JSON {
		err = printJSON(p.stdout, struct {
			Imported int `json:"imported"`
			Refused  int `json:"refused"`
		}{imported, refused})
	} else {
		_, err = fmt.Fprintf(p.stdout, "%d imported, %d refused.\n", imported, refused)
	}
	if err == nil && refused > 0 {
		err = fmt.Errorf("%d lines were refused; correct them and import them alone", refused)
	}
	return err
}

// eachLine calls do for every line, without its line break. The rest of a line
// that is too long is skipped.
func eachLine(r io.Reader, do func(number int, line []byte, tooLong bool) error) error {
	in := bufio.NewReaderSize(r, maxImportLine)
	for number := 1; ; number++ {
		line, err := in.ReadSlice('\n')
		tooLong := errors.Is(err, bufio.ErrBufferFull)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = in.ReadSlice('\n')
		}
		if err != nil && err != io.EOF {
			return fmt.Errorf("cannot read on after line %d: %w", number-1, err)
		}
		if len(line) > 0 {
			if err := do(number, bytes.TrimRight(line, "\r\n"), tooLong); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}
