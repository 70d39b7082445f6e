package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/user/transfer"
)

type userExportCmd struct {
	databaseFlags
	Format             string `help:"jsonl or csv; else CSV if the file of --output ends in .csv." placeholder:"FORMAT" complete:"jsonl,csv"`
	Output             string `help:"File to write, for its owner's eyes alone; else standard output." placeholder:"FILE"`
	Force              bool   `help:"Replace the file of --output."`
	WithPasswordHashes bool   `help:"Write the password hashes too. WHOEVER READS THEM CAN GUESS AT THE PASSWORDS at home, as fast as their machines allow: for moving to another server alone, and the file must be deleted afterwards."`
}

// Run writes user by user; a page of them is in memory at a time.
func (c *userExportCmd) Run(p *program) error {
	format, err := fileFormat(c.Format, c.Output)
	if err != nil {
		return err
	}
	if c.Force && c.Output == "" {
		return usage("--force is about the file of --output, and none is named")
	}
	cfg, err := c.config(p)
	if err != nil {
		return err
	}
	o := transfer.WriterOptions{Format: format, Mounts: basePaths(cfg), Hashes: c.WithPasswordHashes}
	// A reader that went away is an error to be told, not the end without a word.
	signal.Ignore(syscall.SIGPIPE)
	return openedWith(p, cfg, gatehouse.OpenExisting, func(g *gatehouse.Gatehouse) error {
		if c.Output == "" {
			_, err := exportTo(p, g, p.stdout, o)
			return err
		}
		part, err := newPartFile(c.Output, c.Force)
		if err != nil {
			if errors.Is(err, fs.ErrExist) {
				err = fmt.Errorf("%w; name another file, or replace it with --force", err)
			}
			return fmt.Errorf("cannot write the users: %w", err)
		}
		defer part.drop()
		n, err := exportTo(p, g, part, o)
		if err != nil {
			return err
		}
		if err := part.keep(); err != nil {
			return fmt.Errorf("cannot write the users: %w", err)
		}
		_, err = fmt.Fprintf(p.stdout, "%d users written to %s.\n", n, c.Output)
		return err
	})
}

// exportTo writes all users and returns how many they were.
func exportTo(p *program, g *gatehouse.Gatehouse, to io.Writer, o transfer.WriterOptions) (n int, err error) {
	w, err := transfer.NewWriter(to, o)
	if err != nil {
		return 0, notWritten(err)
	}
	left := make(map[string]int)
	err = g.Users().Export(p.ctx, actor, o.Hashes, func(u transfer.User) error {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		for _, id := range u.OldIDs {
			if !slices.Contains(o.Mounts, id.Mount) {
				left[id.Mount]++
			}
		}
		n++
		return notWritten(w.Write(u))
	})
	if err == nil {
		err = notWritten(w.Flush())
	}
	if p.ctx.Err() != nil {
		err = p.ctx.Err()
	}
	if err == nil && len(left) > 0 {
		fmt.Fprintf(p.stderr, "warning: old IDs at mounts that the settings do not have were left out: %s\n", strings.Join(slices.Sorted(maps.Keys(left)), ", "))
	}
	return n, err
}

func notWritten(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, syscall.EPIPE) {
		err = errors.New("whoever read them has gone")
	}
	return fmt.Errorf("cannot write the users: %w; what was written is not whole", err)
}
