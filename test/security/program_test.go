package security_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/gatehouse-auth/gatehouse"

// run runs a tool of Go at the top of the repository, as the release does.
func run(t *testing.T, arguments ...string) string {
	t.Helper()
	c := exec.Command("go", arguments...)
	c.Dir = root
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly")
	var out, failed bytes.Buffer
	c.Stdout, c.Stderr = &out, &failed
	if err := c.Run(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(arguments, " "), err, failed.String())
	}
	return out.String()
}

// built is the program, which is built once for all tests that look at it.
var built struct {
	sync.Once
	folder string
}

func program(t *testing.T) string {
	t.Helper()
	built.Do(func() {
		folder, err := os.MkdirTemp("", "gatehouse-security")
		if err != nil {
			t.Fatal(err)
		}
		built.folder = folder
		run(t, "build", "-trimpath", "-o", filepath.Join(folder, "gatehouse"), "./cmd/gatehouse")
	})
	return filepath.Join(built.folder, "gatehouse")
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.folder != "" {
		_ = os.RemoveAll(built.folder)
	}
	os.Exit(code)
}

// linkedPackages are the import paths of all that is in the program.
func linkedPackages(t *testing.T) []string {
	t.Helper()
	linked.Do(func() { linked.list = strings.Fields(run(t, "list", "-deps", "./cmd/gatehouse")) })
	if len(linked.list) == 0 {
		t.Fatal("nothing is linked")
	}
	return linked.list
}

var linked struct {
	sync.Once
	list []string
}

// source is a file of ours that is linked into the program.
type source struct {
	folder, name string // from the top of the repository
	*ast.File
	at *token.FileSet
	// imports are the local names of what the file imports, by path.
	imports map[string]string
}

// sources are all files of ours that are linked, for every system; they are read
// once for all tests.
func sources(t *testing.T) []source {
	t.Helper()
	read.Do(func() { read.list = readSources(t) })
	if len(read.list) < 100 {
		t.Fatalf("only %d files", len(read.list))
	}
	return read.list
}

var read struct {
	sync.Once
	list []source
}

func readSources(t *testing.T) (list []source) {
	t.Helper()
	for _, path := range linkedPackages(t) {
		if path != module && !strings.HasPrefix(path, module+"/") {
			continue
		}
		folder := strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
		files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			s := source{folder: folder, name: strings.TrimPrefix(filepath.ToSlash(file), root+"/"), at: token.NewFileSet(), imports: map[string]string{}}
			if s.File, err = parser.ParseFile(s.at, file, nil, parser.ParseComments); err != nil {
				t.Fatal(err)
			}
			for _, i := range s.Imports {
				path, _ := strconv.Unquote(i.Path.Value)
				name := path[strings.LastIndexByte(path, '/')+1:]
				if i.Name != nil {
					name = i.Name.Name
				}
				s.imports[path] = name
			}
			list = append(list, s)
		}
	}
	return list
}

// uses are the names that the file takes from a package.
func (s source) uses(path string) (list []string) {
	local, imported := s.imports[path]
	if !imported {
		return nil
	}
	ast.Inspect(s.File, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == local {
				list = append(list, sel.Sel.Name)
			}
		}
		return true
	})
	return list
}

// Nothing that starts another program is linked: not even the parts of the
// SQLite driver's C library that could.
//
// proves: ASVS 1.2.5
func TestProgram_cannotStartAnotherProgram(t *testing.T) {
	symbols := run(t, "tool", "nm", program(t))
	if !strings.Contains(symbols, "T main.main") || !strings.Contains(symbols, "os.OpenFile") {
		t.Fatal("the program has no table of symbols to look at")
	}
	starts := regexp.MustCompile(`(?m)\s(os/exec\.\S+|os\.StartProcess|syscall\.(Exec|StartProcess|ForkExec|forkExec|forkAndExecInChild1?)|plugin\.\S+|golang\.org/x/sys/\S*\.Exec)$`)
	for _, found := range starts.FindAllString(symbols, -1) {
		t.Errorf("the program has%s", found)
	}
	for _, s := range sources(t) {
		for _, path := range []string{"os/exec", "plugin"} {
			if _, imported := s.imports[path]; imported {
				t.Errorf("%s imports %s", s.name, path)
			}
		}
	}
}

// The size of a record is asked for; no memory is looked at past the type
// system. C comes in by no door: the driver is C translated to Go.
//
// proves: ASVS 1.4.1
func TestProgram_isMemorySafe(t *testing.T) {
	if packages := linkedPackages(t); slices.Contains(packages, "runtime/cgo") || slices.Contains(packages, "C") {
		t.Error("cgo is linked")
	}
	for _, s := range sources(t) {
		if _, imported := s.imports["C"]; imported {
			t.Errorf("%s uses cgo", s.name)
		}
		for _, name := range s.uses("unsafe") {
			if name != "Sizeof" {
				t.Errorf("%s uses unsafe.%s", s.name, name)
			}
		}
		for _, group := range s.Comments {
			for _, c := range group.List {
				if strings.HasPrefix(c.Text, "//go:linkname") || strings.HasPrefix(c.Text, "//go:noescape") {
					t.Errorf("%s: %s", s.name, c.Text)
				}
			}
		}
	}
}

// proves: ASVS 15.2.3
func TestProgram_hasNoTestsAndNoSamples(t *testing.T) {
	barred := regexp.MustCompile(`(^|/)(testing|httptest|fstest|iotest|quick|roomtest|webtest|storetest|sourcetest|vectors|gatehousetest|go-cmp|go-jose|chromedp|testscript|examples)(/|$)`)
	for _, path := range linkedPackages(t) {
		if barred.MatchString(path) || path == "net/http/pprof" {
			t.Errorf("%s is linked", path)
		}
	}
	// Nor does an address serve anything of the kind.
	for _, e := range endpoints(t) {
		if regexp.MustCompile(`(?i)test|mock|fake|debug|sample|example|mailbox|pprof`).MatchString(e.Pattern) {
			t.Errorf("an address %s", e.Pattern)
		}
	}
	if !barred.MatchString(module + "/internal/web/webtest") {
		t.Error("the pattern finds nothing")
	}
}
