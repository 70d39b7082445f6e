// Package faults fails a store on purpose: a wrapper stands on every method of
// the contract, of its transactions and of its feed, and asks before each call
// what is to become of it.
//
// Two ways of asking. A [Script] travels in a context and so concerns one request
// alone: it counts the calls by name, and fails the n-th in one of three ways (see
// [Mode]). A [Seam] is the wrapper's own and concerns everybody who uses that
// store, the follower's own reading too.
//
// wrapper.go is generated from the contract, and neither it nor its transactions
// embed what they wrap: a method that is added to the contract does not compile
// here before it can fail. The package is for tests alone. Start with [Over].
package faults
