package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/token"
)

// userJSON is a user as --json prints it. Members without a value are left
// out; times are RFC 3339 in UTC.
type userJSON struct {
	ID                auth.UserID   `json:"id"`
	Email             string        `json:"email,omitempty"`
	Username          string        `json:"username,omitempty"`
	Name              string        `json:"name,omitempty"`
	Image             string        `json:"image,omitempty"`
	Roles             []string      `json:"roles"`
	EmailVerifiedAt   time.Time     `json:"email_verified_at,omitzero"`
	CreatedAt         time.Time     `json:"created_at"`
	UpdatedAt         time.Time     `json:"updated_at"`
	DisabledAt        time.Time     `json:"disabled_at,omitzero"`
	OldIDs            []oldIDJSON   `json:"old_ids,omitempty"`
	Sessions          []sessionJSON `json:"sessions,omitempty"`
	TemporaryPassword string        `json:"temporary_password,omitempty"`
}

type oldIDJSON struct {
	Mount string `json:"mount"`
	ID    string `json:"id"`
	// Main is missing for the ID of an account.
	Main bool `json:"main,omitempty"`
}

type sessionJSON struct {
	ID          auth.SessionID `json:"id"`
	Mount       string         `json:"mount"`
	CreatedAt   time.Time      `json:"created_at"`
	LastSeenAt  time.Time      `json:"last_seen_at"`
	AbsoluteEnd time.Time      `json:"absolute_end"`
	// Methods is missing for a session that was adopted from NextAuth.
	Methods   []string `json:"methods,omitempty"`
	Address   string   `json:"address,omitempty"`
	UserAgent string   `json:"user_agent,omitempty"`
}

func jsonUser(u auth.User) userJSON {
	out := userJSON{
		ID: u.ID, Email: u.Email, Username: u.Username, Name: u.Name, Image: u.Image, Roles: u.Roles,
		EmailVerifiedAt: u.EmailVerifiedAt, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt, DisabledAt: u.DisabledAt,
	}
	if out.Roles == nil {
		out.Roles = []string{}
	}
	return out
}

func jsonSession(s auth.Session) sessionJSON {
	out := sessionJSON{
		ID: s.ID, Mount: s.Mount, CreatedAt: s.CreatedAt, LastSeenAt: s.LastSeenAt, AbsoluteEnd: s.AbsoluteEnd, Methods: s.Methods, UserAgent: s.UserAgent,
	}
	if s.Address.IsValid() {
		out.Address = s.Address.String()
	}
	return out
}

// appJSON is a program that outlives sessions.
type appJSON struct {
	ID          auth.FamilyID  `json:"app"`
	Client      string         `json:"client"`
	SessionID   auth.SessionID `json:"session,omitempty"`
	Audiences   []string       `json:"audiences"`
	Scopes      []string       `json:"scopes"`
	Mount       string         `json:"mount"`
	CreatedAt   time.Time      `json:"created_at"`
	LastUsedAt  time.Time      `json:"last_used_at"`
	AbsoluteEnd time.Time      `json:"absolute_end"`
}

func jsonApp(f auth.Family) appJSON {
	return appJSON{
		ID: f.ID, Client: cmp.Or(f.ClientID, token.FirstParty), SessionID: f.SessionID, Audiences: f.Audiences, Scopes: f.Scopes,
		Mount: f.Mount, CreatedAt: f.CreatedAt, LastUsedAt: f.RotatedAt, AbsoluteEnd: f.AbsoluteEnd,
	}
}

// printJSON prints one line.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// label is what a person calls the user.
func label(u auth.User) string {
	if ids := u.Identifiers(); len(ids) > 0 {
		return ids[0]
	}
	return string(u.ID)
}

func state(u auth.User) string {
	if u.Disabled() {
		return "disabled"
	}
	return "active"
}

func when(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

type userListCmd struct {
	officeFlags
	JSON bool `name:"json" help:"Print one JSON object a line."`
}

// page is how many users are in memory at once.
const page = 500

// Run lists the users page by page.
func (c *userListCmd) Run(p *program) error {
	return c.at(p, false, func(o office) error {
		head := true
		return o.EachUser(p.ctx, func(users []auth.User) error {
			defer func() { head = false }()
			return c.print(p, users, head)
		})
	})
}

func (c *userListCmd) print(p *program, users []auth.User, head bool) error {
	if c.JSON {
		for _, u := range users {
			if err := printJSON(p.stdout, jsonUser(u)); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	if head {
		fmt.Fprintln(w, "ID\tIDENTIFIERS\tNAME\tROLES\tSTATE\tCREATED")
	}
	for _, u := range users {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", u.ID, strings.Join(u.Identifiers(), " "), u.Name, strings.Join(u.Roles, ","), state(u), when(u.CreatedAt))
	}
	return w.Flush()
}

type userShowCmd struct{ userFlags }

// Run shows one user.
func (c *userShowCmd) Run(p *program) error {
	return c.at(p, false, func(o office) error {
		u, err := findIn(p, o, c.User)
		if err != nil {
			return err
		}
		sessions, _, err := o.ListSessions(p.ctx, u.ID)
		if err != nil {
			return err
		}
		old, err := o.Accounts(p.ctx, u.ID)
		if err != nil {
			return err
		}
		if c.JSON {
			out := jsonUser(u)
			for _, id := range old {
				out.OldIDs = append(out.OldIDs, oldIDJSON{id.Mount, id.Value, id.Main})
			}
			for _, s := range sessions {
				out.Sessions = append(out.Sessions, jsonSession(s))
			}
			return printJSON(p.stdout, out)
		}
		return printUser(p.stdout, u, old, sessions)
	})
}

func printUser(out io.Writer, u auth.User, old []auth.OldID, sessions []auth.Session) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, line := range [][2]string{
		{"ID", string(u.ID)}, {"E-mail", u.Email}, {"User name", u.Username}, {"Name", u.Name}, {"Image", u.Image},
		{"Roles", strings.Join(u.Roles, ", ")}, {"State", state(u)}, {"Created", when(u.CreatedAt)},
	} {
		if line[1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", line[0], line[1])
		}
	}
	if !u.EmailVerifiedAt.IsZero() {
		fmt.Fprintf(w, "Verified\t%s\n", when(u.EmailVerifiedAt))
	}
	for _, id := range old {
		fmt.Fprintf(w, "Old ID\t%s at %s\n", id.Value, id.Mount)
	}
	fmt.Fprintf(w, "Sessions\t%d\n", len(sessions))
	for _, s := range sessions {
		from := "unknown address"
		if s.Address.IsValid() {
			from = s.Address.String()
		}
		begun := "since"
		if len(s.Methods) == 0 {
			begun = "adopted"
		}
		fmt.Fprintf(w, "\t%s %s %s, last seen %s, from %s, %s\n", s.ID, begun, when(s.CreatedAt), when(s.LastSeenAt), from, s.UserAgent)
	}
	return w.Flush()
}
