package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gatehouse-auth/gatehouse/internal/config"
	"github.com/gatehouse-auth/gatehouse/internal/doctor"
)

type doctorCmd struct {
	settingsFlag
	JSON    bool   `name:"json" help:"Print JSON."`
	Offline bool   `help:"Leave out the running server and the public origin: settings, files and database alone."`
	Connect string `help:"Connect to this address in place of the public origin's, as when its name leads elsewhere from here." placeholder:"HOST:PORT"`
}

// errFindings ends the program with exit code 1; what is wrong was printed.
var errFindings = errors.New("there are errors among the findings")

// Run looks, judges and prints. The findings go to standard output, and end the
// command with 1 if an error is among them.
func (c *doctorCmd) Run(p *program) error {
	if c.Config != "" || c.usesEnvironment(p) {
		report := doctor.Judge(doctor.Look(p.ctx, c.options(p)))
		if p.ctx.Err() != nil {
			return p.ctx.Err()
		}
		if err := c.print(p, report); err != nil {
			return err
		}
		if report.Failed() {
			return errFindings
		}
		return nil
	}
	return usage("no settings: name a file with --config, or set GATEHOUSE_… variables")
}

func (c *doctorCmd) usesEnvironment(p *program) bool {
	for _, e := range p.environ {
		if strings.HasPrefix(e, "GATEHOUSE_") {
			return true
		}
	}
	return false
}

// options reads the settings; what is wrong with them is a finding as well.
func (c *doctorCmd) options(p *program) doctor.Options {
	o := doctor.Options{Version: versionText(), Offline: c.Offline, Connect: c.Connect}
	s, err := config.Load(c.Config, p.environ)
	var bad *config.Error
	switch {
	case errors.As(err, &bad):
		o.Problems = problemsOf(bad.Problems)
		return o
	case err != nil:
		o.Problems = []doctor.Problem{{Problem: err.Error(), Cure: "correct it"}}
		return o
	}
	o.Settings = doctor.Settings{
		Config: s.Config, ConfigFile: c.Config, SecretFiles: secretFiles(c.Config, p.environ),
		Listen: s.Listen, OpsListen: s.OpsListen, CertFile: s.TLS.CertFile, KeyFile: s.TLS.KeyFile,
		BehindProxy: s.BehindProxy, WriteTimeout: s.WriteTimeout,
		Digests: settingsDigests(s), Advice: problemsOf(s.Warnings),
	}
	return o
}

func problemsOf(list []config.Problem) (out []doctor.Problem) {
	for _, p := range list {
		out = append(out, doctor.Problem{Setting: p.Field, Problem: p.Problem.Problem, Cure: p.Cure, Where: p.Where})
	}
	return out
}

func (c *doctorCmd) print(p *program, r doctor.Report) error {
	if c.JSON {
		return printJSON(p.stdout, r)
	}
	_, err := fmt.Fprint(p.stdout, r.Text())
	return err
}
