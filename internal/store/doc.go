// Package store is the contract between the rooms and the rows: one small
// interface for each noun, joined only so that a transaction can span them.
//
// It owns the meaning of every method; package storetest owns the proof of
// it, and sqlstore keeps the rows. A store knows nouns (package auth) and
// time given as an argument; it asks no clock, hashes nothing and decides
// nothing that a room should decide. What must happen exactly once is one
// method here, never read-then-write in a room: ConsumeChallenge,
// InsertSession, RaiseFailure.
//
// Acknowledged means durable: when a method or InTx returns nil, the change
// survives kill -9; when it returns an error other than the two sentinels,
// nothing of it may be assumed, least of all a refusal that rested on it
// (guarantees R17, R18).
//
// The package is internal and changes between releases without notice.
package store
