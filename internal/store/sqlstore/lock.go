package sqlstore

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ServerRunningError says that another server has the database.
type ServerRunningError struct {
	// Path is the database, PID the other server's process as it wrote it
	// down; empty when it could not be read.
	Path, PID string
}

// Error names the cure.
func (e *ServerRunningError) Error() string {
	who := ""
	if e.PID != "" {
		who = " (process " + e.PID + ")"
	}
	return fmt.Sprintf("Gatehouse is running already%s: it serves the database %s and holds %s.lock; stop it first, or give this one another file with database.path", who, e.Path, e.Path)
}

// errHeld is what the platform's tryLock returns for a lock that is taken.
var errHeld = errors.New("the lock is held")

// LockServer marks the database at path as served by this process, in the file
// path.lock. It returns [*ServerRunningError] if another server has it. Only
// servers take the lock: each holds an index of what is void, and two of them
// behind one address are two opinions; short-lived tools write beside a server
// and are heard of through the feed.
//
// The lock is the operating system's and ends with the process, however that
// ends; the file stays and means nothing by itself. release may be called more
// than once.
func LockServer(path string) (release func() error, err error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // as SQLite does: one database, whatever it is called
	}
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the database: %w; the server must be able to write in the folder of database.path", err)
	}
	if err := lockPatiently(f); err != nil {
		defer f.Close()
		if !errors.Is(err, errHeld) {
			return nil, fmt.Errorf("cannot lock the database with %s.lock: %w", path, err)
		}
		pid, _ := io.ReadAll(io.LimitReader(f, 32))
		return nil, &ServerRunningError{Path: path, PID: strings.TrimSpace(string(pid))}
	}
	// For the message above alone; that it cannot be written stops nobody.
	if f.Truncate(0) == nil {
		_, _ = fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	return func() error {
		if err := f.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			return err
		}
		return nil
	}, nil
}

// lockPatiently tries for a moment: whoever asks whether there is a server
// holds the lock for some microseconds.
func lockPatiently(f *os.File) (err error) {
	for range 10 {
		if err = tryLock(f); !errors.Is(err, errHeld) {
			return err
		}
		time.Sleep(2 * time.Millisecond)
	}
	return err
}

// served says whether some process, this one included, has the lock of a
// server. When that cannot be found out there may be one.
func served(path string) bool {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	f, err := os.OpenFile(path+".lock", os.O_RDWR, 0)
	if err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	defer f.Close()
	return tryLock(f) != nil
}
