package sqlstore

import (
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/gatehouse-auth/gatehouse/internal/store"
)

var (
	errClosed  = errors.New("sqlstore: the store is closed")
	errTxEnded = errors.New("sqlstore: the transaction has ended; its handle is good inside the function alone")
	errNested  = errors.New("sqlstore: a transaction was asked for inside another one's function, which would wait for itself; use the tx that was given")
	errAborted = errors.New("sqlstore: the transaction ended before its time (a function left its goroutine); nothing of it is kept")
)

// translate turns what a statement returned into the contract's words: the two
// sentinels bare, everything else with what was being done.
func translate(doing string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return store.ErrNotFound
	}
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch e.Code() {
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
			return store.ErrConflict
		case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
			return store.ErrNotFound
		}
	}
	return describe(doing, err)
}

// describe says what was being done when err came, and never makes a sentinel
// of it: a commit that fails is no answer to anybody's question.
func describe(doing string, err error) error {
	if err == nil {
		return nil
	}
	var e *sqlite.Error
	if errors.As(err, &e) {
		if hint := plain(e.Code()); hint != "" {
			return fmt.Errorf("sqlstore: %s: %s: %w", doing, hint, err)
		}
	}
	return fmt.Errorf("sqlstore: %s: %w", doing, err)
}

// plain says in an operator's words what stands in the way.
func plain(code int) string {
	switch code {
	case sqlite3.SQLITE_IOERR_SHMSIZE: // the one file whose growth SQLite does not call full
		return "the disk is full"
	case sqlite3.SQLITE_IOERR_WRITE:
		return "the disk cannot be written to: it failed, or a quota or a limit on the size of files is reached"
	}
	switch code & 0xff {
	case sqlite3.SQLITE_FULL:
		return "the disk is full"
	case sqlite3.SQLITE_READONLY:
		return "the database may only be read (check the file system and the owner of the file and its folder)"
	case sqlite3.SQLITE_CANTOPEN:
		return "the database cannot be opened (check that the file is where database.path says, and that its folder may be written)"
	case sqlite3.SQLITE_IOERR:
		return "the disk failed, or the file was moved or replaced while it was open: see gatehouse doctor"
	case sqlite3.SQLITE_BUSY:
		return "another process holds the database"
	case sqlite3.SQLITE_NOTADB:
		return "the file is not a database"
	case sqlite3.SQLITE_CORRUPT:
		return "the database is damaged; restore a backup"
	}
	return ""
}

// refusal says whether err is an answer of the contract rather than a failure.
func refusal(err error) bool {
	return errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict)
}

// busy says whether another connection was in the way.
func busy(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_BUSY
}

// gone says whether the connection itself cannot be used any more.
func gone(err error) bool { return errors.Is(err, sql.ErrConnDone) }
