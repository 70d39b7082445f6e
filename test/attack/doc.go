// Package attack holds hostile requests: what a stranger, a foreign page, a
// thief with a stolen cookie or somebody with the application's secret would
// send. Its tests drive a whole Gatehouse on a real database and look at what
// came of it, not at the answer alone.
//
// Each test that says "nothing happened" has a control beside it in which the
// same request, made rightly, does happen; else it could not fail. Start with
// browser_test.go, which is what the others are written in.
package attack
