// Package setup makes the first administrator of an installation that has none.
// There is no default password and nobody is an administrator by coming first:
// whoever has the machine makes a setup token ("gatehouse setup-token create"),
// and whoever holds the token names the first administrator with it, once. The
// other way is "gatehouse user create --role gatehouse.admin", which needs this
// package not at all.
//
// It stands against whoever finds a fresh installation before its owner does:
// without a token there is nothing to be had, and nothing to be learned, neither
// whether there is an administrator nor whether a token was made. A token is
// 256 bits of which the database has the hash; it ends by itself, by its use, by
// wrong tries, and by there being an administrator. Its use, the user and the
// condition that there is no administrator yet are one transaction, so of any
// number of people with any number of tokens one wins.
//
// An administrator is who may do everything in Gatehouse, by the built-in role or
// by another one, and is not disabled; what roles allow is package rbac's to say.
package setup
