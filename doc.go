// Package gatehouse signs the users of a web application in and says on every
// request who is calling. It speaks the Auth.js (NextAuth) HTTP protocol, so
// the unmodified next-auth/react client works against it, and every session
// can be revoked.
//
// Most programs need six calls:
//
//	g, err := gatehouse.New(ctx, gatehouse.Config{…}) // opens the store, starts nothing
//	defer g.Close()
//	go g.Run(ctx)                         // follows changes, purges; ends with ctx
//	mux.Handle("/api/auth/", g.Handler()) // the protocol, the hosted pages, the JSON endpoints
//	mux.Handle("/admin", g.Require(gatehouse.Role("admin"))(admin))
//	p, ok := gatehouse.PrincipalFrom(r.Context()) // who it is, in a handler behind Require or Authenticate
//
// Config is one documented struct; its zero values are the safe defaults.
// docs/embedding.md says what happens to cookies, caches and foreign pages, and
// package gatehousetest is for the tests of programs that embed this one.
// wire.go is the only file that knows every room: reading it is the tour of
// the architecture.
package gatehouse
