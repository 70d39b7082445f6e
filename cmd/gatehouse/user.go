package main

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/term"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/user"
)

// actor is who did it, in audit records.
const actor = "cli"

// userCmds are the commands on users. All of them may run beside a server on
// the same database; what they change holds there within a fifth of a second.
type userCmds struct {
	Create      userCreateCmd      `cmd:"" help:"Create a user. Asks for the password."`
	List        userListCmd        `cmd:"" help:"List all users in order of creation."`
	Show        userShowCmd        `cmd:"" help:"Show one user and the live sessions."`
	Disable     userDisableCmd     `cmd:"" help:"Bar a user from signing in and end the sessions."`
	Enable      userEnableCmd      `cmd:"" help:"Let a disabled user sign in again."`
	SignOut     userSignOutCmd     `cmd:"" help:"End all sessions of a user, who may sign in again."`
	SetPassword userSetPasswordCmd `cmd:"" help:"Set a new password and end the sessions. Asks for the password."`
	SetRoles    userSetRolesCmd    `cmd:"" help:"Replace the roles of a user."`
	Delete      userDeleteCmd      `cmd:"" help:"Delete a user and all that belongs to the user."`
	Import      userImportCmd      `cmd:"" help:"Create users from JSON lines or CSV, with password hashes from elsewhere."`
	Data        userDataCmd        `cmd:"" help:"Write everything that is kept of one user as JSON, without hashes and secrets."`
	Export      userExportCmd      `cmd:"" help:"Write all users as JSON lines or CSV."`
}

// userFlags are common to the commands on one user.
type userFlags struct {
	officeFlags
	JSON bool   `name:"json" help:"Print JSON."`
	User string `arg:"" help:"ID, e-mail address or user name."`
}

// on finds the user, does the work, and prints what became of the user.
func (f userFlags) on(p *program, force bool, done string, do func(o office, u auth.User) (auth.User, error)) error {
	return f.at(p, force, func(o office) error {
		u, err := findIn(p, o, f.User)
		if err != nil {
			return err
		}
		if u, err = do(o, u); err != nil {
			return forced(o, err)
		}
		if f.JSON {
			return printJSON(p.stdout, jsonUser(u))
		}
		_, err = fmt.Fprintf(p.stdout, "%s %s.\n", label(u), done)
		return err
	})
}

// forced says how the last administrator goes all the same.
func forced(o office, err error) error {
	if _, local := o.(localOffice); local && errors.Is(err, auth.CodeLastAdmin) {
		return fmt.Errorf("%s Give --force to do it all the same", refusal(err))
	}
	return err
}

// find says what was looked for when there is no such user.
func find(p *program, g *gatehouse.Gatehouse, ref string) (auth.User, error) {
	u, err := g.Users().Find(p.ctx, ref)
	if errors.Is(err, auth.CodeNotFound) {
		return u, fmt.Errorf("there is no user %q; gatehouse user list shows them all", ref)
	}
	return u, err
}

type userCreateCmd struct {
	officeFlags
	passwordFlags
	Identifier string   `arg:"" help:"E-mail address or user name."`
	Username   string   `help:"User name, beside an e-mail address." placeholder:"NAME"`
	Name       string   `help:"Name to show." placeholder:"TEXT"`
	Image      string   `help:"Address of a picture." placeholder:"URL"`
	Role       []string `help:"Role; may be repeated." placeholder:"ROLE" sep:","`
	Verified   bool     `help:"The e-mail address is known to be the user's."`
	JSON       bool     `name:"json" help:"Print JSON."`
}

// Run creates the user.
func (c *userCreateCmd) Run(p *program) error {
	in := user.New{Username: c.Username, Name: c.Name, Image: c.Image, Roles: c.Role, Verified: c.Verified}
	switch {
	case strings.Contains(c.Identifier, "@"):
		in.Email = c.Identifier
	case c.Username != "":
		return usage("two user names: %q and --username %q; give the e-mail address first", c.Identifier, c.Username)
	default:
		in.Username = c.Identifier
	}
	var err error
	if in.Password, in.MustChange, err = c.read(p); err != nil {
		return err
	}
	return c.opening(p, gatehouse.New, false, func(o office) error {
		u, err := o.CreateUser(p.ctx, in)
		if err != nil {
			return err
		}
		return printChanged(p, c.JSON, u, "created", c.Temporary, in.Password)
	})
}

// printChanged tells what was done, and a password that was made here.
func printChanged(p *program, asJSON bool, u auth.User, done string, temporary bool, pw auth.Secret) error {
	if asJSON {
		out := jsonUser(u)
		if temporary {
			out.TemporaryPassword = pw.Reveal()
		}
		return printJSON(p.stdout, out)
	}
	if _, err := fmt.Fprintf(p.stdout, "%s %s.\n", label(u), done); err != nil {
		return err
	}
	if temporary {
		_, err := fmt.Fprintf(p.stdout, "Temporary password, shown this once: %s\n", pw.Reveal())
		return err
	}
	return nil
}

type userDisableCmd struct {
	userFlags
	forceFlag
}

// Run bars the user.
func (c *userDisableCmd) Run(p *program) error {
	return c.on(p, c.Force, "disabled, sessions ended", func(o office, u auth.User) (auth.User, error) {
		return o.DisableUser(p.ctx, u.ID)
	})
}

type userEnableCmd struct{ userFlags }

// Run lets the user in again.
func (c *userEnableCmd) Run(p *program) error {
	return c.on(p, false, "enabled", func(o office, u auth.User) (auth.User, error) {
		return o.EnableUser(p.ctx, u.ID)
	})
}

type userSetPasswordCmd struct {
	userFlags
	passwordFlags
}

// Run sets the password. A server is asked to make one: nobody chooses one for
// somebody else over the network.
func (c *userSetPasswordCmd) Run(p *program) error {
	const done = "has a new password, sessions ended"
	if c.Server != "" {
		if !c.Temporary {
			return usage("with --server the new password is a temporary one: give --temporary")
		}
		return c.at(p, false, func(o office) error {
			u, err := findIn(p, o, c.User)
			if err != nil {
				return err
			}
			pw, err := o.ResetPassword(p.ctx, u.ID)
			if err != nil {
				return err
			}
			return printChanged(p, c.JSON, u, done, true, pw)
		})
	}
	return c.with(p, func(g *gatehouse.Gatehouse) error {
		u, err := find(p, g, c.User) // before anything is asked
		if err != nil {
			return err
		}
		pw, mustChange, err := c.read(p)
		if err != nil {
			return err
		}
		if err := g.Users().SetPassword(p.ctx, actor, u.ID, pw, mustChange); err != nil {
			return err
		}
		return printChanged(p, c.JSON, u, done, c.Temporary, pw)
	})
}

type userSetRolesCmd struct {
	userFlags
	forceFlag
	Roles []string `arg:"" optional:"" help:"All roles the user shall have."`
	None  bool     `help:"Take every role away."`
}

// Run replaces the roles.
func (c *userSetRolesCmd) Run(p *program) error {
	if c.None == (len(c.Roles) > 0) {
		return usage("name the roles that the user shall have, or give --none to take all away")
	}
	return c.on(p, c.Force, "has new roles", func(o office, u auth.User) (auth.User, error) {
		return o.SetRoles(p.ctx, u.ID, c.Roles)
	})
}

type userDeleteCmd struct {
	userFlags
	forceFlag
	Yes bool `help:"Do not ask."`
}

// Run deletes the user, once it was confirmed.
func (c *userDeleteCmd) Run(p *program) error {
	if !c.Yes && !term.IsTerminal(int(p.stdin.Fd())) {
		return usage("no terminal to ask whether you are sure: give --yes")
	}
	return c.on(p, c.Force, "deleted", func(o office, u auth.User) (auth.User, error) {
		if !c.Yes {
			fmt.Fprintf(p.stderr, "Delete %s (%s) for good? Type yes: ", label(u), u.ID)
			answer, _ := bufio.NewReader(p.stdin).ReadString('\n')
			if strings.TrimSpace(answer) != "yes" {
				return u, errors.New("nothing was deleted")
			}
		}
		return u, o.DeleteUser(p.ctx, u.ID)
	})
}
