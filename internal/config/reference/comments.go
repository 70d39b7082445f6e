package reference

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/gatehouse-auth/gatehouse/internal/config"
)

const module = "github.com/gatehouse-auth/gatehouse"

// comments are the doc comments of struct members, by package, struct and
// member.
type comments map[[3]string]string

// readComments reads the sources of every package that the settings come from.
// root is the folder of the module.
func readComments(root string, tree []config.Setting) (comments, error) {
	found := comments{}
	read := map[string]bool{}
	var failed error
	config.Walk(tree, func(s config.Setting) {
		if read[s.Package] || failed != nil {
			return
		}
		read[s.Package] = true
		failed = found.readPackage(root, s.Package)
	})
	return found, failed
}

func (c comments) readPackage(root, name string) error {
	below, ok := strings.CutPrefix(name, module)
	if !ok {
		return fmt.Errorf("package %s is not of this module", name)
	}
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(below), "*.go"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if t, ok := n.(*ast.TypeSpec); ok {
				c.readStruct(name, t)
			}
			return true
		})
	}
	return nil
}

func (c comments) readStruct(pkg string, t *ast.TypeSpec) {
	s, ok := t.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range s.Fields.List {
		for _, name := range f.Names {
			c[[3]string{pkg, t.Name.Name, name.Name}] = f.Doc.Text()
		}
	}
}

// writer turns doc comments into the words of the configuration file.
type writer struct {
	comments comments
	// paths are the settings by the name of their member, and by struct and
	// member: "AbsoluteLifetime", "Session.AbsoluteLifetime".
	paths map[string][]string
}

func newWriter(root string, tree []config.Setting) (*writer, error) {
	c, err := readComments(root, tree)
	if err != nil {
		return nil, err
	}
	w := &writer{comments: c, paths: map[string][]string{}}
	config.Walk(tree, func(s config.Setting) {
		for _, name := range []string{s.Member, s.Struct + "." + s.Member} {
			w.paths[name] = append(w.paths[name], s.Path)
		}
	})
	return w, nil
}

var (
	docLink = regexp.MustCompile(`\[([A-Z][A-Za-z.]*)\]`)
	// goName is a name that no English word looks like: two humps, or a dot.
	goName = regexp.MustCompile(`\b[A-Z][a-z]+(\.?[A-Z][A-Za-z]*)+\b`)
	// byDefault is where a neighbour may be named by one hump.
	byDefault = regexp.MustCompile(`Default: [A-Z][a-z]+\b`)
)

// describe returns the comment on a setting in the words of the file, one line
// a paragraph.
func (w *writer) describe(s config.Setting) (string, error) {
	text := strings.TrimSpace(w.comments[[3]string{s.Package, s.Struct, s.Member}])
	if text == "" {
		return "", fmt.Errorf("%s has no doc comment: write one above %s.%s", s.Path, s.Struct, s.Member)
	}
	paragraphs := strings.Split(text, "\n\n")
	for i, p := range paragraphs {
		paragraphs[i] = strings.Join(strings.Fields(p), " ")
	}
	text = docLink.ReplaceAllString(strings.Join(paragraphs, "\n"), "$1")
	if rest, ok := strings.CutPrefix(text, s.Member+" "); ok {
		text = s.Key + " " + rest
	}
	text = byDefault.ReplaceAllStringFunc(text, func(found string) string {
		name := strings.TrimPrefix(found, "Default: ")
		return "Default: " + w.key(s, s.Struct+"."+name, name)
	})
	text = goName.ReplaceAllStringFunc(text, func(name string) string { return w.key(s, name, name) })
	return text, nil
}

// key is what the file calls the member that the comment on s names: its key
// within the same group, else its path; written, if it is no member.
func (w *writer) key(s config.Setting, name, written string) string {
	paths := w.paths[name]
	for _, p := range paths {
		if group(p) == group(s.Path) {
			return p[len(group(p)):]
		}
	}
	if len(paths) != 1 {
		return written
	}
	path := strings.ReplaceAll(paths[0], "[]", "[0]")
	if strings.Contains(name, ".") && !strings.Contains(path, ".") {
		path += " at the top of the file" // there may be one of the same key nearby
	}
	return path
}

// group is the path up to the last key, with the dot.
func group(path string) string { return path[:strings.LastIndex(path, ".")+1] }
