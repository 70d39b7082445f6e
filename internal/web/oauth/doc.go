// Package oauth answers for access and refresh tokens: it hands them out,
// exchanges, revokes and explains them, and publishes the keys and the
// addresses that verifiers need. Each mount is one issuer.
//
// Handing out, POST {base}/token, is an endpoint of Gatehouse's own and no OAuth
// grant: it takes what the sign-in form takes, through the same Attempt, or a
// session's cookie; its errors are problem documents. The others follow their
// standards, errors included: refreshing RFC 6749 §6, revocation RFC 7009,
// introspection RFC 7662, metadata RFC 8414, keys RFC 7517.
//
// What a token is good for is package token's to say. This package stands
// against the foreign page that asks for a token with somebody's cookie, the
// parameter that comes twice and is read by halves, and the answer that tells
// more than it must. Start with handler.go.
package oauth
