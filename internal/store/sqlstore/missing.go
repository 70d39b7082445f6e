package sqlstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// MissingError says that there is no database where one must be. It is
// fs.ErrNotExist to errors.Is.
type MissingError struct {
	Path string
	// Tables: the database is there, on PostgreSQL, and has none of our tables.
	Tables bool
}

// Error names the cure.
func (e *MissingError) Error() string {
	if e.Tables {
		return fmt.Sprintf("the database %s has no tables of Gatehouse; start the server once, run gatehouse migrate, or correct database.url", e.Path)
	}
	return fmt.Sprintf("there is no database at %s; correct database.path, or start the server once", e.Path)
}

// Is makes it one of the errors of missing files.
func (e *MissingError) Is(target error) bool { return target == fs.ErrNotExist }

// prepare sees to it that there is a file that may be opened. SQLite itself
// never makes one.
func (o Options) prepare() error {
	if !o.MustExist {
		if err := create(o.Path); err != nil {
			return err
		}
	}
	path := o.Path
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // the other files lie beside that one
	}
	// The log before the database: a log that has something in it had a
	// database that was not empty, however soon it was looked at.
	log, logErr := os.Stat(path + "-wal")
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return &MissingError{Path: o.Path} // or a symbolic link that leads nowhere
	case err != nil:
		return fmt.Errorf("sqlstore: open the database: %w", err)
	case info.Size() == 0 && logErr == nil && log.Size() > 0:
		return fmt.Errorf("%s is empty, and the %[1]s-wal beside it is not, so it is another database's: put that database back, or move the -wal away", path)
	}
	return refuseReadOnly(path)
}

// refuseReadOnly keeps SQLite from a database that may only be read. It would
// open it as if nothing were wrong: a server on it would start, look well and
// refuse everybody who signs in, and the files made beside it would be read-only
// as well.
func refuseReadOnly(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := mayWrite(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("sqlstore: %s%s may only be read (check the file system, and the owner and the mode of the file): %w", path, suffix, err)
		}
	}
	return nil
}

// refuseRemains keeps a new database from files of one that is not there: they
// may hold all that was written lately, and SQLite would delete them.
func refuseRemains(path string) error {
	for _, suffix := range []string{"-wal", "-journal", "-shm"} {
		if _, err := os.Lstat(path + suffix); err != nil {
			continue
		}
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s%s lies there without its database: put the database back, or move the %[2]s away", path, suffix)
		}
		return nil
	}
	return nil
}
