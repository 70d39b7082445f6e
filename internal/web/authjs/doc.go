// Package authjs speaks the Auth.js (NextAuth) HTTP protocol on one mount, in
// the dialect of version 4 or 5, so that the unmodified next-auth/react client
// and server code that reads the cookie work against Gatehouse.
//
// It owns status codes, JSON shapes, redirects and the order of things on the
// wire; what is decided comes from the rooms, and what belongs to every
// endpoint of a mount (cookies, CSRF token, callback URL) from web/mount. The
// two dialects differ in answers more than in deeds: each handler exists once
// and leaves the answer to v4.go or v5.go. errors.go is the one place where a
// refusal becomes an answer.
//
// It stands against login CSRF, open redirects and the cookie that a slow
// answer brings back. Start with handler.go.
package authjs
