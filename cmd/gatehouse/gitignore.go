package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// gitignoreFile keeps secrets and database out of a repository that the folder
// of init lies in, as that of gatehouse dev does.
const gitignoreFile = ".gitignore"

// private are the paths of what must not be committed, with slashes and below
// the folder of the installation. The database brings files of like names.
func (i *installation) private() []string {
	names := []string{ownSecretFile, authjsSecretFile}
	if db, err := filepath.Rel(i.dir, i.settings.Database.Path); err == nil && filepath.IsLocal(db) {
		names = append(names, filepath.ToSlash(db))
	}
	return names
}

// gitignoreLine is the pattern (gitignore(5)) of a path.
func gitignoreLine(name string) string {
	line := "/" + strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(name)
	if path.Base(name) == devDatabase {
		line += "*"
	}
	return line
}

// placeGitignore writes the file, unless there is one: that is its owner's.
func (i *installation) placeGitignore(stage string) error {
	if _, err := os.Lstat(i.path(gitignoreFile)); err == nil {
		return nil
	}
	text := "# What Gatehouse must keep to itself.\n"
	for _, name := range i.private() {
		text += gitignoreLine(name) + "\n"
	}
	err := i.place(filepath.Join(stage, gitignoreFile), i.path(gitignoreFile), text)
	if errors.Is(err, fs.ErrExist) {
		return nil // made since: somebody else's
	}
	return err
}

// warn tells which files a .gitignore that was there leaves to be committed.
func (i *installation) warn(w io.Writer) {
	text, err := os.ReadFile(i.path(gitignoreFile))
	if err != nil {
		text = nil // nothing in it can be relied on
	}
	var lines []string
	for _, name := range i.private() {
		if !ignores(string(text), name) {
			lines = append(lines, gitignoreLine(name))
		}
	}
	if lines != nil {
		fmt.Fprintf(w, "warning: %s does not keep all of it out of version control; add\n  %s\n", i.path(gitignoreFile), strings.Join(lines, "\n  "))
	}
}

// ignores says whether a .gitignore covers the file, whose path is relative to
// it. Where it cannot tell ("**" between two slashes) it says no.
func ignores(gitignore, name string) bool {
	steps := strings.Split(name, "/")
	for n := range steps {
		at, folder, ignored := strings.Join(steps[:n+1], "/"), n+1 < len(steps), false
		for line := range strings.Lines(gitignore) {
			if matches, again := gitignoreMatches(strings.TrimRight(line, " \r\n"), at, folder); matches {
				ignored = !again
			}
		}
		if ignored {
			return true // nothing below an ignored folder comes back
		}
	}
	return false
}

// gitignoreMatches says whether one line is about the path, and whether it takes
// it in again.
func gitignoreMatches(line, at string, folder bool) (matches, again bool) {
	if line == "" || line[0] == '#' {
		return false, false
	}
	line, again = strings.CutPrefix(line, "!")
	line, folderOnly := strings.CutSuffix(line, "/")
	if folderOnly && !folder {
		return false, again
	}
	line = strings.TrimPrefix(line, "**/")
	if !strings.Contains(line, "/") {
		at = path.Base(at)
	}
	matches, err := path.Match(strings.TrimPrefix(line, "/"), at)
	return matches && err == nil, again
}
