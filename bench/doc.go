// Command bench compares Gatehouse with what this machine can do at all, in one
// run, and says where each goal stands.
//
//	go run ./bench                          everything, about eight minutes
//	go run ./bench -quick                   the same in short, about a minute: to see that it works
//	go run ./bench -only session,check      some sections
//	go run ./bench -json figures.json       also for machines
//
// It owns the measuring between processes. What a function costs inside one is
// in the benchmarks beside it ("go test -bench"); a few goals are about those,
// and then this program runs them and reads what they print. "make bench" does
// both.
//
// # What is measured
//
// The server is "gatehouse serve", built as it is released, on a database file
// of its own with 10,240 users, as many sessions and 100,000 live entries of the
// change feed, behind a proxy that is believed, with metrics on and its log in a
// file. The reference is the bare handler: a net/http server with a ServeMux
// that answers 200 bytes of JSON and a cookie of 120 (roles.go). For sign-ins it
// is argon2id with the same parameters on as many goroutines as cores.
//
// Each comparison is a number of short pairs, reference and subject in turns,
// each in a process that stays; what is printed is the median of the pairs'
// ratios. The clients of package load are this process and share the cores, so
// requests per second flatter the fast: the honest figure is the processor time
// that the server used for a request, over what the bare handler used, which
// package proc reads.
//
// Absolute figures belong to the machine; ratios travel.
//
// # What is refused
//
// An answer that is not the one wanted ends its section, and the run fails. Before
// anything is measured the same request with a tampered cookie or a wrong
// password must be answered as nobody's, or the check is not made at all
// (pair.go). A pair during which other processes used more than -noise cores is
// measured again, and kept with a mark when the machine does not become quiet; on
// a busy one "-noise 9" takes what comes, and then only ratios of processor time
// mean anything.
//
// # To repeat
//
// On a machine that does nothing else, Linux, with Go and, for the npm packages,
// Node.js 20 and npm: "make bench". A row alone: "go run ./bench -only session".
// Where the processor time of GET /session goes:
//
//	go run ./bench -only profile -profile /tmp/session.prof
//	go tool pprof -top -cum /tmp/session.prof
//
// Start reading at main.go, then pair.go. The bound of a goal stands beside what
// is measured for it.
package main
