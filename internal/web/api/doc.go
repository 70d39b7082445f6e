// Package api answers the JSON endpoints beside the Auth.js protocol, for
// clients that speak plain JSON: register, login, logout, change-password and
// delete-account. They are a fixed list of names that no Auth.js action has.
//
// Errors are problem documents (RFC 9457). Bodies are application/json alone,
// which no foreign page can send without asking first, and a request that
// states a foreign origin is refused, so no token is needed. Start with api.go.
package api
