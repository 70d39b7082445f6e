// Package storetest is the meaning of package store's contract: one suite that
// every backend runs. A doubt about what a method does is settled by a new
// case here.
//
// [Run] exercises a whole backend; [Users], [Sessions] and their sisters serve
// one that implements some nouns only. A backend's test is a function that
// opens an empty store and a call of Run. What only some backends can do, they
// answer with a method: see [Sharer].
package storetest
