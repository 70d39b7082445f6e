package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/user/transfer"
)

// importRun is one import under way.
type importRun struct {
	program *program
	json    bool
	in      *transfer.Reader
	into    *user.Import
	o       user.ImportOptions
	// mend is given the refused lines; nil without --refused.
	mend *mendFile

	lines []importLine
	users []transfer.User

	imported, present, refused int
}

// importLine is a line that was read and not reported yet.
type importLine struct {
	number int
	raw    []byte
	err    error // nil: the next of users
}

// maxLines bounds the lines of a batch when most of them are refused.
const maxLines = 4 * user.ImportBatch

// whole imports the file. What was refused is kept also when it ends early.
func (r *importRun) whole(mendPath string) (err error) {
	if mendPath != "" {
		part, err := newPartFile(mendPath, true)
		if err != nil {
			return fmt.Errorf("cannot write the refused lines: %w", err)
		}
		defer part.drop()
		r.mend = &mendFile{part: part, head: r.in.Head}
		r.in.Overlong = r.mend
	}
	err = r.each()
	if mend := r.mend; mend != nil {
		err = errors.Join(err, mend.finish())
	}
	return errors.Join(r.sum(), r.ending(err))
}

// each reads line by line and hands them on in batches.
func (r *importRun) each() error {
	for {
		rec, err := r.in.Next()
		if err == io.EOF {
			return r.flush()
		}
		if err != nil {
			return err
		}
		if rec.Err == nil && len(r.o.Plain) == 0 && slices.ContainsFunc(rec.User.OldIDs, func(id auth.OldID) bool { return id.Mount == "" }) {
			return severalMounts(rec.Line, r.o.Mounts)
		}
		line := importLine{number: rec.Line, err: rec.Err}
		if r.mend != nil {
			line.raw = bytes.Clone(rec.Raw)
		}
		if rec.Err == nil {
			r.users = append(r.users, rec.User)
		}
		if r.lines = append(r.lines, line); len(r.users) == user.ImportBatch || len(r.lines) == maxLines {
			if err := r.flush(); err != nil {
				return err
			}
		}
	}
}

// flush imports what was read and reports it line by line.
func (r *importRun) flush() error {
	begun := time.Now()
	outcomes, err := r.into.Users(r.program.ctx, r.users)
	if err != nil {
		return err
	}
	took := time.Since(begun)
	wrote := false
	for _, line := range r.lines {
		if line.err == nil {
			out := outcomes[0]
			outcomes = outcomes[1:]
			switch line.err = out.Refused; {
			case out.Present:
				r.present++
			case out.Refused == nil:
				r.imported++
				wrote = true
			}
		}
		if line.err != nil {
			if err := r.refuse(line); err != nil {
				return err
			}
		}
	}
	r.lines, r.users = r.lines[:0], r.users[:0]
	if wrote && !r.o.DryRun {
		return r.breathe(took)
	}
	return nil
}

// maxBreath bounds a pause.
const maxBreath = 10 * time.Millisecond

// breathe leaves the database to a server that is running on it. Who waits for
// the write lock asks for it now and then, and an import that took it again at
// once would keep sign-ins waiting for seconds.
func (r *importRun) breathe(took time.Duration) error {
	select {
	case <-r.program.ctx.Done():
		return r.program.ctx.Err()
	case <-time.After(min(took, maxBreath)):
		return nil
	}
}

// refuse reports one line, with what it broke and never with its content.
func (r *importRun) refuse(line importLine) error {
	r.refused++
	if r.mend != nil && line.raw != nil {
		if err := r.mend.line(line.raw); err != nil {
			return err
		}
	}
	reason := importReason(line.err)
	if r.json {
		return printJSON(r.program.stdout, struct {
			Line    int    `json:"line"`
			Refused string `json:"refused"`
		}{line.number, reason})
	}
	_, err := fmt.Fprintf(r.program.stderr, "line %d: %s\n", line.number, reason)
	return err
}

// sum prints the numbers. Present are those who were there already.
func (r *importRun) sum() error {
	if r.json {
		return printJSON(r.program.stdout, struct {
			Imported int  `json:"imported"`
			Present  int  `json:"present"`
			Refused  int  `json:"refused"`
			DryRun   bool `json:"dry_run,omitempty"`
		}{r.imported, r.present, r.refused, r.o.DryRun})
	}
	did := "imported"
	if r.o.DryRun {
		did = "would be imported"
	}
	_, err := fmt.Fprintf(r.program.stdout, "%d %s, %d there already, %d refused.\n", r.imported, did, r.present, r.refused)
	return err
}

// ending is what makes the exit code: what ended the import early, or that
// lines were refused.
func (r *importRun) ending(err error) error {
	var wrong usageError
	if interrupted := r.program.ctx.Err(); interrupted != nil {
		err = interrupted
	}
	switch {
	case errors.As(err, &wrong):
		return err
	case err != nil:
		fmt.Fprintln(r.program.stderr, "Not all lines were read. Run the same command again to go on; who is there already is passed over.")
		return err
	case r.refused > 0:
		return fmt.Errorf("%d lines were refused; correct them and import them alone", r.refused)
	}
	return nil
}

// mendFile is the file of refused lines, below the first row of CSV.
type mendFile struct {
	part *partFile
	head []byte
	// open says that the last byte was no line break, any that something stands
	// in the file.
	open, any bool
}

func (f *mendFile) line(raw []byte) error {
	if _, err := f.Write(raw); err != nil {
		return err
	}
	_, err := f.Write([]byte("\n"))
	return err
}

// Write takes a part of a line that is too long to be held.
func (f *mendFile) Write(b []byte) (int, error) {
	if !f.any {
		f.any = true
		if len(f.head) > 0 {
			if _, err := fmt.Fprintf(f.part, "%s\n", f.head); err != nil {
				return 0, fmt.Errorf("cannot write the refused lines: %w", err)
			}
		}
	}
	n, err := f.part.Write(b)
	if err != nil {
		return n, fmt.Errorf("cannot write the refused lines: %w", err)
	}
	f.open = len(b) > 0 && b[len(b)-1] != '\n'
	return n, nil
}

// finish puts the file in its place. Without a refused line there is none, and
// one of an earlier run is empty from now on.
func (f *mendFile) finish() error {
	if f.open {
		if err := f.line(nil); err != nil {
			return err
		}
	}
	if err := f.part.keep(); err != nil {
		return fmt.Errorf("cannot write the refused lines: %w", err)
	}
	return nil
}
