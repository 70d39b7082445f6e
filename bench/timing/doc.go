// Command timing asks whether a stopwatch tells identifiers that somebody has
// from identifiers that nobody has.
//
//	go run ./bench/timing                   everything, about twenty minutes: what docs/security/timing.md reports
//	go run ./bench/timing -quick            the same in short, under a minute: to see that it works
//	go run ./bench/timing -leak 1ms -quick  what it says when known ones take a millisecond longer
//	go run ./bench/timing -only v4,form     some of the kinds; "-only none" lists them
//
// It starts "gatehouse serve" on a database of its own and sends sign-ins with a
// wrong password in pairs: one for an identifier that somebody has, one for one
// that nobody has, one right after the other on one connection, in an order that
// a coin decides and the next pair turns round, so that whatever drifts meets
// both alike. Each identifier and each address of a caller is used once: the
// counters of failures never come in. What is timed is from the first byte sent
// to the last byte read, in this process, on the same machine: nearer than any
// attacker.
//
// Idle, there is nobody else. In the storm other clients sign in as fast as they
// are let, so that the gate of hashing always has a queue, and several
// connections measure at once. A measured request that is answered with 503 is
// counted and sent again; nothing is measured of it.
//
// # What it says
//
// The difference of the medians, known minus unknown, with an interval of 95 %
// from a bootstrap that draws whole pairs; two tests on the pairs (Wilcoxon's
// signed ranks, the signs alone); quantiles of both. It ends with 1 when an
// interval leaves ±bound, and when the answers to a pair differ in anything but
// dates, request IDs, values of cookies and what was typed. With -quick, which
// is too short to show that two things are equal, only an interval that lies
// beyond the bound as a whole counts.
//
// A difference that is there can hide where syncing the database is free: a
// folder in memory. So the time of a sync in the folder is printed (-folder).
//
// Start reading at main.go, then measure.go. The statistics stand alone in
// stats.go.
package main
