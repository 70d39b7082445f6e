package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
)

// licencesOf is the text of every licence that asks to be passed on with the
// program: of the standard library and of each module that is linked. A module
// without one stops the release.
func licencesOf(info *buildinfo.BuildInfo) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("What is linked into gatehouse beside its own code, and under which terms.\n")
	root, err := goEnv("GOROOT")
	if err != nil {
		return nil, err
	}
	if err := licencesIn(&b, "Go standard library "+info.GoVersion, root); err != nil {
		return nil, err
	}
	folders, err := moduleFolders(info)
	if err != nil {
		return nil, err
	}
	for _, d := range info.Deps {
		m := used(d)
		if err := licencesIn(&b, m.Path+" "+m.Version, folders[m.Path]); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// printLicences is licencesOf for the image, which the Dockerfile builds.
func printLicences(program string) error {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	text, err := licencesOf(info)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(text)
	return err
}

// licencesIn adds the files at the top of folder that carry terms.
func licencesIn(b *bytes.Buffer, title, folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	found := false
	for _, e := range entries {
		if e.IsDir() || !carriesTerms(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return err
		}
		found = true
		line := strings.Repeat("=", 80)
		fmt.Fprintf(b, "\n%s\n%s, %s\n%s\n\n%s\n", line, title, e.Name(), line,
			strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")))
	}
	if !found {
		return fmt.Errorf("%s has no file with its licence", title)
	}
	return nil
}

// carriesTerms says whether a file of that name is a licence or a notice.
func carriesTerms(name string) bool {
	name = strings.ToUpper(name)
	for _, prefix := range []string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "PATENTS"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok && !strings.HasSuffix(rest, ".GO") {
			return true
		}
	}
	return false
}

// used is the module whose code is linked, after replacement.
func used(m *debug.Module) *debug.Module {
	if m.Replace != nil {
		return m.Replace
	}
	return m
}

// moduleFolders asks the go command where the source of each linked module is.
func moduleFolders(info *buildinfo.BuildInfo) (map[string]string, error) {
	args := []string{"list", "-m", "-json"}
	for _, d := range info.Deps {
		args = append(args, d.Path)
	}
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	folders := map[string]string{}
	for in := json.NewDecoder(bytes.NewReader(out)); in.More(); {
		var m struct{ Path, Version, Dir string }
		if err := in.Decode(&m); err != nil {
			return nil, err
		}
		folders[m.Path] = m.Dir
	}
	for _, d := range info.Deps {
		if folders[d.Path] == "" {
			return nil, fmt.Errorf("the source of %s is not here", d.Path)
		}
		folders[used(d).Path] = folders[d.Path]
	}
	return folders, nil
}

func goEnv(name string) (string, error) {
	out, err := exec.Command("go", "env", name).Output()
	return strings.TrimSpace(string(out)), err
}
