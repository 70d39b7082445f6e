// Package client calls the management API of a server, for the commands that
// work on one from elsewhere. It owns how a request is made and what an answer
// may be; what the operations are, package management above says, and its types
// are the bodies here too.
//
// The key that it shows is worth as much as whoever made it. So it is sent to the
// one server that was named and to nobody else: redirects are refused, the
// certificate is always verified, and plain http goes to this machine alone. No
// error and no log of this package has it.
//
// Start with client.go.
package client
