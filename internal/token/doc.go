// Package token is the room of access tokens and of the families of refresh
// tokens they come from: it issues, refreshes, revokes, introspects, and says
// whether an access token is good here.
//
// An access token is a JWT after RFC 9068 that verifiers elsewhere judge by
// themselves until it ends, some minutes after it began. Gatehouse judges it as
// it judges a session: signature and times, and then the index of what is void,
// which hears of a revocation at once (package revocation). A refresh token is
// "<family>.<n>.<secret>"; its secret is derived from a root key that is in no
// database and a salt that is in no configuration, so neither of the two alone
// yields a token (guarantees R9). Each refresh replaces it, and a replaced one
// that comes again ends the family (R10, RFC 9700 §4.14.2).
//
// Which keys sign, and until when they count, is package keyring's. What a
// session is, and that its families end with it, is package session's. The
// endpoints are package web/oauth's; client authentication and the token
// formats follow RFC 6749, 7009, 7662 and 9068.
//
// It stands against the stolen refresh token, against the dump of the database
// and the leaked secret of an application, each of which forges nothing here,
// against the token that was meant for somebody else, and against the refresh
// that overtakes a sign-out (R3, R14). Start with issue.go, then refresh.go.
package token
