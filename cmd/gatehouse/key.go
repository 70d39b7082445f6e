package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/jwt"
	"github.com/gatehouse-auth/gatehouse/internal/keyring"
)

type keyCmds struct {
	List   keyListCmd   `cmd:"" help:"List the keys that tokens are signed with."`
	Rotate keyRotateCmd `cmd:"" help:"Let the next key sign, before the schedule does."`
	Retire keyRetireCmd `cmd:"" help:"Take a key out of use; with --now, refuse at once what it has signed."`
	Reseal keyResealCmd `cmd:"" help:"Seal all keys anew under the first master key."`
}

// keyJSON is a key as --json prints it.
type keyJSON struct {
	KeyID     string     `json:"kid"`
	Algorithm string     `json:"algorithm"`
	State     string     `json:"state"`
	CreatedAt time.Time  `json:"created_at"`
	ActiveAt  *time.Time `json:"active_at,omitempty"`
	Retiring  *time.Time `json:"retiring_at,omitempty"`
	Retired   *time.Time `json:"retired_at,omitempty"`
	Due       *time.Time `json:"due,omitempty"`
	Sealed    bool       `json:"sealed_under_first"`
	Problem   string     `json:"problem,omitempty"`
}

func jsonKey(s keyring.Status) keyJSON {
	maybe := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	return keyJSON{
		s.ID, s.Algorithm, string(s.State), s.CreatedAt, maybe(s.ActiveAt), maybe(s.RetiringAt), maybe(s.RetiredAt), maybe(s.Due), s.Sealed, keyProblem(s),
	}
}

// keyProblem is what is wrong with a key, or "".
func keyProblem(s keyring.Status) string {
	switch {
	case s.State == auth.KeyRetired:
		return ""
	case s.Fault != nil:
		return s.Fault.Error()
	case !s.InUse:
		return "no tokens are signed with its algorithm any more"
	case !s.Sealed:
		return "sealed under an older secret: gatehouse key reseal"
	}
	return ""
}

type keyListCmd struct {
	databaseFlags
	All  bool `help:"Retired keys too."`
	JSON bool `name:"json" help:"Print one JSON object a line."`
}

// Run lists the keys, the oldest first.
func (c *keyListCmd) Run(p *program) error {
	return c.with(p, func(g *gatehouse.Gatehouse) error {
		list, err := g.Keys().List(p.ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		if !c.JSON {
			fmt.Fprintln(w, "KID\tALGORITHM\tSTATE\tSINCE\tNEXT STEP\tPROBLEM")
		}
		for _, s := range list {
			if s.State == auth.KeyRetired && !c.All {
				continue
			}
			if c.JSON {
				if err := printJSON(p.stdout, jsonKey(s)); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", s.ID, s.Algorithm, s.State, when(keySince(s.Key)), keyStep(s), keyProblem(s))
		}
		return w.Flush()
	})
}

// keySince is when the key came into its state.
func keySince(k auth.Key) time.Time {
	switch k.State {
	case auth.KeyActive:
		return k.ActiveAt
	case auth.KeyRetiring:
		return k.RetiringAt
	case auth.KeyRetired:
		return k.RetiredAt
	}
	return k.CreatedAt
}

// keyStep says what the schedule does next with the key.
func keyStep(s keyring.Status) string {
	verb := map[auth.KeyState]string{
		auth.KeyNext: "may sign from ", auth.KeyActive: "is followed ", auth.KeyRetiring: "retires ",
	}[s.State]
	if verb == "" || !s.InUse && s.State != auth.KeyRetiring {
		return "-"
	}
	return verb + when(s.Due)
}

type keyRotateCmd struct {
	databaseFlags
	Algorithm []string `help:"Rotate the keys of this algorithm (default: of all in use); may be repeated." placeholder:"ALG" sep:","`
	Now       bool     `help:"Do not wait until everybody can know the next key: some verifiers refuse good tokens for a while."`
}

// Run rotates the keys of each algorithm.
func (c *keyRotateCmd) Run(p *program) error {
	return c.with(p, func(g *gatehouse.Gatehouse) error {
		list := g.Keys().Algorithms()
		if len(c.Algorithm) > 0 {
			list = nil
			for _, a := range c.Algorithm {
				list = append(list, jwt.Algorithm(a))
			}
		}
		for _, a := range list {
			rot, err := g.Keys().Rotate(p.ctx, actor, a, c.Now)
			if err != nil {
				return hint(err, "gatehouse key rotate --now")
			}
			fmt.Fprintf(p.stdout, "%s signs %s now.\n", rot.To, a)
			if rot.From != "" {
				fmt.Fprintf(p.stdout, "%s signs no more. What it signed stays good until it ends.\n", rot.From)
			}
			if rot.Resealed > 0 {
				fmt.Fprintf(p.stdout, "%d keys were sealed anew under the first master key.\n", rot.Resealed)
			}
			warnEarly(p.stderr, rot.Early)
		}
		return nil
	})
}

// hint adds to a refusal for want of time what does not wait.
func hint(err error, command string) error {
	var early *keyring.NotYetError
	if errors.As(err, &early) {
		return fmt.Errorf("%w\n%s does not wait", err, command)
	}
	return err
}

// warnEarly says who may refuse good tokens for a while.
func warnEarly(w io.Writer, early *keyring.NotYetError) {
	if early == nil {
		return
	}
	if len(early.Missing) > 0 {
		fmt.Fprintf(w, "warning: these servers do not list the new key yet: %s\n", strings.Join(early.Missing, ", "))
	}
	if !early.From.IsZero() {
		fmt.Fprintf(w, "warning: verifiers that keep a copy of the published keys may refuse good tokens until they fetch it again, by %s UTC at the latest if they keep it no longer than they are told\n", when(early.From))
	}
}

type keyRetireCmd struct {
	databaseFlags
	KeyID string `arg:"" name:"kid" help:"The kid of the key, as gatehouse key list shows it."`
	Now   bool   `help:"Refuse at once everything the key has signed, and wait for nothing: for a key that somebody else has."`
}

// Run retires the key.
func (c *keyRetireCmd) Run(p *program) error {
	return c.with(p, func(g *gatehouse.Gatehouse) error {
		ret, err := g.Keys().Retire(p.ctx, actor, c.KeyID, c.Now)
		switch {
		case errors.Is(err, keyring.ErrNoKey):
			return fmt.Errorf("%w: %s; gatehouse key list shows them", err, c.KeyID)
		case errors.Is(err, keyring.ErrState) && ret.Key.State == auth.KeyRetiring:
			return fmt.Errorf("%w\ngatehouse key retire --now refuses at once what it has signed", err)
		case err != nil:
			return hint(err, "gatehouse key retire --now")
		}
		if c.Now || ret.Key.State == auth.KeyNext {
			fmt.Fprintf(p.stdout, "%s is retired. Gatehouse refuses what it has signed.\n", c.KeyID)
		} else {
			fmt.Fprintf(p.stdout, "%s signs no more. What it signed stays good until it ends.\n", c.KeyID)
		}
		if ret.Successor != "" {
			fmt.Fprintf(p.stdout, "%s signs %s now.\n", ret.Successor, ret.Key.Algorithm)
		}
		if !c.Now {
			return nil
		}
		warnEarly(p.stderr, ret.Early)
		return c.lagging(p, g, ret)
	})
}

// lagPatience is how long the command waits for the servers to hear of a
// retirement: several looks at the change feed.
const lagPatience = 2 * time.Second

// lagging waits for the servers, and names whoever may still take what the key
// signed.
func (c *keyRetireCmd) lagging(p *program, g *gatehouse.Gatehouse, ret keyring.Retirement) error {
	ctx, cancel := context.WithTimeout(p.ctx, lagPatience)
	defer cancel()
	for {
		names, err := g.Keys().Lagging(p.ctx, c.KeyID)
		if err != nil {
			return err
		}
		if len(names) == 0 {
			break
		}
		select {
		case <-time.After(100 * time.Millisecond):
			continue
		case <-ctx.Done():
		}
		fmt.Fprintf(p.stderr, "warning: these servers have not heard of it yet: %s. One that does not hear refuses every check after session.max_staleness\n", strings.Join(names, ", "))
		break
	}
	if ret.Key.State == auth.KeyNext {
		return nil
	}
	_, err := fmt.Fprintf(p.stderr, "warning: whoever verifies tokens with a copy of the published keys may take what it signed until %s UTC, or until the token ends\n", when(ret.CopiesUntil))
	return err
}

type keyResealCmd struct {
	databaseFlags
}

// Run seals every key under the first master key.
func (c *keyResealCmd) Run(p *program) error {
	return c.with(p, func(g *gatehouse.Gatehouse) error {
		n, err := g.Keys().Reseal(p.ctx)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.stdout, "%d keys were sealed anew. All are sealed under the first master key.\n", n)
		return err
	})
}
