// Package cluster runs three servers, each a process of its own, on one
// PostgreSQL, and asks what one of them must know when another one has revoked
// something.
//
// It owns no product code. What a look at the change feed means is tested beside
// it (internal/store/sqlstore, internal/revocation); here stands what only the
// whole can show: that a session that was ended on one server is refused on the
// others, how soon, with notifications and without, and what happens when the
// database is stopped, frozen, or cut off from one of them (guarantees R7, R11).
//
// What a failover may lose, and what not, is failover_test.go: the primary dies
// under load, and what journal_test.go has written down is held against the
// servers afterwards. How a server starts with a database that is away, or that
// must be reached by TLS, is serve_test.go.
//
// Between each server and the database stands a wire of ours (wire_test.go),
// which can be cut, and can swallow notifications.
//
// Delays are counted from the moment at which the revocation was acknowledged to
// the first request that was refused; GATEHOUSE_SOAK makes it a thousand
// revocations and more, and its run prints the figures of docs/sessions.md and
// holds the servers to the promise. Beside it runs a control that says how late
// timers fire in the test's process: what processes have to wait for a core on
// this machine is added to the bounds (delay_test.go). Without it the servers are
// held to one bound alone: nothing is accepted later than max_staleness.
//
//	GATEHOUSE_BIN   a gatehouse that is built already
//	GATEHOUSE_SOAK  how many times ten revocations, and a twentieth of it failovers;
//	                ten and two without it
package cluster
