// Package vectors finds and reads the protocol's recorded test vectors. Only
// tests import it.
//
// The files lie in testdata/protocol at the root of the module and are data:
// other files of the same shape, made from other inputs, can be put in their
// place by naming their folder in GATEHOUSE_VECTORS. So a test must take what it
// expects from the vector, never from the vector's name.
//
// Who runs which file is written down in claims_test.go, which also lists by
// name the vectors nobody runs yet, with the reason.
package vectors
