// Package failclosed proves by sweep that what cannot be done is refused: each
// call that a request makes on the store is failed in turn, in each of three
// ways, and after each the same demands are made.
//
// A journey is walked once to record its calls. The record is a golden file with
// the answer to each failure, so that a new call, or another answer, shows in
// review. Then the journey is walked once more for each call and each way to
// fail:
//
//	error        the call fails and has no effect
//	time-out     the call hangs until the request's deadline has passed
//	answer lost  the call has its effect, a transaction commits, and the caller
//	             is told that it failed
//
// What must hold after each:
//
//   - the failure was met, and what is not answered as it should be is 503 with
//     Retry-After, in the shape that the caller asked for; nothing is 500
//   - no guarded answer opens for somebody who may not have it
//   - 503 sets no session cookie and deletes none, but at sign-out
//   - what was acknowledged is so; what was refused has not come true, and where
//     the answer was lost, all of it has or nothing
//   - no answer shows the cause, a secret or a path; the log has the cause
//   - once the failure is over, the same journey succeeds
//
// The seam is internal/seam. Beside the sweep stand the start, the change feed
// and the clock, which no request calls. The tests are in bubbles of virtual
// time (testing/synctest), so that nothing waits. Start with sweep_test.go.
package failclosed
