package main

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// proof is a test that claims a requirement.
type proof struct {
	folder, file, test string
	line               int
}

func (p proof) at() string { return fmt.Sprintf("%s:%d", p.file, p.line) }

// mark is the beginning of the comment that claims.
const mark = "proves:"

// markedID is what may be claimed.
var markedID = regexp.MustCompile(`^(ASVS [0-9]+(\.[0-9]+){1,2}|(CB|CS|BCP|NIST|NEXT)-[0-9]+)$`)

// readProofs reads the marks of every test file below root. A mark that does
// not stand directly above a test is an error: nothing would run for it.
func readProofs(root string) (map[string][]proof, error) {
	out := map[string][]proof{}
	var errs []error
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && file != root):
			return filepath.SkipDir
		case !strings.HasSuffix(file, "_test.go"):
			return nil
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		found, err := marksOf(file, filepath.ToSlash(name))
		errs = append(errs, err)
		for id, p := range found {
			out[id] = append(out[id], p...)
		}
		return nil
	})
	for _, list := range out {
		slices.SortFunc(list, func(a, b proof) int { return cmp.Or(cmp.Compare(a.folder, b.folder), cmp.Compare(a.test, b.test)) })
	}
	return out, errors.Join(append(errs, err)...)
}

func marksOf(file, name string) (map[string][]proof, error) {
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, file, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	tests := map[*ast.CommentGroup]string{}
	for _, d := range parsed.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Doc != nil && isTest(f) {
			tests[f.Doc] = f.Name.Name
		}
	}
	out := map[string][]proof{}
	var errs []error
	for _, group := range parsed.Comments {
		for _, c := range group.List {
			claims, ok := strings.CutPrefix(strings.TrimSpace(strings.TrimPrefix(c.Text, "//")), mark)
			if !ok {
				continue
			}
			p := proof{folder: folderOf(name), file: name, test: tests[group], line: files.Position(c.Pos()).Line}
			if p.test == "" {
				errs = append(errs, fmt.Errorf("%s: the mark stands above no test", p.at()))
				continue
			}
			for id := range strings.SplitSeq(claims, ",") {
				id = strings.TrimSpace(id)
				if !markedID.MatchString(id) {
					errs = append(errs, fmt.Errorf("%s: %q is no ID of a requirement", p.at(), id))
					continue
				}
				id = strings.TrimPrefix(id, "ASVS ")
				out[id] = append(out[id], p)
			}
		}
	}
	return out, errors.Join(errs...)
}

// isTest says whether go test runs the function.
func isTest(f *ast.FuncDecl) bool {
	if f.Recv != nil {
		return false
	}
	for _, kind := range []string{"Test", "Fuzz", "Example"} {
		if strings.HasPrefix(f.Name.Name, kind) {
			return true
		}
	}
	return false
}

func folderOf(file string) string {
	if i := strings.LastIndexByte(file, '/'); i >= 0 {
		return file[:i]
	}
	return "."
}
