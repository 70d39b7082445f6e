// Package user holds what an operator, or the users themselves, may change
// about a user: create, import, disable and enable, roles, password, name and
// picture, delete.
//
// Each change that can void or alter something already handed out writes the
// change feed in its own transaction, through package session, so that every
// node knows (guarantees R3, R8). It stands against the half-done change: a
// user disabled whose sessions go on, a password changed whose thief stays
// signed in. Operators' methods are in operator.go, the users' own in own.go.
//
// Whole files of users come by import.go and go by export.go; package transfer
// reads and writes them. An import keeps nothing between two runs: who is there
// already is told from somebody else by comparing (importpresent.go), and an
// address that a stranger has taken never passes for the imported user's.
package user
