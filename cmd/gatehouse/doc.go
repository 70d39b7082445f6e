// Command gatehouse is the program: it serves the Auth.js protocol in front of
// a web application, and it is the operator's tool for users, invitations and
// settings.
//
//	gatehouse dev                              try it: no settings, demo users, this machine alone
//	gatehouse serve --config gatehouse.yaml    run it
//	gatehouse user create ada@example.org      from a second terminal, beside a running server
//
// The package is thin: internal/config reads the settings, the library decides,
// and what stands here is the command line, listeners, and the order in which
// things start and end (server.go). Exit codes: 0 done, 1 refused or failed,
// 2 the command line was wrong. docs/cli.md describes every command.
//
// Passwords are never taken from the command line, where every account of the
// machine can read them while the program runs and the shell's history keeps
// them afterwards.
package main
