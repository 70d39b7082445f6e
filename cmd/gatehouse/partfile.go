package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// partFile is a file that is at its place when it is whole, and not before. It
// is readable by its owner alone.
type partFile struct {
	*os.File
	path    string
	replace bool
	ended   bool
}

// newPartFile begins a file. One that is there is refused, unless replace is
// set; what is no plain file is refused always: it would be gone.
func newPartFile(path string, replace bool) (*partFile, error) {
	info, err := os.Lstat(path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is there and is no plain file", path)
	case err == nil && !replace:
		return nil, &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".part-*") // mode 0600
	if err != nil {
		return nil, err
	}
	return &partFile{File: f, path: path, replace: replace}, nil
}

// keep brings everything to the disk and the file to its place.
func (f *partFile) keep() (err error) {
	defer func() {
		if err != nil {
			f.drop()
		}
	}()
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if !f.replace {
		// Made meanwhile by somebody else, it is not replaced: a link never does.
		// Where the file system has no links, looking must do.
		if err := os.Link(f.Name(), f.path); err == nil || errors.Is(err, fs.ErrExist) {
			f.drop()
			return err
		}
		if _, err := os.Lstat(f.path); err == nil {
			return &fs.PathError{Op: "create", Path: f.path, Err: fs.ErrExist}
		}
	}
	if err := os.Rename(f.Name(), f.path); err != nil {
		return err
	}
	f.ended = true
	return nil
}

// drop removes what is not whole. It may be called at any time.
func (f *partFile) drop() {
	if !f.ended {
		f.ended = true
		_ = f.Close()
		_ = os.Remove(f.Name())
	}
}
