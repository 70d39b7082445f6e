package transfer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// WriterOptions say what is written of each user.
type WriterOptions struct {
	Format Format
	// Mounts are the base paths whose old IDs are written. With one the
	// members have their plain names, with several each names its mount.
	Mounts []string
	// Hashes writes password hashes, and whether one must be replaced.
	Hashes bool
}

// Writer writes one file. It is for one goroutine.
type Writer struct {
	o   WriterOptions
	out *bufio.Writer
	row bytes.Buffer
}

// NewWriter begins a file; of CSV it writes the first row. Nothing is certain
// to have arrived before [Writer.Flush].
func NewWriter(out io.Writer, o WriterOptions) (*Writer, error) {
	w := &Writer{o: o, out: bufio.NewWriterSize(out, 1<<16)}
	switch o.Format {
	case JSONLines:
		return w, nil
	case CSV:
		for i, f := range w.fields(User{}) {
			w.cell(i, f.name)
		}
		return w, w.endRow()
	}
	return nil, fmt.Errorf("there is no format %q", o.Format)
}

// Write writes one user. Roles and old IDs that cannot be told apart again are
// an error; users that package auth has let in have none.
func (w *Writer) Write(u User) error {
	w.row.Reset()
	if w.o.Format == CSV {
		for i, f := range w.fields(u) {
			text, err := f.cell()
			if err != nil {
				return err
			}
			w.cell(i, guarded(text))
		}
		return w.endRow()
	}
	w.row.WriteByte('{')
	for _, f := range w.fields(u) {
		if err := w.member(f); err != nil {
			return err
		}
	}
	w.row.WriteByte('}')
	return w.endRow()
}

// Flush hands everything on.
func (w *Writer) Flush() error { return w.out.Flush() }

func (w *Writer) endRow() error {
	w.row.WriteByte('\n')
	_, err := w.out.Write(w.row.Bytes())
	w.row.Reset()
	return err
}

// field is one member with what stands at it: a string, a bool or a []string.
type field struct {
	name  string
	value any
}

// fields are those of u in the order in which they are written, which is the
// same for every user.
func (w *Writer) fields(u User) []field {
	created := ""
	if !u.CreatedAt.IsZero() {
		created = formatTime(u.CreatedAt)
	}
	list := []field{
		{memberID, string(u.ID)},
		{memberEmail, u.Email},
		{memberUsername, u.Username},
		{memberName, u.Name},
		{memberImage, u.Image},
		{memberRoles, u.Roles},
		{memberVerified, since(u.Verified, u.VerifiedAt)},
		{memberDisabled, since(u.Disabled, u.DisabledAt)},
		{memberCreated, created},
	}
	for _, mount := range w.o.Mounts {
		main, others := "", []string(nil)
		for _, id := range u.OldIDs {
			switch {
			case id.Mount != mount:
			case id.Main:
				main = id.Value
			default:
				others = append(others, id.Value)
			}
		}
		if len(w.o.Mounts) == 1 {
			mount = ""
		}
		list = append(list, field{member{memberOldID, mount}.String(), main}, field{member{memberAccountIDs, mount}.String(), others})
	}
	if w.o.Hashes {
		list = append(list, field{memberHash, u.PasswordHash}, field{memberMustChange, u.MustChange})
	}
	return list
}

// since is a time if one is known, and a flag otherwise.
func since(set bool, at time.Time) any {
	if set && !at.IsZero() {
		return formatTime(at)
	}
	return set
}

// member writes a member of JSON, unless there is nothing at it.
func (w *Writer) member(f field) error {
	switch v := f.value.(type) {
	case string:
		if v == "" {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	case []string:
		if len(v) == 0 {
			return nil
		}
	}
	if w.row.Len() > 1 {
		w.row.WriteByte(',')
	}
	if err := w.json(f.name); err != nil {
		return err
	}
	w.row.WriteByte(':')
	return w.json(f.value)
}

func (w *Writer) json(v any) error {
	enc := json.NewEncoder(&w.row)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	w.row.Truncate(w.row.Len() - 1) // Encode ends with a line break
	return nil
}

// cell is the text of a field in CSV.
func (f field) cell() (string, error) {
	switch v := f.value.(type) {
	case string:
		return v, nil
	case bool:
		if v {
			return "true", nil
		}
		return "", nil
	case []string:
		if !slices.ContainsFunc(v, needsJSON) {
			return strings.Join(v, " "), nil
		}
		b, err := json.Marshal(v)
		return string(b), err
	}
	return "", errors.New("a field of no kind")
}

// needsJSON says whether an item of a list would be read as several, or the
// list as JSON.
func needsJSON(item string) bool {
	return len(strings.Fields(item)) != 1 || strings.Fields(item)[0] != item || strings.HasPrefix(item, "[")
}

// cell writes a cell, in quotes where RFC 4180 asks for them, and where another
// separator could be taken for ours.
func (w *Writer) cell(i int, text string) {
	if i > 0 {
		w.row.WriteByte(',')
	}
	if !strings.ContainsAny(text, "\",;\t\r\n") {
		w.row.WriteString(text)
		return
	}
	w.row.WriteByte('"')
	w.row.WriteString(strings.ReplaceAll(text, `"`, `""`))
	w.row.WriteByte('"')
}

// FromUser is the record of a user. p may be nil for users without a password.
func FromUser(u auth.User, p *auth.Password, ids []auth.OldID) User {
	out := User{
		ID: u.ID, Email: u.Email, Username: u.Username, Name: u.Name, Image: u.Image, Roles: u.Roles,
		Verified: !u.EmailVerifiedAt.IsZero(), VerifiedAt: u.EmailVerifiedAt,
		Disabled: u.Disabled(), DisabledAt: u.DisabledAt, CreatedAt: u.CreatedAt, OldIDs: ids,
	}
	if p != nil {
		out.PasswordHash, out.MustChange = p.Hash, p.MustChange
	}
	return out
}
