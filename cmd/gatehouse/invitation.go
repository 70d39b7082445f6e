package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/config"
	"github.com/gatehouse-auth/gatehouse/internal/registration"
)

type invitationCmds struct {
	Create invitationCreateCmd `cmd:"" help:"Make an invitation code and show it once."`
	List   invitationListCmd   `cmd:"" help:"List the invitations that can still be used."`
	Delete invitationDeleteCmd `cmd:"" help:"Withdraw an invitation."`
}

// duration is a flag that also reads days: 7d.
type duration time.Duration

// UnmarshalText reads the flag.
func (d *duration) UnmarshalText(text []byte) error {
	v, err := config.ParseDuration(string(text))
	*d = duration(v)
	return err
}

// invitationJSON is an invitation as --json prints it.
type invitationJSON struct {
	ID        auth.InvitationID `json:"id"`
	Code      string            `json:"code,omitempty"`
	Roles     []string          `json:"roles"`
	Note      string            `json:"note,omitempty"`
	UsesLeft  int               `json:"uses_left"`
	CreatedAt time.Time         `json:"created_at"`
	ExpiresAt time.Time         `json:"expires_at"`
}

func jsonInvitation(i auth.Invitation, code auth.Secret) invitationJSON {
	out := invitationJSON{i.ID, code.Reveal(), i.Roles, i.Note, i.UsesLeft, i.CreatedAt, i.ExpiresAt}
	if out.Roles == nil {
		out.Roles = []string{}
	}
	return out
}

type invitationCreateCmd struct {
	databaseFlags
	Uses    int      `help:"How many may register with it (default ${default})." default:"1" placeholder:"N"`
	Expires duration `help:"How long it is good, as 12h (default ${default})." default:"7d" placeholder:"TIME"`
	Role    []string `help:"Role given to whoever registers with it; may be repeated." placeholder:"ROLE" sep:","`
	Note    string   `help:"For whom it is." placeholder:"TEXT"`
	JSON    bool     `name:"json" help:"Print JSON."`
}

// Run makes the invitation. The code alone goes to standard output.
func (c *invitationCreateCmd) Run(p *program) error {
	if c.Uses < 1 || c.Expires <= 0 {
		return usage("--uses and --expires must be above zero")
	}
	var mode string
	open := func(ctx context.Context, cfg gatehouse.Config) (*gatehouse.Gatehouse, error) {
		mode = cfg.Registration.Mode
		return gatehouse.OpenExisting(ctx, cfg)
	}
	return c.opened(p, open, func(g *gatehouse.Gatehouse) error { return c.create(p, g, mode) })
}

func (c *invitationCreateCmd) create(p *program, g *gatehouse.Gatehouse, mode string) error {
	i, code, err := g.Invitations().Create(p.ctx, actor, registration.NewInvitation{
		Roles: c.Role, Note: c.Note, Uses: c.Uses, TTL: time.Duration(c.Expires),
	})
	if err != nil {
		return err
	}
	if warning := c.pointless(mode); warning != "" {
		fmt.Fprintf(p.stderr, "warning: %s\n", warning)
	}
	if c.JSON {
		return printJSON(p.stdout, jsonInvitation(i, code))
	}
	fmt.Fprintln(p.stdout, code.Reveal())
	uses := "1 registration"
	if i.UsesLeft > 1 {
		uses = fmt.Sprintf("%d registrations", i.UsesLeft)
	}
	_, err = fmt.Fprintf(p.stderr, "Good for %s until %s UTC. The code is not shown again.\n", uses, when(i.ExpiresAt))
	return err
}

// pointless says why a code is of no use while registration is in this mode, or
// "". It is made all the same: the mode may be about to change.
func (c *invitationCreateCmd) pointless(mode string) string {
	const cure = "; set registration.mode: invitation"
	switch {
	case c.Data != "":
		return "registration is always open in gatehouse dev: nobody needs this code"
	case mode == string(registration.Open):
		return "registration is open: nobody needs this code" + cure
	case mode == string(registration.Closed):
		return "registration is closed: nobody can use this code" + cure
	}
	return ""
}

type invitationListCmd struct {
	databaseFlags
	JSON bool `name:"json" help:"Print one JSON object a line."`
}

// Run lists the invitations.
func (c *invitationListCmd) Run(p *program) error {
	return c.with(p, func(g *gatehouse.Gatehouse) error {
		list, err := g.Invitations().List(p.ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		if !c.JSON {
			fmt.Fprintln(w, "ID\tUSES LEFT\tEXPIRES\tROLES\tNOTE")
		}
		for _, i := range list {
			if c.JSON {
				if err := printJSON(p.stdout, jsonInvitation(i, "")); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\n", i.ID, i.UsesLeft, when(i.ExpiresAt), strings.Join(i.Roles, ","), i.Note)
		}
		return w.Flush()
	})
}

type invitationDeleteCmd struct {
	databaseFlags
	ID string `arg:"" help:"ID of the invitation, or its code."`
}

// Run withdraws the invitation.
func (c *invitationDeleteCmd) Run(p *program) error {
	id, _, _ := strings.Cut(c.ID, ".") // a code begins with the ID
	return c.with(p, func(g *gatehouse.Gatehouse) error {
		if err := g.Invitations().Delete(p.ctx, actor, auth.InvitationID(id)); err != nil {
			return err
		}
		_, err := fmt.Fprintf(p.stdout, "%s deleted.\n", id)
		return err
	})
}
