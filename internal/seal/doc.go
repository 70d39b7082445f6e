// Package seal is pure sealing: bytes in, bytes out. It owns the session token
// of the Auth.js protocol in both dialects (a compact JWE, RFC 7516, with
// direct encryption), the seal of iron-session (Fe26.2), the little JSON that
// reading either without encoding/json takes, and the hashing of secrets that
// reach storage.
//
// It knows no HTTP, no cookie and no configuration, and it keeps no clock.
// Cookie names, chunks and CSRF tokens are the neighbour's
// (internal/web/authjs/wire); what the claims mean, and above all whether a
// session is still good, is decided by the session room. A token that opens
// here says only that somebody who holds the secret wrote it.
//
// Standards: RFC 7516 (JWE compact form), RFC 7518 §4.5 (dir), §5.2.5
// (A256CBC-HS512) and §5.3 (A256GCM), RFC 7638 (thumbprint), RFC 5869 (HKDF),
// RFC 8018 §5.2 (PBKDF2, in iron seals), RFC 8259 (JSON), RFC 8725 (what to
// refuse).
//
// Start reading at [New], then [Sealer.AppendOpen]; json.go is the scanner both
// of them and the session room stand on. Iron seals begin at [NewIron].
//
// The attack it stands against: a browser that writes its own session. So one
// key serves one algorithm, the header only has to agree, nothing is decoded
// leniently (canonical base64url, strict JSON, no member twice), nothing is
// decompressed, every failure is the same [ErrToken], and length and nesting
// are bounded before work is done.
package seal
