// Package webtest is for tests of the endpoints: a whole Gatehouse on a real
// database, and a browser without scripts that visits it.
package webtest
