package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/docs"
	"github.com/gatehouse-auth/gatehouse/internal/config"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/ops"
)

type secretCmds struct {
	Generate secretGenerateCmd `cmd:"" help:"Print a new random secret."`
	Client   secretClientCmd   `cmd:"" help:"Print a new secret for a client, and the hash of it for the settings."`
}

type secretGenerateCmd struct{}

// Run prints a secret of 260 bits.
func (c *secretGenerateCmd) Run(p *program) error {
	_, err := fmt.Fprintln(p.stdout, newSecret())
	return err
}

type secretClientCmd struct{}

// Run prints both halves, once: the secret is kept nowhere.
func (c *secretClientCmd) Run(p *program) error {
	secret := seal.NewSecret()
	_, err := fmt.Fprintf(p.stdout, "for the client:                   %s\nfor tokens.clients[].secret_hash: %s\n", secret, seal.HashSecret(secret))
	return err
}

type configCmds struct {
	Check configCheckCmd `cmd:"" help:"Check the settings and report all problems at once."`
	Print configPrintCmd `cmd:"" help:"Print all settings with where each came from; secrets are not shown."`

	Example configExampleCmd `cmd:"" help:"Print a configuration file with every setting and its comment."`
	Schema  configSchemaCmd  `cmd:"" help:"Print the JSON Schema of the configuration file, for editors."`
}

type configCheckCmd struct{ settingsFlag }

// Run checks the settings.
func (c *configCheckCmd) Run(p *program) error {
	s, err := c.load(p)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "The settings are good: %s, %d mount(s), database %s.\n", s.PublicOrigin, len(s.Mounts), s.Database.Where())
	return err
}

type configPrintCmd struct{ settingsFlag }

// Run prints the settings.
func (c *configPrintCmd) Run(p *program) error {
	s, err := c.load(p)
	if err != nil {
		return err
	}
	return s.Print(p.stdout)
}

type configExampleCmd struct{}

// Run prints the annotated example.
func (c *configExampleCmd) Run(p *program) error {
	_, err := p.stdout.Write(docs.Example)
	return err
}

type configSchemaCmd struct{}

// Run prints the schema.
func (c *configSchemaCmd) Run(p *program) error {
	_, err := p.stdout.Write(docs.Schema)
	return err
}

type migrateCmd struct {
	databaseFlags
	JSON bool `name:"json" help:"Print JSON."`
}

// Run brings the schema up to date.
func (c *migrateCmd) Run(p *program) error {
	cfg, err := c.config(p)
	if err != nil {
		return err
	}
	cfg.Logger = logger(p.stderr, config.Log{Level: "error"})
	report, err := gatehouse.Migrate(p.ctx, cfg)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.stdout, report)
	}
	if len(report.Applied) == 0 {
		_, err = fmt.Fprintf(p.stdout, "The schema is up to date (%d).\n", report.To)
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "The schema went from %d to %d:\n  %s\n", report.From, report.To, strings.Join(report.Applied, "\n  "))
	return err
}

type endpointsCmd struct {
	settingsFlag
	JSON bool `name:"json" help:"Print JSON."`
}

// endpointJSON is an endpoint as --json prints it.
type endpointJSON struct {
	Method  string    `json:"method"`
	Pattern string    `json:"pattern"`
	Guard   web.Guard `json:"guard"`
	CSRF    web.CSRF  `json:"csrf"`
	Rate    web.Rate  `json:"rate"`
	Cache   web.Cache `json:"cache"`
}

// Run lists the endpoints of the settings, or of a plain installation when
// there are none. Those of the ops listener come last.
func (c *endpointsCmd) Run(p *program) error {
	cfg := gatehouse.Config{
		PublicOrigin: "https://app.example",
		Secrets:      []auth.Secret{auth.Secret(newSecret())},
		Mounts:       []gatehouse.Mount{{Secrets: []auth.Secret{auth.Secret(newSecret())}}},
	}
	if c.Config != "" {
		s, err := c.load(p)
		if err != nil {
			return err
		}
		cfg = s.Config
	}
	own, err := gatehouse.Endpoints(cfg)
	if err != nil {
		return err
	}
	all := append(own, ops.Endpoints(func(context.Context) error { return nil })...)
	all = append(all, ops.Metrics(http.NotFoundHandler()))
	all = append(all, ops.DoctorEndpoints(nil, nil)...)
	if c.JSON {
		out := make([]endpointJSON, len(all))
		for i, e := range all {
			out[i] = endpointJSON{e.Method, e.Pattern, e.Guard, e.CSRF, e.Rate, e.Cache}
		}
		return printJSON(p.stdout, out)
	}
	head := web.Endpoint{Method: "METHOD", Pattern: "PATTERN", Guard: "GUARD", CSRF: "CSRF", Rate: "RATE", Cache: "CACHE"}
	for _, e := range append([]web.Endpoint{head}, all...) {
		if _, err := fmt.Fprintln(p.stdout, strings.TrimRight(e.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// builtAs and builtFrom are version and commit as scripts/release.sh and the
// Dockerfile stamp them with -ldflags -X; empty in every other build, of which
// the go command itself notes where it came from. Nothing else writes them.
var builtAs, builtFrom string

type versionCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run shows what was built, from what, with what.
func (c *versionCmd) Run(p *program) error {
	out := struct {
		Version  string `json:"version"`
		Commit   string `json:"commit,omitempty"`
		Modified bool   `json:"modified,omitempty"`
		Go       string `json:"go"`
		Platform string `json:"platform"`
	}{Version: "(devel)", Commit: builtFrom, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		out.Version = cmp.Or(builtAs, info.Main.Version, out.Version)
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				out.Commit = s.Value
			case "vcs.modified":
				out.Modified = s.Value == "true"
			}
		}
	}
	if c.JSON {
		return printJSON(p.stdout, out)
	}
	_, err := fmt.Fprintf(p.stdout, "gatehouse %s (%s, %s)\n", out.Version, out.Go, out.Platform)
	return err
}
