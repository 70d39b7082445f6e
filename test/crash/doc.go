// Package crash takes the ground away from under the built program: it is
// killed at random moments while people register, sign in, change passwords and
// sign out, its disk fills up, its disk may only be read. Each time the clients
// have kept a journal of what they were told, and every entry of it is held
// against the program that starts next.
//
// What may be said after an answer:
//
//	acknowledged  it is so, after whatever came next
//	refused       it never came true
//	no answer     all of it happened or nothing, and the sessions, the password
//	              and the rows agree on which
//
// It owns no product code. That the store keeps what it has committed is tested
// beside it (internal/store/sqlstore); here stands what only the whole can show:
// that an answer is sent after the commit and not before, that the index of what
// is void is as it was, that failure counters are kept (guarantees R16), and
// that an operator is told what to do.
//
// On PostgreSQL the database's server is killed as well, with the program or
// without it.
//
// kill -9 takes the process and leaves the kernel: what was written without
// being synced survives it. The loss of power is not tried here; the store's
// synchronous=FULL stands against that.
//
// The tests start the program, and only on loopback. Variables:
//
//	GATEHOUSE_BIN         a gatehouse that is built already
//	GATEHOUSE_SOAK        rounds of kill -9 on a file, ten without it; on
//	                      PostgreSQL a quarter for each program that dies
//	GATEHOUSE_CRASH_SEED  the seed that a run has printed
//
// A seed gives the same moments and the same choices, not the same run: what the
// machine does between them is its own.
//
// Start with kill_test.go; load_test.go is what clients do, journal_test.go what
// they remember, verify_test.go what must be true afterwards, and
// control_test.go shows that a loss would be seen.
package crash
