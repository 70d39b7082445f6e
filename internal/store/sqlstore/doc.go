// Package sqlstore keeps the rows of package store in SQLite (pure Go,
// modernc.org/sqlite).
//
// It owns the schema (migrations/sqlite), the SQL, and what "acknowledged"
// means on one file: write-ahead log, synchronous=FULL, and a single writer
// that commits in groups (guarantees R17). Package store owns the meaning of
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
// Where to start: writer.go (the queue and its leader), batch.go (one common
// transaction), tx.go (the handle), then any noun, such as sessions.go. A
// second dialect shares the texts of the nouns (numbered parameters, upsert,
// RETURNING); what is SQLite's alone stands in connection.go, batch.go,
// feed.go and failure.go.
package sqlstore
