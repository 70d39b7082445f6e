package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/user/transfer"
)

type userImportCmd struct {
	databaseFlags
	File    string   `arg:"" help:"File of JSON lines or CSV, or - for standard input."`
	Format  string   `help:"jsonl or csv; else CSV if FILE ends in .csv or .tsv." placeholder:"FORMAT" complete:"jsonl,csv"`
	Mount   []string `help:"Base path at which old_id and account_ids count; may be repeated. Needed when the settings have several mounts." placeholder:"PATH" sep:"none"`
	DryRun  bool     `help:"Judge every line and write nothing. Lines are not compared with each other then."`
	Refused string   `help:"File for the refused lines as they are, to be mended and imported alone. It holds what they hold." placeholder:"FILE"`
	JSON    bool     `name:"json" help:"Print a JSON object for each refused line, and one at the end with the numbers."`
}

// Run imports line by line; a refused line does not stop the others. One batch
// of lines is in memory at a time. Run again after whatever ended it, it goes
// on: who is there already is passed over.
func (c *userImportCmd) Run(p *program) error {
	format, err := fileFormat(c.Format, c.File)
	if err != nil {
		return err
	}
	cfg, err := c.config(p)
	if err != nil {
		return err
	}
	if err := c.checkRefused(cfg); err != nil {
		return err
	}
	o := user.ImportOptions{Actor: actor, Mounts: basePaths(cfg), DryRun: c.DryRun}
	if o.Plain, err = c.plainMounts(o.Mounts); err != nil {
		return err
	}
	file, err := c.open(p)
	if err != nil {
		return err
	}
	defer file.Close()
	in, err := transfer.NewReader(file, format)
	if err != nil {
		return fmt.Errorf("cannot read the users: %w", err)
	}
	if in.PlainOldIDs() && len(o.Plain) == 0 {
		return severalMounts(1, o.Mounts)
	}
	return c.opening(p, cfg, func(g *gatehouse.Gatehouse) error {
		run := &importRun{program: p, json: c.JSON, in: in, into: g.Users().NewImport(o), o: o}
		return run.whole(c.Refused)
	})
}

// opening opens the installation, creating its database if there is none, but
// for a dry run: that works on an empty one in a temporary folder then.
func (c *userImportCmd) opening(p *program, cfg gatehouse.Config, do func(g *gatehouse.Gatehouse) error) error {
	if !c.DryRun {
		return openedWith(p, cfg, gatehouse.New, do)
	}
	if cfg.Database.URL != "" {
		if err := openedWith(p, cfg, gatehouse.OpenExisting, do); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		cfg.Database = gatehouse.Database{}
	} else if _, err := os.Stat(cfg.WithDefaults().Database.Path); !errors.Is(err, fs.ErrNotExist) {
		return openedWith(p, cfg, gatehouse.OpenExisting, do)
	}
	dir, err := os.MkdirTemp("", "gatehouse-dry-run-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cfg.Database.Path = filepath.Join(dir, "empty.db")
	return openedWith(p, cfg, gatehouse.New, do)
}

// basePaths are those of the settings' mounts.
func basePaths(c gatehouse.Config) (paths []string) {
	for _, m := range c.WithDefaults().Mounts {
		paths = append(paths, m.BasePath)
	}
	return paths
}

// plainMounts are the mounts at which old IDs count that name none.
func (c *userImportCmd) plainMounts(configured []string) ([]string, error) {
	for _, m := range c.Mount {
		if !slices.Contains(configured, m) {
			return nil, usage("the settings have no mount %q; they have %s", m, strings.Join(configured, ", "))
		}
	}
	if len(c.Mount) == 0 && len(configured) == 1 {
		return configured, nil
	}
	return c.Mount, nil
}

func severalMounts(line int, configured []string) error {
	return usage("line %d: there are old IDs, and the settings have several mounts (%s): say with --mount at which of them the IDs count; no line from here on was imported",
		line, strings.Join(configured, ", "))
}

// checkRefused keeps the file of refused lines, which takes the place of what is
// there, from taking that of the installation.
func (c *userImportCmd) checkRefused(cfg gatehouse.Config) error {
	written, err := os.Stat(c.Refused)
	if err != nil {
		return nil // nothing is there
	}
	db := cfg.WithDefaults().Database.Path
	paths := []string{c.Config}
	if db != "" {
		paths = append(paths, db, db+"-wal", db+"-shm")
	}
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && os.SameFile(info, written) {
			return usage("--refused names %s, which it would replace; name another file", path)
		}
	}
	return nil
}

func (c *userImportCmd) sameFile(f *os.File) bool {
	read, err := f.Stat()
	if err != nil || c.Refused == "" {
		return false
	}
	written, err := os.Stat(c.Refused)
	return err == nil && os.SameFile(read, written)
}

// fileFormat is the one that was named, or that of the file's name.
func fileFormat(named, file string) (transfer.Format, error) {
	switch f := transfer.Format(named); {
	case f == transfer.JSONLines, f == transfer.CSV:
		return f, nil
	case named != "":
		return "", usage("--format is jsonl or csv, not %q", named)
	}
	if ext := strings.ToLower(filepath.Ext(file)); ext == ".csv" || ext == ".tsv" {
		return transfer.CSV, nil
	}
	return transfer.JSONLines, nil
}

// open opens the file. Reading it ends with the program's context, also while
// nothing comes out of a pipe.
func (c *userImportCmd) open(p *program) (io.ReadCloser, error) {
	file := p.stdin
	if c.File != "-" {
		var err error
		if file, err = os.Open(c.File); err != nil {
			return nil, fmt.Errorf("cannot read the users: %w", err)
		}
	}
	if c.sameFile(file) {
		if file != p.stdin {
			file.Close()
		}
		return nil, usage("--refused names the file that is read; name another one")
	}
	out, in := io.Pipe()
	go func() {
		_, err := io.CopyBuffer(onlyWriter{in}, file, make([]byte, transfer.MaxRecord))
		in.CloseWithError(err)
		if file != p.stdin {
			file.Close()
		}
	}()
	context.AfterFunc(p.ctx, func() { in.CloseWithError(p.ctx.Err()) })
	return out, nil
}

// onlyWriter keeps io.CopyBuffer to the buffer that it is given.
type onlyWriter struct{ io.Writer }

// importReason says why a line was refused, in an operator's words and without
// anything that stands in it.
func importReason(err error) string {
	var e *auth.Error
	switch {
	case !errors.As(err, &e):
		return err.Error()
	case e.Code == auth.CodeIdentifierTaken && e.Message != "":
		return e.Message
	}
	return refusal(err)
}
