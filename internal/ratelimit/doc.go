// Package ratelimit says how often something may be asked for. It owns the
// arithmetic of a limit (GCRA), what a limit is, the [Source] that remembers
// who took how much, one Source in memory, what becomes of a Source that several
// servers share when it is out of reach ([Shared]), and the key for a client
// address. A [Limiter] decides by a named [Policy], whose keys it derives.
//
// Which limits exist, what counts against them and what a refusal looks like is
// decided by the callers. Counters that protect a secret (wrong passwords, wrong
// codes) are not kept here but in the store, since a limit may be forgotten on
// a restart and such a counter must not be.
//
// GCRA is the generic cell rate algorithm of ITU-T I.371, Annex A: for each key
// one moment is kept, the time at which it would be whole again. Nothing is
// ticked or swept.
//
// It stands against floods from one address and against the flooding of the
// limiter itself: a million made-up keys cost no memory beyond what was set
// aside, and do not wash out the key of whoever is being limited.
//
// Start reading at [Limit] and [Source]; package sourcetest is the suite that
// every Source passes.
package ratelimit
