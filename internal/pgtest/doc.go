// Package pgtest gives tests a PostgreSQL server of their own, started from
// the installed binaries (Debian: postgresql) on a free port of 127.0.0.1, and
// does to it what life does: stops it, kills it, freezes it, gives it a standby
// and promotes that.
//
// It owns the servers' processes and folders, and that none of them outlives
// the test binary, however that ends. It knows nothing of Gatehouse's tables;
// package sqlstore owns those. Linux alone: elsewhere, and where the binaries
// are missing, tests are skipped by name, but fail where CI is set.
//
// Where to start: [Shared] and [Server.NewDatabase] for tests that want rows,
// [Start] for those that do something to the server.
package pgtest
