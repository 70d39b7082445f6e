package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const module = "github.com/gatehouse-auth/gatehouse"

func main() {
	version := flag.String("version", "", "the version, as v0.3.1")
	epoch := flag.Int64("epoch", 0, "the time of the commit, in seconds since 1970")
	built := flag.String("built", "", "folder with OS_ARCH/gatehouse")
	share := flag.String("share", "", "folder whose content goes into each archive")
	to := flag.String("to", "", "where archives, bills of materials and SHA256SUMS go")
	terms := flag.String("licences-of", "", "print the licences of what is linked into this program, and do nothing else")
	flag.Parse()
	var err error
	if *terms != "" {
		err = printLicences(*terms)
	} else {
		err = release(*version, time.Unix(*epoch, 0).UTC(), *built, *share, *to)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// release makes everything for each target below built.
func release(version string, at time.Time, built, share, to string) error {
	programs, err := filepath.Glob(filepath.Join(built, "*_*", "gatehouse*"))
	if err != nil {
		return err
	}
	if len(programs) == 0 {
		return fmt.Errorf("%s has no programs in it", built)
	}
	for _, program := range programs {
		target := filepath.Base(filepath.Dir(program))
		if err := releaseOne(version, at, target, program, share, to); err != nil {
			return fmt.Errorf("%s: %w", target, err)
		}
	}
	return writeSums(to)
}

// releaseOne makes archive and bill of materials of one target.
func releaseOne(version string, at time.Time, target, program, share, to string) error {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	if err := checkBuild(info, target); err != nil {
		return err
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	bill, err := billOf(info, version, at, sha256.Sum256(content))
	if err != nil {
		return err
	}
	licences, err := licencesOf(info)
	if err != nil {
		return err
	}
	name := "gatehouse_" + strings.TrimPrefix(version, "v") + "_" + target
	files, err := sharedFiles(share)
	if err != nil {
		return err
	}
	files = append(files,
		file{name: filepath.Base(program), content: content, program: true},
		file{name: "THIRD-PARTY-LICENSES.txt", content: licences},
		file{name: "sbom.cdx.json", content: bill})
	if err := os.WriteFile(filepath.Join(to, name+".cdx.json"), bill, 0o644); err != nil {
		return err
	}
	if strings.HasPrefix(target, "windows_") {
		return writeArchive(filepath.Join(to, name+".zip"), zipped, name, at, files)
	}
	return writeArchive(filepath.Join(to, name+".tar.gz"), tarred, name, at, files)
}

// checkBuild refuses a program that is not what a release may ship.
func checkBuild(info *buildinfo.BuildInfo, target string) error {
	if info.Path != module+"/cmd/gatehouse" || info.Main.Path != module {
		return fmt.Errorf("the program is %s of %s", info.Path, info.Main.Path)
	}
	set := settings(info)
	if got := set["GOOS"] + "_" + set["GOARCH"]; got != target {
		return fmt.Errorf("the program is for %s", got)
	}
	for key, want := range map[string]string{"CGO_ENABLED": "0", "-trimpath": "true"} {
		if set[key] != want {
			return fmt.Errorf("built with %s=%q, and a release wants %q", key, set[key], want)
		}
	}
	return nil
}

// settings is how the go command was told to build.
func settings(info *buildinfo.BuildInfo) map[string]string {
	set := map[string]string{}
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	return set
}
