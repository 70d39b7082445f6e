// Package sqlstore keeps the rows of package store in SQLite (pure Go,
// modernc.org/sqlite) or in PostgreSQL (pgx).
//
// It owns the schemas (migrations), the SQL, and what "acknowledged" means. On
// one file: write-ahead log, synchronous=FULL, and a single writer that commits
// in groups (guarantees R17). On PostgreSQL: serializable transactions,
// synchronous_commit, and no word for a commit that nobody can be sure of
// (guarantees R18). Package store owns the meaning of
// each method, package storetest its proof. Times come as arguments; no query
// asks for the time.
//
// It stands against three losses. An acknowledged change that a crash takes
// back: results, refusals included, leave only after the common commit. One
// caller's failure, panic or cancelled context that undoes another caller's
// change: each member is a savepoint, statements are never interrupted, and
// when the whole transaction is lost the others run again alone. Two servers
// on one file, each with its own idea of what is void: [LockServer].
//
// Where to start: any noun, such as sessions.go, and tx.go, the handle that both
// databases share; dialect.go says what they are asked for. Of SQLite writer.go
// (the queue and its leader) and batch.go (one common transaction), connection.go,
// feed.go and failure.go; of PostgreSQL postgres.go, pgtx.go (one transaction
// and its other tries), pgconn.go, pgfeed.go and pgfailure.go.
package sqlstore
