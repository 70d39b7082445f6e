package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds the configuration file and files of secrets.
const maxFile = 1 << 20

// readFile reads the configuration file into the settings. False: nothing could
// be read, and the only problem says why.
func (l *loader) readFile(name string) bool {
	content, mode, err := readBounded(name)
	if err != nil {
		l.note("", "name a YAML file that can be read", "the file %s: %v", name, cause(err))
		return false
	}
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(content))
	if err := dec.Decode(&doc); err != nil {
		if !errors.Is(err, io.EOF) { // an empty file says nothing
			if n := tabbed(err, content); n > 0 {
				l.note("", "YAML wants spaces", "the file %s is not YAML: line %d begins with a tab", name, n)
				return false
			}
			l.note("", "correct the YAML", "the file %s %s", name, syntaxProblem(err))
			return false
		}
		return true
	}
	var second yaml.Node
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		l.note("", "keep one", "the file %s has more than one document", name)
		return false
	}
	l.file = name
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode && root.ShortTag() != "!!null" {
		l.note("", "begin with a key, as public_origin: https://app.example", "the file %s is not a list of settings", name)
		return false
	}
	l.group(root, reflect.ValueOf(&l.settings).Elem(), "")
	if l.inlineSecrets {
		if problem := OpenToOthers(mode); problem != "" {
			l.note("", "chmod 600 "+name+", or move the secrets to files of their own (secrets_file, peppers_file)", "the file %s holds secrets and %s", name, problem)
		}
	}
	return true
}

// readBounded reads a whole file, and with which permissions it was opened.
func readBounded(name string) ([]byte, os.FileMode, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(content) > maxFile {
		err = fmt.Errorf("is larger than %d bytes", maxFile)
	}
	return content, info.Mode(), err
}

// cause leaves out of a file error the operation and the name.
func cause(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

var yamlLine = regexp.MustCompile(`line (\d+): (.*)`)

// syntaxProblem keeps of the parser's error what cannot hold a secret. An
// unquoted secret that begins with an asterisk is taken for an alias, and the
// parser names it.
func syntaxProblem(err error) string {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if strings.Contains(text, "unknown anchor") {
		return "has a text that begins with *, which must be quoted"
	}
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		return "is not YAML at line " + m[1] + ": " + m[2]
	}
	return "is not YAML: " + text
}

// tabbed returns the number of the line that the parser stumbled over because a
// tab indents it, or 0. The parser leaves out the number of the first line, and
// may name the one before.
func tabbed(err error, content []byte) int {
	text := err.Error()
	if !strings.Contains(text, "found character that cannot start any token") && !strings.Contains(text, "found a tab character") {
		return 0
	}
	at := 1
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		at, _ = strconv.Atoi(m[1])
	}
	lines := bytes.Split(content, []byte("\n"))
	for n := max(at, 1); n <= min(at+1, len(lines)); n++ {
		indent := lines[n-1][:len(lines[n-1])-len(bytes.TrimLeft(lines[n-1], " \t"))]
		if bytes.ContainsRune(indent, '\t') {
			return n
		}
	}
	return 0
}

func (l *loader) line(n *yaml.Node) string { return fmt.Sprintf("%s:%d", l.file, n.Line) }

// group reads a mapping into a struct.
func (l *loader) group(n *yaml.Node, v reflect.Value, path string) {
	if n.ShortTag() == "!!null" {
		return // a group whose lines are all commented out
	}
	if n.Kind != yaml.MappingNode {
		l.noteAt(n, path, "indent its settings below it, one a line", "is a group of settings, not a value")
		return
	}
	fields := fieldsOf(v.Type())
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := under(path, key.Value)
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			l.noteAt(key, under(path, "?"), "write plain keys", "has a key that is not a plain word")
			continue
		}
		if seen[key.Value] {
			l.noteAt(key, name, "keep one of them", "stands twice in the file")
			continue
		}
		seen[key.Value] = true
		l.member(fields, v, key, value, path)
	}
	for _, f := range fields {
		if f.holdsSecrets() && seen[f.key] && seen[f.key+fileSuffix] {
			l.noteAt(n, under(path, f.key), "keep one of them", "stands beside %s", f.key+fileSuffix)
			delete(l.secretFiles, under(path, f.key))
		}
	}
}

// member reads the value of one key.
func (l *loader) member(fields []field, v reflect.Value, key, value *yaml.Node, path string) {
	name := under(path, key.Value)
	if value.Kind == yaml.AliasNode || value.Anchor != "" {
		l.noteAt(value, name, "write the value out, or quote a text that begins with & or *", "uses an anchor or alias, which are not supported")
		return
	}
	for _, f := range fields {
		if f.key == key.Value {
			l.set(value, v.FieldByIndex(f.index), name)
			return
		}
		if f.holdsSecrets() && f.key+fileSuffix == key.Value {
			var file string
			l.set(value, reflect.ValueOf(&file).Elem(), name)
			l.secretFiles[under(path, f.key)] = secretFile{name: file, setting: name}
			return
		}
	}
	l.noteAt(key, name, suggestKey(fields, path, key.Value), "is not a setting")
}

// set reads a node into the setting at path.
func (l *loader) set(n *yaml.Node, v reflect.Value, path string) {
	l.settings.origins[path] = l.line(n)
	switch kindOf(v.Type()) {
	case kindGroup:
		l.group(n, v, path)
	case kindGroups, kindList:
		l.list(n, v, path)
	default:
		l.scalar(n, v, path)
	}
}

func (l *loader) list(n *yaml.Node, v reflect.Value, path string) {
	if n.ShortTag() == "!!null" {
		return
	}
	if n.Kind != yaml.SequenceNode {
		l.noteAt(n, path, "write its elements below it, each behind a hyphen", "is a list, not a single value")
		return
	}
	for i, element := range n.Content {
		at := item(path, i)
		v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
		if element.Kind == yaml.AliasNode || element.Anchor != "" {
			l.noteAt(element, at, "write the value out, or quote a text that begins with & or *", "uses an anchor or alias, which are not supported")
			continue
		}
		l.set(element, v.Index(i), at)
	}
}

// scalar wants the YAML type of the setting exactly, so that no text turns
// into a number or a truth value behind the operator's back.
func (l *loader) scalar(n *yaml.Node, v reflect.Value, path string) {
	k := kindOf(v.Type())
	tag := n.ShortTag()
	switch {
	case n.Kind != yaml.ScalarNode:
		l.noteAt(n, path, "give one value behind the colon", "is a single value, not a list or a group")
		return
	case tag == "!!null":
		l.noteAt(n, path, "give one, or remove the line for the default", "has no value")
		return
	case tag != "!!str" && path == "listen": // a port alone is read as a number
		l.noteAt(n, path, "write host and port, as 127.0.0.1:8787", "is not host and port")
		return
	case tag != "!!str" && path == "ops_listen":
		l.noteAt(n, path, "write host and port, as 127.0.0.1:8788", "is not host and port")
		return
	case (k == kindString || k == kindSecret) && tag != "!!str":
		l.noteAt(n, path, "put it in quotes", "is read by YAML as something other than text")
		return
	case k == kindBool && tag != "!!bool":
		l.noteAt(n, path, "write true or false, without quotes", "is neither true nor false")
		return
	case k == kindInt && tag != "!!int":
		l.noteAt(n, path, "write it in decimal digits alone, without quotes", "is not a whole number")
		return
	}
	if k == kindSecret {
		l.inlineSecrets = true
	}
	if problem, cure := setScalar(v, n.Value); problem != "" {
		l.noteAt(n, path, cure, "%s", problem)
	}
}

// noteAt adds a Problem with the line it stands in.
func (l *loader) noteAt(n *yaml.Node, path, cure, problem string, args ...any) {
	p := l.problem(path, cure, fmt.Sprintf(problem, args...))
	p.Where = l.line(n)
	l.problems = append(l.problems, p)
}
