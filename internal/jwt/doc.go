// Package jwt is pure signing and verifying of JSON Web Tokens: one [Key] signs
// or verifies in the one algorithm it is for, and [Verify] decides by a set of
// keys and an [Expect] whether a token is good. It knows no store, no HTTP and
// no clock but the one it is handed.
//
// Which keys there are and when each may sign is the keyring's
// (internal/keyring). What the claims mean, and whether they have been revoked,
// is the token room's (internal/token). Session cookies are encrypted, which is
// internal/seal.
//
// Standards: RFC 7515 (JWS), of which the compact form alone; RFC 7517 and 7518
// (keys, algorithms); RFC 7519 (claims); RFC 7638 (thumbprint); RFC 8037
// (EdDSA); RFC 9068 (access tokens); and RFC 8725, which says what to refuse.
//
// Start reading at [Verify], then [Key.Open].
//
// The attack it stands against: a caller who writes his own token, or takes one
// that was meant for something else. So the key decides the algorithm and the
// header only has to agree; no key is ever taken from a token, and a header that
// brings one is refused; crit is refused, because no extension is understood;
// typ, iss, aud and exp must be there and must be right; nothing is decoded
// leniently (canonical base64url, strict JSON, no member twice, signatures of
// fixed length); length is bounded before work is done. Why a token was refused
// is a [Refusal] for the log; outside it is one [ErrToken] whatever it was.
//
// Signing and verifying are written on the standard library, because these run
// for every request; tests hold them against another implementation and
// against the published vectors.
package jwt
