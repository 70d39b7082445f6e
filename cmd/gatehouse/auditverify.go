package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/audit"
)

type auditVerifyCmd struct {
	hereFlags
	JSON     bool     `name:"json" help:"Print JSON."`
	Head     []string `help:"A head that was kept elsewhere, as gatehouse audit head shows it; may be repeated." placeholder:"SEQ:MAC" sep:","`
	HeadFile string   `help:"File with such heads, one a line." placeholder:"FILE"`
}

// errBroken is the exit code of a chain that is not as it should be; what is wrong
// stands above it.
var errBroken = errors.New("the audit record is not as it was written")

// Run looks at the whole chain and writes nothing.
func (c *auditVerifyCmd) Run(p *program) error {
	if err := c.here(); err != nil {
		return err
	}
	heads, err := c.heads()
	if err != nil {
		return err
	}
	return c.opened(p, unmigrated, func(g *gatehouse.Gatehouse) error {
		report, err := g.Audit().Verify(p.ctx, heads, nil)
		if err != nil {
			return err
		}
		if c.JSON {
			err = printJSON(p.stdout, report)
		} else {
			err = printReport(p.stdout, report)
		}
		if err == nil && !report.OK() {
			err = errBroken
		}
		return err
	})
}

// unmigrated opens a database as it is: nothing is to be written.
func unmigrated(ctx context.Context, c gatehouse.Config) (*gatehouse.Gatehouse, error) {
	c.Database.SkipMigrate = true
	return gatehouse.OpenExisting(ctx, c)
}

func (c *auditVerifyCmd) heads() (list []audit.Head, err error) {
	texts := c.Head
	if c.HeadFile != "" {
		f, err := os.Open(c.HeadFile)
		if err != nil {
			return nil, fmt.Errorf("cannot read the heads: %w", err)
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			if line := strings.TrimSpace(lines.Text()); line != "" && !strings.HasPrefix(line, "#") {
				texts = append(texts, line)
			}
		}
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("cannot read the heads: %w", err)
		}
	}
	for _, text := range texts {
		h, err := audit.ParseHead(text)
		if err != nil {
			return nil, usage("%v", err)
		}
		list = append(list, h)
	}
	return list, nil
}

// verb is the form that goes with the number.
func verb(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// printReport says for people what the look has shown.
func printReport(out io.Writer, r audit.Report) error {
	w := bufio.NewWriter(out)
	if r.Events == 0 {
		fmt.Fprintln(w, "No event is in the chain.")
	} else {
		fmt.Fprintf(w, "%s in the chain, from %d to %d.\n", counted(int(r.Events), "event"), r.First, r.Last)
		fmt.Fprintf(w, "Head: %s\n", r.Head)
	}
	if r.Cut > 0 {
		fmt.Fprintf(w, "Retention has removed everything up to %d, the last time on %s UTC.\n", r.Cut, when(r.CutAt))
	}
	if r.Earlier > 0 {
		fmt.Fprintf(w, "%s %s written by a release without a chain, which began on %s UTC: what %s until then nobody can say.\n",
			counted(int(r.Earlier), "event"), verb(r.Earlier, "was", "were"), verb(r.Earlier, "it was", "they were"), when(r.Begun))
	}
	if r.Unchained > 0 {
		fmt.Fprintf(w, "%s %s no place yet, the oldest of %s UTC: the server chains within seconds.\n", counted(int(r.Unchained), "event"), verb(r.Unchained, "has", "have"), when(r.Oldest))
	}
	for _, h := range r.Uncompared {
		fmt.Fprintf(w, "The head %d could not be compared: retention has removed what it names.\n", h.Seq)
	}
	for i, f := range r.Findings {
		if i == 0 {
			fmt.Fprintln(w, "\nWhat is wrong, the first place first:")
		}
		at := ""
		switch {
		case f.First == 0:
		case f.First == f.Last:
			at = fmt.Sprintf(" %d", f.First)
		default:
			at = fmt.Sprintf(" %d to %d", f.First, f.Last)
		}
		if f.Event != "" && f.First == f.Last {
			at += " (" + shownPlain(string(f.Event)) + ")"
		}
		fmt.Fprintf(w, "  %s%s: %s\n", f.Kind, at, shownPlain(f.About))
	}
	if r.Dropped > 0 {
		fmt.Fprintf(w, "  and %d more\n", r.Dropped)
	}
	if r.OK() {
		fmt.Fprintln(w, "Every event is as it was written.")
	}
	return w.Flush()
}
