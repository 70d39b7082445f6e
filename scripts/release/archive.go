package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// file goes into an archive.
type file struct {
	name    string // with slashes, relative to the archive's one folder
	content []byte
	program bool // may be executed
}

func (f file) mode() int64 {
	if f.program {
		return 0o755
	}
	return 0o644
}

// sharedFiles reads all files below folder.
func sharedFiles(folder string) ([]file, error) {
	var files []file
	root := os.DirFS(folder)
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(root, name)
		files = append(files, file{name: name, content: content})
		return err
	})
	return files, err
}

// format writes files to w as one archive.
type format func(w io.Writer, folder string, at time.Time, files []file) error

// writeArchive packs the files in the order of their names, so that the
// archive depends on what is in it alone.
func writeArchive(path string, pack format, folder string, at time.Time, files []file) error {
	slices.SortFunc(files, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	var b bytes.Buffer
	if err := pack(&b, folder, at, files); err != nil {
		return fmt.Errorf("pack %s: %w", path, err)
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// tarred packs as USTAR with gzip, whose header has neither name nor time.
// Owner is 0 by number: no name of this machine's accounts is in it.
func tarred(w io.Writer, folder string, at time.Time, files []file) error {
	packed, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(packed)
	for _, f := range files {
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: folder + "/" + f.name, Size: int64(len(f.content)), Mode: f.mode(), ModTime: at, Format: tar.FormatUSTAR,
		}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(f.content); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return packed.Close()
}

// zipped packs for Windows.
func zipped(w io.Writer, folder string, at time.Time, files []file) error {
	archive := zip.NewWriter(w)
	for _, f := range files {
		header := &zip.FileHeader{Name: folder + "/" + f.name, Method: zip.Deflate, Modified: at}
		header.SetMode(fs.FileMode(f.mode()))
		out, err := archive.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := out.Write(f.content); err != nil {
			return err
		}
	}
	return archive.Close()
}

// writeSums writes SHA256SUMS over all files of the folder, as sha256sum -c
// reads it.
func writeSums(folder string) error {
	entries, err := os.ReadDir(folder) // sorted
	if err != nil {
		return err
	}
	var sums bytes.Buffer
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(content), e.Name())
	}
	return os.WriteFile(filepath.Join(folder, "SHA256SUMS"), sums.Bytes(), 0o644)
}
