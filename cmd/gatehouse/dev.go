package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/web"
)

const defaultOrigin = "http://localhost:3000"

type devCmd struct {
	Listen         string `help:"Address to listen on; loopback alone (default ${default})." default:"127.0.0.1:8787" placeholder:"HOST:PORT"`
	Origin         string `help:"Address of your application as the browser sees it; loopback alone (default ${default})." default:"http://localhost:3000" placeholder:"URL"`
	Data           string `help:"Folder for the database and the secrets (default ${default})." default:".gatehouse" placeholder:"DIR"`
	Dialect        string `help:"v4 for next-auth 4, v5 for Auth.js (next-auth 5)." enum:"v4,v5" default:"v4"`
	Name           string `help:"Name of the service on the hosted pages (default ${default})." default:"Gatehouse dev" placeholder:"TEXT"`
	PasswordsStdin bool   `help:"Read the passwords of the two demo users from standard input, one a line, instead of making random ones. GATEHOUSE_DEV_USER_PASSWORD and GATEHOUSE_DEV_ADMIN_PASSWORD do the same."`
}

// demoUser is seeded when the database has no users at all.
type demoUser struct {
	email, name, env string
	roles            []string
	password         auth.Secret
	// shown: the password was made here, so it must be told.
	shown bool
}

// Run serves on loopback until a signal comes.
func (c *devCmd) Run(p *program) error {
	if err := c.refuseOthers(); err != nil {
		return err
	}
	users, err := c.demoUsers(p)
	if err != nil {
		return err
	}
	d := devData{dir: c.Data}
	if pid, served := gatehouse.ServedBy(d.path(devDatabase)); served {
		return runningError{pid, "the data folder " + c.Data, "name another folder with --data"}
	}
	ln, err := listen(c.Listen, "--listen")
	if err != nil {
		return err
	}
	defer ln.Close()
	if a, ok := ln.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
		return fmt.Errorf("%s is not an address of this machine alone; give 127.0.0.1 to --listen", c.Listen)
	}
	if err := d.create(); err != nil {
		return err
	}
	cfg, err := d.config(c.Origin, c.Dialect)
	if err != nil {
		return err
	}
	cfg.Name = c.Name
	level := new(slog.LevelVar)
	level.Set(slog.LevelError) // advice on settings is for those who have some
	cfg.Logger = slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: level}))
	g, err := gatehouse.New(p.ctx, cfg)
	level.Set(slog.LevelInfo)
	if err != nil {
		return err
	}
	seeded, err := seed(p, g, users)
	if err != nil {
		return errors.Join(err, g.Close())
	}
	served := gate(g)
	if alone(c.Origin, ln.Addr()) {
		served, err = newHomely(g, c.Origin+cfg.WithDefaults().Mounts[0].BasePath+"/account", web.RouterOptions{Logger: cfg.Logger})
		if err != nil {
			return errors.Join(err, g.Close())
		}
	}
	greet := func() { c.greet(p, ln.Addr().String(), cfg, users, seeded) }
	srv := &server{Server: devServer(c.Listen), gate: served, logger: cfg.Logger, public: ln, begun: p.begun}
	if seeded {
		greet() // at once: the passwords are told only here, whatever happens next
	} else {
		srv.greet = greet
	}
	return srv.run(p.ctx)
}

// refuseOthers keeps dev on this machine: open registration and demo users
// must not be reachable from anywhere else, whatever is typed.
func (c *devCmd) refuseOthers() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return usage("--listen %q is not host and port, as 127.0.0.1:8787", c.Listen)
	}
	if !loopbackHost(host) {
		return fmt.Errorf("gatehouse dev listens on this machine alone, and %q is more than that; give 127.0.0.1 to --listen, or run gatehouse serve", c.Listen)
	}
	u, err := url.Parse(c.Origin)
	if err != nil || u.Host == "" {
		return usage("--origin %q is not an address, as http://localhost:3000", c.Origin)
	}
	if !loopbackHost(u.Hostname()) {
		return fmt.Errorf("gatehouse dev serves applications on this machine alone, and %s is not one; give http://localhost:3000 to --origin, or run gatehouse serve", c.Origin)
	}
	return nil
}

func loopbackHost(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// demoUsers returns the users to seed, with given or random passwords.
func (c *devCmd) demoUsers(p *program) ([]demoUser, error) {
	users := []demoUser{
		{email: "user@example.test", name: "Demo User", env: "GATEHOUSE_DEV_USER_PASSWORD", roles: []string{"user"}},
		{email: "admin@example.test", name: "Demo Admin", env: "GATEHOUSE_DEV_ADMIN_PASSWORD", roles: []string{"admin", "user"}},
	}
	var lines []string
	if c.PasswordsStdin {
		text, err := readAll(p.stdin, 8<<10)
		if err != nil {
			return nil, err
		}
		lines = strings.Split(strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n")
		if len(lines) != len(users) {
			return nil, usage("--passwords-stdin wants %d lines: the password of the user, then the admin's", len(users))
		}
	}
	for i := range users {
		switch given := p.env(users[i].env); {
		case lines != nil:
			users[i].password = auth.Secret(lines[i])
		case given != "":
			users[i].password = auth.Secret(given)
		default:
			users[i].password, users[i].shown = newPassword(), true
		}
	}
	return users, nil
}

// seed creates the demo users in a database that has none.
func seed(p *program, g *gatehouse.Gatehouse, users []demoUser) (bool, error) {
	any, err := g.Users().List(p.ctx, "", 1)
	if err != nil || len(any) > 0 {
		return false, err
	}
	for _, u := range users {
		_, err := g.Users().Create(p.ctx, "dev", user.New{Email: u.email, Name: u.name, Roles: u.roles, Password: u.password, Verified: true})
		if err != nil {
			return false, fmt.Errorf("cannot create the demo user %s: %s", u.email, refusal(err))
		}
	}
	return true, nil
}

// greet says what runs, for whom, and what to paste where.
func (c *devCmd) greet(p *program, address string, cfg gatehouse.Config, users []demoUser, seeded bool) {
	w := p.stdout
	base := cfg.WithDefaults().Mounts[0].BasePath
	fmt.Fprintf(w, `
  DEVELOPMENT MODE: demo users, open registration, this machine alone. Never for production; that is gatehouse serve.

  Gatehouse         http://%s%s
  Your application  %s
  Sign-in page      %s%s/signin
  Management API    http://%s/api/v1/ (a key for it: %s api-key create trial --role %s --data %s)
  Data              %s

`, address, base, c.Origin, c.Origin, base, address, os.Args[0], auth.RoleAdmin, c.Data, c.Data)
	if seeded {
		fmt.Fprintf(w, "Demo users (passwords made here are shown this once):\n\n")
		for _, u := range users {
			password := "as given"
			if u.shown {
				password = u.password.Reveal()
			}
			fmt.Fprintf(w, "  %-20s %-28s roles: %s\n", u.email, password, strings.Join(u.roles, ", "))
		}
	} else {
		if !users[0].shown || !users[1].shown {
			fmt.Fprintln(w, "The given passwords are not used: there are users already.")
		}
		fmt.Fprintf(w, "The users are those of earlier runs. A new password for one of them:\n\n  %s user set-password %s --data %s\n", os.Args[0], users[0].email, c.Data)
	}
	app := nextApp{base: base, gatehouse: "http://" + address, origin: c.Origin, dialect: c.Dialect}
	fmt.Fprintf(w, `
next.config.mjs, inside the exported object:

  %s

.env.local of the application:

%s
`, app.rewrite(), app.environment(cfg.Mounts[0].Secrets[0].Reveal()))
}
