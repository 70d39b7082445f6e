// Package gatehouse signs the users of a web application in and says on every
// request who is calling. It speaks the Auth.js (NextAuth) HTTP protocol, so
// the unmodified next-auth/react client works against it, and every session
// can be revoked.
//
// Most programs need four calls:
//
//	g, err := gatehouse.New(ctx, gatehouse.Config{…}) // opens the store, starts nothing
//	go g.Run(ctx)                                      // follows changes, purges; ends with ctx
//	http.Handle("/api/auth/", g.Handler())             // the protocol, the hosted pages, the JSON endpoints
//	defer g.Close()
//
// Config is one documented struct; its zero values are the safe defaults.
// wire.go is the only file that knows every room: reading it is the tour of
// the architecture.
package gatehouse
