// Package clientip finds the address of the client behind a request, once for
// each request, from the right through trusted hops. It owns that decision and
// nothing else: which hops are trusted comes from the configuration, what is
// limited by the address is up to package ratelimit and its callers.
//
// X-Forwarded-For has no standard; it is read as the proxies write it, each
// appending the address it was connected from. RFC 7239 (Forwarded) is not read.
//
// It stands against the forged header: whoever could choose the address under
// which requests are counted would be counted never, or would have somebody else
// locked out. So what stands left of the first address that no trusted hop
// vouches for is not looked at, and where the chain is broken the answer is
// "unknown" (the zero Addr), never the next best entry. Unknown clients are not
// limited by address; limits by account hold for them as for everybody.
//
// A rewrite in Next.js deserves a word: it adds no X-Forwarded-For of its own
// and passes on the one it was sent. So the header says something only if a
// proxy in front of Next sets it, and both that proxy and Next are trusted hops.
// Without such a proxy trust nobody and leave PeerIsClient false: the peer is
// Next, and one address for all users would lock all of them out together.
//
// Start reading at [Resolver].
package clientip
