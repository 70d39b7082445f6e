package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
)

type setupTokenCmds struct {
	Create setupTokenCreateCmd `cmd:"" help:"Make a token with which the first administrator is created in the browser, and show it once."`
}

type setupTokenCreateCmd struct {
	databaseFlags
	Expires duration `help:"How long it is good, as 15m; seven days at most (default ${default})." default:"1h" placeholder:"TIME"`
	JSON    bool     `name:"json" help:"Print JSON."`
}

// Run makes the token. It alone goes to standard output.
func (c *setupTokenCreateCmd) Run(p *program) error {
	if c.Expires <= 0 {
		return usage("--expires must be above zero")
	}
	page := ""
	open := func(ctx context.Context, cfg gatehouse.Config) (*gatehouse.Gatehouse, error) {
		page = setupPage(cfg)
		return gatehouse.New(ctx, cfg)
	}
	return c.opened(p, open, func(g *gatehouse.Gatehouse) error {
		token, err := g.Setup().NewToken(p.ctx, actor, time.Duration(c.Expires))
		if errors.Is(err, auth.CodeSetupDone) {
			return errors.New("there is an administrator already; give others the role with gatehouse user set-roles")
		}
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(p.stdout, struct {
				Token     string    `json:"token"`
				Page      string    `json:"page"`
				ExpiresAt time.Time `json:"expires_at"`
			}{token.Text.Reveal(), page, token.ExpiresAt})
		}
		fmt.Fprintln(p.stdout, token.Text.Reveal())
		_, err = fmt.Fprintf(p.stderr, "Enter it at %s until %s UTC. It works once and is not shown again.\n", page, when(token.ExpiresAt))
		return err
	})
}

// setupPage is where a token is redeemed.
func setupPage(cfg gatehouse.Config) string {
	cfg = cfg.WithDefaults()
	return cfg.PublicOrigin + cfg.Mounts[0].BasePath + "/setup"
}

// adviseSetup says in the log how the first administrator is made, when there
// is none. No token is made for it: a log is read by more people, and kept for
// longer, than a token should be, and one that lies in a log nobody reads is a
// door left open. Whoever may read the log may not be who may run commands.
func adviseSetup(ctx context.Context, cfg gatehouse.Config, g *gatehouse.Gatehouse) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if needed, err := g.Setup().Needed(ctx); err == nil && needed {
		cfg.Logger.Info("nobody can administer this installation yet; run gatehouse setup-token create and open the page, or gatehouse user create --role gatehouse.admin", "page", setupPage(cfg))
	}
}
