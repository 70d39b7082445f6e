// Package auth holds the nouns of Gatehouse and what is true of one noun
// alone: [User], [Session], [Principal], [Challenge], [Event], [Change],
// [Error], their identifiers, and the one normal form of an [Identifier].
//
// It imports nothing of Gatehouse, knows no HTTP and no SQL, and starts
// nothing. Rooms decide with these values, the store keeps them, and each web
// dialect renders them.
//
// Start with user.go and session.go; error.go explains how a refusal travels
// from a room to the outside.
package auth
