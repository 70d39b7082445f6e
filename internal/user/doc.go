// Package user holds what an operator, or the users themselves, may change
// about a user: create, import, disable and enable, roles, password, name and
// picture, delete.
//
// Each change that can void or alter something already handed out writes the
// change feed in its own transaction, through package session, so that every
// node knows (guarantees R3, R8). It stands against the half-done change: a
// user disabled whose sessions go on, a password changed whose thief stays
// signed in. Operators' methods are in operator.go, the users' own in own.go.
package user
