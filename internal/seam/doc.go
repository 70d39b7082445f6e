// Package seam is where a test takes hold of what a whole Gatehouse rests on:
// its store, and with it the change feed and the keys that are kept there; and
// what the hash of a password costs. The clock needs no seam here, Config.Now is
// one.
//
// A program that embeds Gatehouse cannot reach it, because the package is
// internal, and a server never does: without [With] everything passes through
// untouched. It owns no product code and decides nothing. What a test puts there
// is package faults.
package seam
