// Package limit puts a rate limit between a request and its handler: it tells
// clients in the header how much is left of it, and makes the refusal of one that
// is used up.
//
// The header fields are those of draft-ietf-httpapi-ratelimit-headers-11,
// structured fields (RFC 9651). What counts, and by what requests are told apart,
// is package ratelimit's; who asks is found out by whoever calls.
package limit
