// Package keyring keeps the keys that tokens are signed with: it makes them,
// publishes them, lets them sign when everybody can know them, and takes them
// away when nothing they signed can be good any more.
//
// How a token is signed and verified is internal/jwt's; what it says, and to
// whom it is given, is the token room's (internal/token); the rows are the
// store's. Applications' cookies are encrypted under secrets of the
// configuration, which is internal/seal's.
//
// A key goes through four states (guarantees R20), of each algorithm in use:
//
//	next      published; it signs nothing yet, so that verifiers that keep a
//	          copy of the set have time to fetch it. There is always one, so
//	          that an emergency finds a successor that is known already.
//	active    it signs. One at most: an index of the store sees to it.
//	retiring  it signs no more; what it signed is good until it ends.
//	retired   its private part is gone, and its name is refused.
//
// Private parts are sealed with AES-256-GCM under a master key that stands
// outside the database, bound to the key's name and algorithm. A key is taken
// from its sealed private part alone, also where only its public part is used:
// so whoever can write to the database cannot add a key of his own. Every change
// of state writes a row to the change feed in its own transaction; a node that
// hears of one refuses a retired key at once and reads the others anew.
//
// Start reading at ring.go, then schedule.go.
//
// The attack it stands against: a copy of the database (a backup, a replica, an
// injection) from which somebody signs tokens; and the rotation in which half of
// the verifiers have never heard of the key that signs.
package keyring
