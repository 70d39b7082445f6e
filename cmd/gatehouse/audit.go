package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/audit"
)

// auditCmds are the commands on the audit record. They run beside a server on the
// same database; those that only look at a few events run against a server as well.
type auditCmds struct {
	List   auditListCmd   `cmd:"" help:"List what happened, the youngest first."`
	Tail   auditTailCmd   `cmd:"" help:"Show the last events, and those that come."`
	Export auditExportCmd `cmd:"" help:"Write all events as JSON lines."`
	Verify auditVerifyCmd `cmd:"" help:"Find events that were changed, removed or put in by others."`
	Head   auditHeadCmd   `cmd:"" help:"Show the last place of the chain, to be kept elsewhere."`
}

// auditFilter narrows what is shown.
type auditFilter struct {
	Type  []string `help:"Only events of this type, or of all that begin so: user.*; may be repeated." placeholder:"TYPE" sep:","`
	User  string   `help:"Only what was done to this user: ID, e-mail address or user name." placeholder:"USER"`
	Actor string   `help:"Only what this actor did: the ID of a user or API key, cli, or gatehouse." placeholder:"ACTOR"`
	Since string   `help:"Only from this time on: 2027-01-31, 2027-01-31T08:00:00Z, or a time ago as 24h or 7d." placeholder:"TIME"`
	Until string   `help:"Only before this time." placeholder:"TIME"`
}

// of reads the flags; find looks for the user that one of them names.
func (f auditFilter) of(find func(ref string) (auth.User, error)) (out audit.Filter, err error) {
	out = audit.Filter{Types: f.Type, Actor: f.Actor}
	now := time.Now()
	if out.Since, err = moment(f.Since, now); err != nil {
		return out, usage("--since: %v", err)
	}
	if out.Until, err = moment(f.Until, now); err != nil {
		return out, usage("--until: %v", err)
	}
	if f.User == "" {
		return out, nil
	}
	// Events outlive their users, so an ID need name nobody any more.
	if id, err := auth.ParseUserID(f.User); err == nil {
		out.User = id
		return out, nil
	}
	u, err := find(f.User)
	out.User = u.ID
	return out, err
}

// hereFlags are those of commands on the whole record: they need the database, and
// what verifies it the secrets besides, which no server gives away. The hidden ones
// are there to be told so.
type hereFlags struct {
	databaseFlags
	Server     string `hidden:"" placeholder:"URL"`
	APIKeyFile string `name:"api-key-file" hidden:"" placeholder:"FILE"`
}

// here refuses what asks for a server.
func (f hereFlags) here() error {
	if f.Server == "" && f.APIKeyFile == "" {
		return nil
	}
	return usage("this command works on the database, where the settings with the secrets are, and not with --server; gatehouse audit list and gatehouse audit tail do")
}

// moment reads a day, a time with its zone, or how long ago.
func moment(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339Nano} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	days, rest := 0, s
	if d, after, found := strings.Cut(s, "d"); found {
		var err error
		if days, err = strconv.Atoi(d); err != nil || days < 0 || days > 36500 {
			return time.Time{}, fmt.Errorf("%q is no time", s)
		}
		rest = after
	}
	ago, err := time.ParseDuration(cmp.Or(rest, "0"))
	if err != nil || ago < 0 {
		return time.Time{}, fmt.Errorf("%q is no time: give a day as 2027-01-31, a time with its zone, or how long ago, as 24h", s)
	}
	return now.Add(-ago).AddDate(0, 0, -days), nil
}

type auditListCmd struct {
	officeFlags
	auditFilter
	JSON  bool `name:"json" help:"Print one JSON object a line."`
	Limit int  `short:"n" help:"How many at most." default:"50"`
}

// Run lists events, the youngest first.
func (c *auditListCmd) Run(p *program) error {
	if c.Limit < 1 {
		return usage("--limit is at least 1")
	}
	return c.at(p, false, func(o office) error {
		f, err := c.of(func(ref string) (auth.User, error) { return findIn(p, o, ref) })
		if err != nil {
			return err
		}
		out := &recordPrinter{to: p.stdout, json: c.JSON}
		cursor := ""
		for left := c.Limit; left > 0; {
			page, err := o.ListEvents(p.ctx, f, cursor, min(left, audit.MaxPage))
			if err != nil {
				return err
			}
			for _, e := range page.Events {
				if err := out.print(e); err != nil {
					return err
				}
			}
			left -= len(page.Events)
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		return out.flush()
	})
}

type auditTailCmd struct {
	officeFlags
	JSON   bool  `name:"json" help:"Print one JSON object a line."`
	Lines  int64 `short:"n" help:"How many of the last events to show first." default:"10"`
	Follow bool  `short:"f" help:"Go on as events come, until interrupted."`
	After  int64 `help:"Begin behind this place of the chain, in place of the last ones." placeholder:"SEQ" default:"-1"`
}

// followWait is how long one question waits for an event; a server waits no
// longer.
const followWait = 8 * time.Second

// Run shows the end of the chain, the oldest first.
func (c *auditTailCmd) Run(p *program) error {
	return c.at(p, false, func(o office) error { return c.tail(p, o) })
}

func (c *auditTailCmd) tail(p *program, o office) error {
	after := c.After
	if after < 0 {
		_, head, err := o.FollowEvents(p.ctx, -1, 0, 1)
		if err != nil {
			return err
		}
		after = max(head-max(c.Lines, 0), 0)
	}
	var wait time.Duration
	if c.Follow {
		wait = followWait
	}
	out := &recordPrinter{to: p.stdout, json: c.JSON}
	for {
		records, next, err := o.FollowEvents(p.ctx, after, wait, audit.MaxPage)
		switch {
		case err != nil && c.Follow && p.ctx.Err() != nil: // interrupted, as it is meant to end
			return nil
		case err != nil:
			return err
		}
		for _, e := range records {
			if err := out.print(e); err != nil {
				return err
			}
		}
		if err := out.flush(); err != nil {
			return err
		}
		if after = next; !c.Follow && len(records) < audit.MaxPage {
			return nil
		}
	}
}

// recordPrinter writes events as lines: for people in columns of fixed width, so
// that lines which come later stand below the others.
type recordPrinter struct {
	to    io.Writer
	json  bool
	lines int
	wide  *tabwriter.Writer
}

func (o *recordPrinter) print(e audit.Record) error {
	if o.json {
		return printJSON(o.to, e)
	}
	if o.wide == nil {
		o.wide = tabwriter.NewWriter(o.to, 0, 0, 2, ' ', 0)
		fmt.Fprintln(o.wide, "SEQ\tAT\tTYPE\tRESULT\tACTOR\tTO\tDETAIL\tADDRESS\tCLIENT")
	}
	if o.lines++; o.lines%200 == 0 {
		if err := o.wide.Flush(); err != nil {
			return err
		}
	}
	seq := "-" // not chained yet
	if e.Seq > 0 {
		seq = strconv.FormatInt(e.Seq, 10)
	}
	to := strings.TrimSpace(strings.Join([]string{string(e.User), string(e.Session), e.Subject}, " "))
	from := strings.TrimSpace(e.Client + " " + e.Agent)
	columns := []string{seq, e.At.Format("2006-01-02 15:04:05"), string(e.Type), string(e.Result), e.Actor, to, e.Detail, e.Address, from}
	for i, c := range columns {
		columns[i] = cmp.Or(shownPlain(c), "-")
	}
	_, err := fmt.Fprintln(o.wide, strings.Join(columns, "\t"))
	return err
}

// shownPlain takes out what would move the cursor of a terminal: somebody else may
// have written the row.
func shownPlain(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, strings.Join(strings.Fields(s), " "))
}

func (o *recordPrinter) flush() error {
	if o.wide == nil {
		return nil
	}
	return o.wide.Flush()
}

type auditExportCmd struct {
	hereFlags
	auditFilter
	After  int64  `help:"Only what stands behind this place of the chain." placeholder:"SEQ"`
	Output string `help:"File to write, for its owner's eyes alone; else standard output." placeholder:"FILE"`
	Force  bool   `help:"Replace the file of --output."`
}

// Run writes event by event, in order of the chain; a page of them is in memory at
// a time.
func (c *auditExportCmd) Run(p *program) error {
	if err := c.here(); err != nil {
		return err
	}
	if c.Force && c.Output == "" {
		return usage("--force is about the file of --output, and none is named")
	}
	signal.Ignore(syscall.SIGPIPE) // a reader that went away is an error to be told
	return c.with(p, func(g *gatehouse.Gatehouse) error {
		f, err := c.of(func(ref string) (auth.User, error) { return find(p, g, ref) })
		if err != nil {
			return err
		}
		if c.Output == "" {
			_, err := c.export(p, g, f, p.stdout)
			return err
		}
		part, err := newPartFile(c.Output, c.Force)
		if err != nil {
			if errors.Is(err, fs.ErrExist) {
				err = fmt.Errorf("%w; name another file, or replace it with --force", err)
			}
			return fmt.Errorf("cannot write the events: %w", err)
		}
		defer part.drop()
		n, err := c.export(p, g, f, part)
		if err == nil {
			err = part.keep()
		}
		if err != nil {
			return fmt.Errorf("cannot write the events: %w", err)
		}
		_, err = fmt.Fprintf(p.stdout, "%s written to %s.\n", counted(n, "event"), c.Output)
		return err
	})
}

func (c *auditExportCmd) export(p *program, g *gatehouse.Gatehouse, f audit.Filter, to io.Writer) (n int, err error) {
	w := bufio.NewWriter(to)
	err = g.Audit().Export(p.ctx, actor, c.After, f, func(e audit.Record) error {
		n++
		return printJSON(w, e)
	})
	return n, errors.Join(err, w.Flush())
}

type auditHeadCmd struct {
	hereFlags
}

// Run prints the head alone, so that a script can keep it.
func (c *auditHeadCmd) Run(p *program) error {
	if err := c.here(); err != nil {
		return err
	}
	return c.with(p, func(g *gatehouse.Gatehouse) error {
		h, err := g.Audit().Head(p.ctx)
		if err != nil {
			return err
		}
		if h.Seq == 0 {
			return errors.New("the chain has not begun: the server begins it a second after its start")
		}
		_, err = fmt.Fprintln(p.stdout, h)
		return err
	})
}
