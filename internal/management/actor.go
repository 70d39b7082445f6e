package management

import (
	"cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Actor is who wants something done: a Principal who came over HTTP, or whoever
// has the database and the settings at hand.
type Actor struct {
	// Principal is who asks. It counts for nothing when CommandLine is set.
	Principal auth.Principal
	// CommandLine holds every permission: it could write the rows itself.
	CommandLine bool
	// Force lets the command line take the last administrator away. Nobody else's
	// counts.
	Force bool
	// From is where a Principal asks from.
	From auth.Device
}

// CommandLine is the Actor of the commands.
func CommandLine(force bool) Actor { return Actor{CommandLine: true, Force: force} }

// name is the Actor in the audit record.
func (a Actor) name() string {
	if a.CommandLine {
		return auth.ActorCommandLine
	}
	return cmp.Or(string(a.Principal.APIKeyID), string(a.Principal.UserID))
}

// Key tells callers apart: two credentials of one user are two.
func (a Actor) Key() string {
	if a.CommandLine {
		return auth.ActorCommandLine
	}
	p := a.Principal
	return cmp.Or(string(p.APIKeyID), string(p.SessionID), string(p.UserID))
}
