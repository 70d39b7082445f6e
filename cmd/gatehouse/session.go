package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/token"
	"github.com/gatehouse-auth/gatehouse/internal/useragent"
)

// sessionCmds are the commands on sessions. They run beside a server on the same
// database.
type sessionCmds struct {
	List   sessionListCmd   `cmd:"" help:"List where a user is signed in, and the apps that need no session."`
	Revoke sessionRevokeCmd `cmd:"" help:"End sessions and apps: by ID, all of a user, or everybody's."`
}

type sessionListCmd struct {
	officeFlags
	JSON bool   `name:"json" help:"Print one JSON object a line."`
	User string `arg:"" help:"ID, e-mail address or user name."`
}

// Run lists the live sessions, the one used last first, and then the apps.
func (c *sessionListCmd) Run(p *program) error {
	return c.at(p, false, func(o office) error {
		u, err := findIn(p, o, c.User)
		if err != nil {
			return err
		}
		list, apps, err := o.ListSessions(p.ctx, u.ID)
		if err != nil {
			return err
		}
		if !c.JSON {
			return errors.Join(printSessions(p.stdout, list), printApps(p.stdout, apps))
		}
		for _, s := range list {
			if err := printJSON(p.stdout, jsonSession(s)); err != nil {
				return err
			}
		}
		for _, f := range apps {
			if err := printJSON(p.stdout, jsonApp(f)); err != nil {
				return err
			}
		}
		return nil
	})
}

// printApps lists the programs that outlive sessions, if there are any.
func printApps(out io.Writer, list []auth.Family) error {
	if len(list) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nAPP\tSINCE\tLAST USED\tCLIENT\tSCOPES\tMOUNT")
	for _, f := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", f.ID, when(f.CreatedAt), when(f.RotatedAt), cmp.Or(f.ClientID, token.FirstParty), strings.Join(f.Scopes, " "), f.Mount)
	}
	return w.Flush()
}

func printSessions(out io.Writer, list []auth.Session) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tSIGNED IN\tLAST SEEN\tADDRESS\tBROWSER\tMOUNT")
	for _, s := range list {
		from := "unknown"
		if s.Address.IsValid() {
			from = s.Address.String()
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", s.ID, when(s.CreatedAt), when(s.LastSeenAt), from, browser(s.UserAgent), s.Mount)
	}
	return w.Flush()
}

// browser names what a User-Agent field tells of.
func browser(field string) string {
	a := useragent.Parse(field)
	switch {
	case a.Browser == "" && a.System == "":
		return "unknown browser"
	case a.System == "":
		return a.Browser
	case a.Browser == "":
		a.Browser = "unknown browser"
	}
	return a.Browser + " on " + a.System
}

type sessionRevokeCmd struct {
	officeFlags
	JSON       bool     `name:"json" help:"Print JSON."`
	User       string   `help:"End all sessions of this user: ID, e-mail address or user name. With --server also: whose the named ones are." placeholder:"USER"`
	OthersThan []string `help:"With --user: keep this session; may be repeated." placeholder:"SESSION" sep:","`
	Everybody  bool     `help:"End all sessions of all users; asks for --yes."`
	Yes        bool     `help:"With --everybody: do it."`
	Sessions   []string `arg:"" optional:"" name:"session" help:"IDs of sessions and apps, as gatehouse session list shows them."`
}

// Run ends what was named.
func (c *sessionRevokeCmd) Run(p *program) error {
	if c.Server != "" {
		return c.remotely(p)
	}
	ways := 0
	for _, given := range []bool{len(c.Sessions) > 0, c.User != "", c.Everybody} {
		if given {
			ways++
		}
	}
	switch {
	case ways != 1:
		return usage("name sessions, or give --user, or --everybody")
	case len(c.OthersThan) > 0 && c.User == "":
		return usage("--others-than belongs to --user")
	case c.Everybody && !c.Yes:
		return usage("this signs everybody out, at every server on this database: give --yes as well")
	case c.Yes && !c.Everybody:
		return usage("--yes belongs to --everybody")
	}
	return c.with(p, func(g *gatehouse.Gatehouse) error {
		switch {
		case c.Everybody:
			return c.everybody(p, g)
		case c.User != "":
			return revokeUser(p, g, c.User, c.JSON, c.OthersThan...)
		}
		return c.each(p, g)
	})
}

// remotely ends sessions of one user at a server.
func (c *sessionRevokeCmd) remotely(p *program) error {
	switch {
	case c.User == "":
		return usage("with --server say whose sessions: give --user")
	case c.Everybody, c.Yes, len(c.OthersThan) > 0:
		return usage("--everybody and --others-than are for whoever is on the server's machine: leave --server out")
	}
	return c.at(p, false, func(o office) error {
		u, err := findIn(p, o, c.User)
		if err != nil {
			return err
		}
		if len(c.Sessions) == 0 {
			done, err := o.RevokeSessions(p.ctx, u.ID)
			if err != nil {
				return err
			}
			return printRevoked(p.stdout, c.JSON, done)
		}
		return c.eachOf(p, func(id string) (session.Revoked, error) { return o.RevokeSession(p.ctx, u.ID, id) })
	})
}

// isApp tells the ID of an app from that of a session.
func isApp(id string) bool { return strings.HasPrefix(id, "fam_") }

// each ends one session after the other; one that cannot be ended does not save
// the rest.
func (c *sessionRevokeCmd) each(p *program, g *gatehouse.Gatehouse) error {
	return c.eachOf(p, func(id string) (session.Revoked, error) {
		if isApp(id) {
			return g.Sessions().RevokeApp(p.ctx, actor, auth.FamilyID(id))
		}
		return g.Sessions().Revoke(p.ctx, actor, auth.SessionID(id))
	})
}

func (c *sessionRevokeCmd) eachOf(p *program, end func(id string) (session.Revoked, error)) (err error) {
	named := 0 // that there are
	all := session.Revoked{Effect: revocation.Effect{Effective: revocation.Everywhere}}
	for _, id := range c.Sessions {
		done, failed := end(id)
		switch {
		case errors.Is(failed, auth.CodeNotFound):
			err = errors.Join(err, fmt.Errorf("there is no session or app %q; gatehouse session list shows those of a user", id))
			continue
		case failed != nil:
			err = errors.Join(err, fmt.Errorf("%s: %s", id, refusal(failed)))
			continue
		}
		all.Sessions, all.Apps = append(all.Sessions, done.Sessions...), append(all.Apps, done.Apps...)
		named++
		if done.Latest.After(all.Latest) {
			all.Effect = done.Effect
		}
	}
	if named == 0 {
		return err
	}
	return errors.Join(printRevoked(p.stdout, c.JSON, all), err)
}

func (c *sessionRevokeCmd) everybody(p *program, g *gatehouse.Gatehouse) error {
	n, effect, err := g.Sessions().RevokeEverybody(p.ctx, actor, nil)
	if err != nil {
		return fmt.Errorf("%w; %d sessions had ended by then: run the same command again", err, n)
	}
	return printRevoked(p.stdout, c.JSON, session.Revoked{Sessions: make([]auth.SessionID, n), Effect: effect})
}

// revokeUser ends the sessions of a user but those to keep.
func revokeUser(p *program, g *gatehouse.Gatehouse, ref string, asJSON bool, keep ...string) error {
	u, err := find(p, g, ref)
	if err != nil {
		return err
	}
	ids := make([]auth.SessionID, len(keep))
	for i, id := range keep {
		ids[i] = auth.SessionID(id)
	}
	done, err := g.Sessions().RevokeUser(p.ctx, actor, u.ID, ids...)
	if errors.Is(err, auth.CodeNotFound) && len(keep) > 0 {
		return fmt.Errorf("nothing was ended: not every session of --others-than is a live one of %s", label(u))
	}
	if err != nil {
		return err
	}
	return printRevoked(p.stdout, asJSON, done)
}

// revokedJSON is a revocation as --json prints it.
type revokedJSON struct {
	Ended        int                      `json:"ended"`
	EndedApps    int                      `json:"ended_apps,omitempty"`
	Effective    revocation.Effectiveness `json:"effective"`
	PendingUntil time.Time                `json:"pending_until,omitzero"`
}

// printRevoked says what ended and how far that has come.
func printRevoked(w io.Writer, asJSON bool, done session.Revoked) error {
	if asJSON {
		return printJSON(w, revokedJSON{len(done.Sessions), len(done.Apps), done.Effective, done.Latest.UTC()})
	}
	count := counted(len(done.Sessions), "session")
	switch {
	case len(done.Apps) > 0 && len(done.Sessions) == 0:
		count = counted(len(done.Apps), "app")
	case len(done.Apps) > 0:
		count += " and " + counted(len(done.Apps), "app")
	}
	if done.Effective == revocation.Everywhere {
		_, err := fmt.Fprintf(w, "%s ended; it holds everywhere.\n", count)
		return err
	}
	if len(done.Sessions)+len(done.Apps) == 0 {
		_, err := fmt.Fprintf(w, "It had ended before; servers that have not confirmed it hold it by %s UTC at the latest.\n", done.Latest.UTC().Format("15:04:05"))
		return err
	}
	_, err := fmt.Fprintf(w, "%s ended; servers that have not confirmed it hold it by %s UTC at the latest.\n", count, done.Latest.UTC().Format("15:04:05"))
	return err
}

func counted(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

type userSignOutCmd struct {
	officeFlags
	JSON bool   `name:"json" help:"Print JSON."`
	User string `arg:"" help:"ID, e-mail address or user name."`
}

// Run ends all sessions of the user, who may sign in again.
func (c *userSignOutCmd) Run(p *program) error {
	return c.at(p, false, func(o office) error {
		u, err := findIn(p, o, c.User)
		if err != nil {
			return err
		}
		done, err := o.RevokeSessions(p.ctx, u.ID)
		if err != nil {
			return err
		}
		return printRevoked(p.stdout, c.JSON, done)
	})
}
