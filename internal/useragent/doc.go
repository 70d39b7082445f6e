// Package useragent names the browser and the system that a User-Agent field
// tells of (RFC 9110 §10.1.5), for the list in which people look for the
// sessions that are theirs.
//
// It knows names, not versions, and a few dozen of them: the list asks "is this
// my phone?", and nothing is ever decided by the answer. What it does not know
// is unknown and not guessed at. The field is text that the caller chooses, so
// an answer is always one of the package's own words and never a piece of the
// field. Browsers write each other's names into it (every one says "Mozilla",
// most say "Safari"), so the order of the tables is what matters. Start with
// parse.go.
//
// It stands against a field made to break the reader or the page behind it: no
// input panics, and what a page shows cannot be written by whoever stole a
// cookie. It does not stand against one who says to be the owner's browser:
// nobody can.
package useragent
