package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/config"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	// exitSettings is EX_CONFIG of sysexits.h: trying again is of no use, and a
	// service manager can be told so.
	exitSettings = 78
)

// commands is the whole command line.
type commands struct {
	Dev        devCmd         `cmd:"" help:"Try Gatehouse on this machine: no settings, demo users. Not for production."`
	Init       initCmd        `cmd:"" help:"Ask a few questions and write the configuration file and its secrets."`
	Serve      serveCmd       `cmd:"" help:"Run the server."`
	User       userCmds       `cmd:"" help:"Create, look at and change users."`
	Session    sessionCmds    `cmd:"" help:"See where users are signed in, and end sessions."`
	Invitation invitationCmds `cmd:"" help:"Make and withdraw invitation codes for registration."`
	Role       roleCmds       `cmd:"" help:"Define roles, and see what they allow."`
	APIKey     apiKeyCmds     `cmd:"" name:"api-key" help:"Make, see, replace and end API keys."`
	Policy     policyCmds     `cmd:"" help:"Judge and explain what roles allow."`
	SetupToken setupTokenCmds `cmd:"" help:"Make the token by which the first administrator is created."`
	Key        keyCmds        `cmd:"" help:"Look at and change the keys that tokens are signed with."`
	Audit      auditCmds      `cmd:"" help:"See what happened, and verify that the record of it is whole."`
	Secret     secretCmds     `cmd:"" help:"Make secrets."`
	Config     configCmds     `cmd:"" help:"Check, show and describe the settings."`
	Doctor     doctorCmd      `cmd:"" help:"Find out what is wrong: settings, files, database, the running server, and what requests through the public origin show."`
	Health     healthCmd      `cmd:"" help:"Ask the server on this machine whether it is ready."`
	Migrate    migrateCmd     `cmd:"" help:"Bring the database schema up to date."`
	Endpoints  endpointsCmd   `cmd:"" help:"List every endpoint with guard, CSRF stance, rate class and cache stance."`
	Help       helpCmd        `cmd:"" help:"Explain a topic, or a command."`
	Completion completionCmd  `cmd:"" help:"Print the completion script of a shell."`
	Version    versionCmd     `cmd:"" help:"Show the version."`
}

// program is what a command may touch of the world outside.
type program struct {
	ctx            context.Context
	begun          time.Time
	environ        []string
	stdin          *os.File
	stdout, stderr io.Writer
}

// usageError is a command line that cannot be understood: exit code 2.
type usageError struct{ error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func main() { os.Exit(run(os.Args[1:])) }

// run executes one command line and returns the exit code.
func run(args []string) int {
	begun := time.Now()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once

	p := &program{ctx: ctx, begun: begun, environ: os.Environ(), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	parser, err := newParser(p)
	if err != nil {
		return p.fail(err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	cmd, err := parser.Parse(args)
	if err != nil {
		return p.fail(usageError{err})
	}
	if err := cmd.Run(); err != nil {
		return p.fail(err)
	}
	return exitDone
}

// newParser reads command lines; help, completion and the man page are made
// from its model too.
func newParser(p *program) (*kong.Kong, error) {
	return kong.New(&commands{},
		kong.Name("gatehouse"),
		kong.Description("Gatehouse signs the users of a web application in and says on every request who is calling."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.Bind(p))
}

// fail tells the operator what went wrong and what to do, and returns the exit
// code for it.
func (p *program) fail(err error) int {
	var bad *config.Error
	var invalid *gatehouse.Problems
	var refused *auth.Error
	var wrong usageError
	switch {
	case errors.As(err, &wrong):
		fmt.Fprintf(p.stderr, "gatehouse: %v\nSee gatehouse --help.\n", err)
		return exitUsage
	case errors.As(err, &bad), errors.As(err, &invalid):
		if invalid != nil { // a library's words are for programs
			err = invalid.InSettings()
		}
		fmt.Fprintf(p.stderr, "gatehouse: the settings cannot be used:\n  %s\n", strings.ReplaceAll(err.Error(), "\n", "\n  "))
		return exitSettings
	case errors.As(err, &refused):
		fmt.Fprintf(p.stderr, "gatehouse: %s\n", refusal(err))
	case errors.Is(err, context.Canceled) && p.ctx.Err() != nil:
		fmt.Fprintln(p.stderr, "gatehouse: interrupted")
	default:
		fmt.Fprintf(p.stderr, "gatehouse: %v\n", err)
	}
	return exitFailed
}

// refusal is the text of a refusal, with its cause where only the cause tells
// the operator what to do: this terminal is not the outside.
func refusal(err error) string {
	e := auth.AsError(err)
	text := e.Text()
	switch e.Code { // whose own words are for visitors
	case auth.CodeIdentifierTaken:
		text = "the address or user name belongs to a user already"
	case auth.CodeNotFound:
		text = "there is nothing of that name or ID"
	}
	if e.Field != "" {
		text = e.Field + ": " + text
	}
	if kind := e.Code.Kind(); (kind == auth.KindInternal || kind == auth.KindUnavailable) && e.Cause != nil {
		text += " (" + e.Cause.Error() + ")"
	}
	return text
}
