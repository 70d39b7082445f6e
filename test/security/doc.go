// Package security holds the tests that compare what docs/security says with
// what the code does, and with what the program is made of: keys and algorithms,
// fields and their limits, connections that go out, lifetimes, thresholds, data,
// dependencies. A document that says less than the code, or more, fails.
//
// Beside them stand tests of promises that no single package can keep: what all
// addresses together answer, what is linked, what a whole run leaves open.
//
// Attacks are in test/attack. Start with documents_test.go, which is how the
// others read a document.
package security
