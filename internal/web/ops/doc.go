// Package ops answers the questions of whoever runs the program: does it live
// (/livez), and may it be sent requests (/readyz). It is served on a listener
// of its own that is never public, because the reason why a server is not
// ready tells an attacker too much; what readiness means is decided by the
// function handed in.
//
// Start with ops.go.
package ops
