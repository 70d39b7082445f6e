package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/config"
)

// settingsFlag names the configuration file.
type settingsFlag struct {
	Config string `help:"Configuration file (YAML). Variables GATEHOUSE_… win over it." placeholder:"FILE" env:"GATEHOUSE_CONFIG"`
}

// load reads the settings and tells the warnings.
func (f settingsFlag) load(p *program) (config.Settings, error) {
	s, err := config.Load(f.Config, p.environ)
	if err != nil && f.Config == "" && !slices.ContainsFunc(p.environ, func(e string) bool { return strings.HasPrefix(e, "GATEHOUSE_") }) {
		return s, usage("no settings: name a file with --config, or set GATEHOUSE_… variables")
	}
	for _, w := range s.Warnings {
		fmt.Fprintf(p.stderr, "warning: %v\n", w)
	}
	return s, err
}

// databaseFlags name the installation that a command works on.
type databaseFlags struct {
	settingsFlag
	Data string `help:"Data folder of gatehouse dev, in place of settings." placeholder:"DIR"`
}

// config returns the settings of the library.
func (f databaseFlags) config(p *program) (gatehouse.Config, error) {
	if f.Data != "" {
		d := devData{dir: f.Data}
		if err := d.mustExist(); err != nil {
			return gatehouse.Config{}, err
		}
		return d.config(defaultOrigin, "v4")
	}
	s, err := f.load(p)
	var wrong usageError
	if errors.As(err, &wrong) {
		return gatehouse.Config{}, usage("%v, or name the folder of gatehouse dev with --data .gatehouse", err)
	}
	return s.Config, err
}

// with opens the installation beside a server that may be running, does the
// work and closes it. The database must be there.
func (f databaseFlags) with(p *program, do func(g *gatehouse.Gatehouse) error) error {
	return f.opened(p, gatehouse.OpenExisting, do)
}

// opened is with for a command that opens it in a way of its own: one that may
// come before the first start of the server creates the database.
func (f databaseFlags) opened(p *program, open openFunc, do func(g *gatehouse.Gatehouse) error) error {
	c, err := f.config(p)
	if err != nil {
		return err
	}
	return openedWith(p, c, open, do)
}

type openFunc = func(context.Context, gatehouse.Config) (*gatehouse.Gatehouse, error)

func openedWith(p *program, c gatehouse.Config, open openFunc, do func(g *gatehouse.Gatehouse) error) error {
	c.Logger = logger(p.stderr, config.Log{Level: "error"}) // warnings are for whoever runs the server
	g, err := open(p.ctx, c)
	if err != nil {
		return err
	}
	return errors.Join(do(g), g.Close())
}

// logger writes to w in the form the settings ask for.
func logger(w io.Writer, l config.Log) *slog.Logger {
	level := map[string]slog.Level{"debug": slog.LevelDebug, "warn": slog.LevelWarn, "error": slog.LevelError}[l.Level] // else info, which is 0
	options := &slog.HandlerOptions{Level: level}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
